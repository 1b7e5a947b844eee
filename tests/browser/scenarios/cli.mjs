// `gatepost login` from the terminal to the browser and back: denied, then allowed, then the access ended under Connected apps.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { look, open_profile, sign_in } from "../browser.mjs";

const AUTHORIZE = /https?:\/\/\S*\/oauth2\/authorize\?\S+/;

function ask_api(gatepost, token) {
  return fetch(gatepost.sampleApi, { headers: { authorization: `Bearer ${token}` } });
}

export async function run_cli({ browser, gatepost }) {
  const page = await open_profile(browser);

  await check("cli: \"Don't allow\" ends the command with status 4", async () => {
    const login = gatepost.command(["login"]);
    try {
      const [address] = await login.stderrMatch(AUTHORIZE);
      await page.goto(address);
      await page.getByText("to continue to").waitFor();
      await look(page, "login-for-cli");
      await sign_in(page, gatepost.devEmail, gatepost.devPassword);
      await page.getByRole("heading", { name: /^Allow .* to use your .* account\?$/ }).waitFor();
      await look(page, "consent-cli");
      await page.getByRole("button", { name: "Don’t allow" }).click();
      await page.getByRole("heading", { name: "That did not work" }).waitFor();
      await look(page, "cli-denied");
      const { code, stderr, stdout } = await login.done;
      assert.equal(code, 4, stderr);
      assert.match(stderr, /You chose “Don't allow” in the browser/);
      assert.equal(stdout, "");
    } finally {
      login.kill();
    }
  });

  await check("cli: allowed, the command is signed in", async () => {
    const login = gatepost.command(["login"]);
    try {
      const [address] = await login.stderrMatch(AUTHORIZE);
      await page.goto(address);
      // consent is asked again although the person is signed in: any program can call itself so
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await page.getByRole("heading", { name: "You are signed in" }).waitFor();
      assert.doesNotMatch(page.url(), /code=/);
      await look(page, "cli-done");
      const { code, stderr } = await login.done;
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`Signed in as ${gatepost.devEmail}`));
    } finally {
      login.kill();
    }
  });

  let token;
  await check("cli: token prints the bare token, and the API takes it", async () => {
    const { code, stdout, stderr } = await gatepost.command(["token"]).done;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^gp_at_\S+\n$/);
    token = stdout.trim();
    assert.equal((await ask_api(gatepost, token)).status, 200);
    assert.equal((await ask_api(gatepost, `${token}x`)).status, 401);
  });
  await check("cli: whoami says who it is, as one JSON document", async () => {
    const { code, stdout, stderr } = await gatepost.command(["whoami", "--json"]).done;
    assert.equal(code, 0, stderr);
    assert.match(JSON.stringify(JSON.parse(stdout)), new RegExp(gatepost.devEmail));
  });

  await page.goto(`${gatepost.issuer}/account/apps`);
  await look(page, "account-apps");
  await page.getByRole("link", { name: /^End access/ }).first().click();
  await look(page, "account-end-access");
  await check("cli: ending its access is felt by the API within a second", async () => {
    await page.getByRole("button", { name: "End access" }).click();
    await page.getByText("The access is ended").waitFor();
    const began = Date.now();
    let status;
    do {
      status = (await ask_api(gatepost, token)).status;
    } while (status !== 401 && Date.now() - began < 1_000);
    assert.equal(status, 401);
  });
  await look(page, "account-apps-empty");
  await check("cli: afterwards the command says that the sign-in ended, with status 3", async () => {
    const { code, stderr } = await gatepost.command(["whoami"]).done;
    assert.equal(code, 3, stderr);
    assert.match(stderr, /gatepost login/);
  });
  await check("cli: logout revokes what the next sign-in brought", async () => {
    const login = gatepost.command(["login"]);
    try {
      await page.goto((await login.stderrMatch(AUTHORIZE))[0]);
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await page.getByRole("heading", { name: "You are signed in" }).waitFor();
      assert.equal((await login.done).code, 0);
    } finally {
      login.kill();
    }
    const kept = (await gatepost.command(["token"]).done).stdout.trim();
    assert.equal((await ask_api(gatepost, kept)).status, 200);
    const { code, stderr } = await gatepost.command(["logout"]).done;
    assert.equal(code, 0, stderr);
    assert.equal((await gatepost.command(["token"]).done).code, 3);
    assert.equal((await ask_api(gatepost, kept)).status, 401);
  });
  await check("cli: an address where nothing answers is status 5", async () => {
    const { code, stderr } = await gatepost.command(["login", "--issuer", "http://127.0.0.1:9"]).done;
    assert.equal(code, 5, stderr);
  });
}
