// Providers that people sign in to Gatepost through, and what they do there.
import { spawn } from "node:child_process";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../interop/provider", import.meta.url));

export class Providers {
  static async start() {
    const providers = new Providers();
    providers.child = spawn(process.execPath, ["provider.mjs"], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
    const lines = readline.createInterface({ input: providers.child.stdout });
    // the lines after this one are read and dropped, so that it never waits
    const ports = await new Promise((resolve, reject) => {
      lines.on("line", (line) => line.startsWith("{") && resolve(line));
      lines.on("close", () => reject(new Error("the provider does not start: run tests/setup/tools.sh browser")));
    });
    providers.port = JSON.parse(ports).oidc;
    return providers;
  }

  get settings() {
    return `
[[providers]]
id = "acme"
name = "Acme"
kind = "oidc"
issuer = "http://127.0.0.1:${this.port}"
client_id = "gatepost"
client_secret = "a secret of & two+sides %"
`;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Presses a button that leads to the provider, and signs in there; without an account, says no there. */
  async visit(page, press, account) {
    // as if the provider had forgotten who was there last
    await page.context().clearCookies({ domain: "127.0.0.1" });
    await press();
    await page.waitForURL((url) => url.origin === this.origin && url.pathname.startsWith("/interaction/"));
    const text = account ? Buffer.from(JSON.stringify({ email_verified: true, ...account })).toString("base64url") : "cancel";
    await page.goto(`${page.url()}/as?account=${text}`);
  }

  close() {
    this.child.stdin.end();
  }
}
