// Starts the development server in a folder of its own, and runs its commands.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { check } from "../interop/node/checks.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const program = process.env.GATEPOST_TEST_BINARY ?? path.join(repository, "target/debug/gatepost");
const START_LIMIT = 30_000;

/** Ports that nobody uses now: the server takes the first, its samples the ones after it. */
async function find_ports(count) {
  for (;;) {
    const first = 15_000 + Math.floor(Math.random() * 15_000);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(ports.map(is_free))).every(Boolean)) return ports;
  }
}

function is_free(port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** Starts a plain HTTP server on a free port of 127.0.0.1. */
export async function serve_http(handler) {
  const server = http.createServer(handler);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, close: () => { server.closeAllConnections(); server.close(); } };
}

function collect(child) {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => { output[name] += text; });
  return output;
}

export class Gatepost {
  /** Starts `gatepost serve --dev` with these settings beside the development ones. */
  static async start(settings) {
    const gatepost = new Gatepost();
    gatepost.folder = await mkdtemp(path.join(os.tmpdir(), "gatepost-browser-"));
    gatepost.config = path.join(gatepost.folder, "gatepost.toml");
    await writeFile(gatepost.config, settings);
    const [port] = await find_ports(5);
    gatepost.issuer = `http://localhost:${port}`;
    gatepost.server = spawn(program, ["--config", gatepost.config, "serve", "--dev", "--port", String(port)], { cwd: gatepost.folder, env: gatepost.#environment(), stdio: ["ignore", "pipe", "pipe"] });
    gatepost.output = collect(gatepost.server);
    await gatepost.#wait_until_ready();
    gatepost.#read_banner();
    return gatepost;
  }

  #environment() {
    return {
      PATH: process.env.PATH,
      LANG: "C.UTF-8",
      HOME: this.folder,
      XDG_CONFIG_HOME: path.join(this.folder, "config"),
      XDG_RUNTIME_DIR: this.folder,
      GATEPOST_ISSUER: this.issuer,
      GATEPOST__LIMITS__SIGNUPS_PER_HOUR: "1000",
      GATEPOST__LIMITS__SIGN_IN_FAILURES_PER_ADDRESS: "1000",
      GATEPOST__LIMITS__AUTHORIZE_PER_MINUTE: "10000",
    };
  }

  async #wait_until_ready() {
    const began = Date.now();
    for (;;) {
      if (this.server.exitCode !== null) throw new Error(`the server ended with ${this.server.exitCode}:\n${this.output.stdout}${this.output.stderr}`);
      const answer = await fetch(`${this.issuer}/readyz`).catch(() => undefined);
      if (answer?.ok && /Ready in/.test(this.output.stdout + this.output.stderr)) return;
      if (Date.now() - began > START_LIMIT) throw new Error(`the server is not ready:\n${this.output.stdout}${this.output.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The addresses and the password that a developer reads on the terminal. */
  #read_banner() {
    const text = this.output.stdout + this.output.stderr;
    const find = (pattern) => {
      const found = text.match(pattern);
      if (!found) throw new Error(`the banner lacks ${pattern}:\n${text}`);
      return found;
    };
    [, this.devEmail, this.devPassword] = find(/Sign in +\S+ +(\S+) \/ (\S+)/);
    [, this.sampleApp] = find(/Sample app +(\S+)/);
    [, this.sampleApi] = find(/Sample API +(\S+)/);
  }

  /** All that the server has written so far. */
  read_log() {
    return this.output.stdout + this.output.stderr;
  }

  /** Starts a command; `done` resolves to its exit code and output, `stderrMatch` waits for a text. */
  command(args, extra = {}) {
    // a browser that does nothing: the test opens the printed address itself
    const child = spawn(program, args, { cwd: this.folder, env: { ...this.#environment(), BROWSER: "true", ...extra }, stdio: ["ignore", "pipe", "pipe"] });
    const output = collect(child);
    const done = new Promise((resolve) => child.on("close", (code) => resolve({ code, ...output })));
    const stderrMatch = async (pattern, limit = 15_000) => {
      const began = Date.now();
      for (;;) {
        const found = output.stderr.match(pattern);
        if (found) return found;
        if (child.exitCode !== null || Date.now() - began > limit) throw new Error(`no ${pattern} in: ${output.stdout}${output.stderr} (exit ${child.exitCode})`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return { done, stderrMatch, kill: () => child.kill() };
  }

  /** Lets ten minutes pass for every sign-in. */
  async let_sign_ins_age() {
    const folder = path.join(this.folder, "gatepost-dev");
    const file = (await readdir(folder)).find((name) => name.endsWith(".db"));
    await promisify(execFile)("sqlite3", ["-cmd", ".timeout 5000", path.join(folder, file), "UPDATE sessions SET auth_time = auth_time - 600"]);
  }

  /** For a check at the end. */
  expect_healthy() {
    assert.equal(this.server.exitCode ?? this.server.signalCode, null);
    assert.doesNotMatch(this.read_log(), /ERROR|panicked/);
  }

  async stop() {
    if (this.server && this.server.exitCode === null) {
      const ended = new Promise((resolve) => this.server.once("close", resolve));
      this.server.kill("SIGTERM");
      const late = setTimeout(() => this.server.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(late);
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Runs a part against a server of its own, with these settings; the server must stay healthy. */
export async function with_server(settings, run) {
  const gatepost = await Gatepost.start(settings);
  try {
    await run(gatepost);
    await check("its server lives and logged no error", () => gatepost.expect_healthy());
  } catch (error) {
    error.message += `\nthe end of its server's log:\n${gatepost.read_log().split("\n").slice(-40).join("\n")}`;
    throw error;
  } finally {
    await gatepost.stop();
  }
}
