// Through another provider: an invitation carried through a sign-in of the command line, and what can go otherwise there.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { expect_account, expect_path, look, open_profile, sign_in } from "../browser.mjs";
import { with_server } from "../gatepost.mjs";
import { Providers } from "../provider.mjs";
import { choose_sign_up_mode, make_invite, open_administration } from "./administration.mjs";

const AUTHORIZE = /https?:\/\/\S*\/oauth2\/authorize\?\S+/;
const IDA = { sub: "ida-1", email: "ida@example.com", name: "Ida Invited" };
const LIA = { sub: "lia-1", email: "lia@example.com", name: "Lia Linked" };
const TOM = { sub: "tom-1", email: "tom@example.com", name: "Tom Typed" };

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const proceed = (page) => () => page.getByRole("button", { name: "Continue with Acme" }).click();

export async function run_providers({ browser }) {
  const providers = await Providers.start();
  try {
    await with_server(`mail.smtp_url = ""\n${providers.settings}`, async (gatepost) => {
      const world = { browser, gatepost, providers, at: (path) => gatepost.issuer + path };
      const admin = await open_administration(browser, gatepost);
      await choose_sign_up_mode(admin, gatepost, "Whoever has an invitation");
      const link = await make_invite(admin, gatepost, { uses: 3 });
      await bring_link(world, link);
      await open_link(world, link);
      await type_code(world, link);
      await go_astray(world);
      await link_accounts(admin, world);
    });
  } finally {
    providers.close();
  }
}

/** Runs `gatepost login` as far as its address, and `walk` with it; the command must end with the expected code. */
async function sign_in_to_cli(gatepost, environment, expected, walk) {
  const login = gatepost.command(["login"], environment);
  try {
    const [address] = await login.stderrMatch(AUTHORIZE);
    await walk(address);
    const { code, stderr } = await login.done;
    assert.equal(code, expected, stderr);
    return stderr;
  } finally {
    login.kill();
  }
}

async function allow(page) {
  await page.getByRole("heading", { name: /^Allow .* to use your .* account\?$/ }).waitFor();
  await look(page, "consent-after-provider");
  await page.getByRole("button", { name: "Allow", exact: true }).click();
  await heading(page, "You are signed in");
}

async function bring_link({ browser, gatepost, providers }, link) {
  const page = await open_profile(browser);
  await check("providers: invitation, command line, provider, consent, token", async () => {
    const said = await sign_in_to_cli(gatepost, {}, 0, async (address) => {
      await page.goto(address);
      await page.getByText("to continue to").waitFor();
      await look(page, "login-cli-providers");
      await page.getByRole("link", { name: "Use it" }).click();
      await page.getByText("to continue to").waitFor();
      await look(page, "signup-cli-providers");
      // the whole link does as well as the code
      await page.getByLabel("Invitation code").fill(link);
      await look_at_trip(page, providers);
      await providers.visit(page, () => page.getByRole("link", { name: "Continue to Acme" }).click(), IDA);
      await allow(page);
    });
    assert.match(said, new RegExp(`Signed in as ${IDA.email}`));
  });
  await check("providers: the token is this person's, and the sample API answers", async () => {
    const { code, stdout, stderr } = await gatepost.command(["token"]).done;
    assert.equal(code, 0, stderr);
    const answer = await fetch(gatepost.sampleApi, { headers: { authorization: `Bearer ${stdout.trim()}` } });
    assert.equal(answer.status, 200);
    const whoami = await gatepost.command(["whoami", "--json"]).done;
    assert.match(JSON.stringify(JSON.parse(whoami.stdout)), new RegExp(IDA.email));
  });
  await page.goto(`${gatepost.issuer}/account/providers`);
  await look(page, "account-providers-only");
  await check("providers: the only way in cannot be disconnected", async () => {
    await page.getByText("This is your only way in. Add another first.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Disconnect Acme" }).count(), 0);
  });
  await page.goto(`${gatepost.issuer}/account/security`);
  await look(page, "account-security-provider");
  await page.goto(`${gatepost.issuer}/account/sessions`);
  await look(page, "account-sessions-provider");
}

/** The page on the way, held by an answer without content. */
async function look_at_trip(page, providers) {
  await page.route(`${providers.origin}/**`, (route) => route.fulfill({ status: 204 }));
  await proceed(page)();
  await heading(page, "Taking you to Acme…");
  await look(page, "provider-go");
  await page.unroute(`${providers.origin}/**`);
}

/** The link itself leads to the provider as well; who says no there keeps the invitation. */
async function open_link({ browser, providers }, link) {
  const page = await open_profile(browser);
  await page.goto(link);
  await page.getByText("Dev Eloper invited you").waitFor();
  await look(page, "signup-invited-providers");
  await check("providers: an invitation survives a trip that was broken off", async () => {
    await providers.visit(page, proceed(page));
    await page.getByText("You stopped at the other provider.").waitFor();
    await page.getByRole("link", { name: "Use it" }).click();
    await page.getByText("Dev Eloper invited you").waitFor();
  });
  await check("providers: and makes the account on the next one", async () => {
    await providers.visit(page, proceed(page), LIA);
    await expect_account(page, LIA.email);
  });
}

async function type_code({ browser, gatepost, providers }, link) {
  const page = await open_profile(browser);
  const home = { XDG_CONFIG_HOME: `${gatepost.folder}/other-config`, XDG_RUNTIME_DIR: `${gatepost.folder}/other-config` };
  await check("providers: without an invitation the trip ends with where to enter one", async () => {
    const said = await sign_in_to_cli(gatepost, home, 0, async (address) => {
      await page.goto(address);
      await providers.visit(page, proceed(page), TOM);
      await heading(page, "You need an invitation");
      await look(page, "provider-invite-needed");
      await page.getByRole("link", { name: "Enter an invitation" }).click();
      await page.getByText("to continue to").waitFor();
      await page.getByLabel("Invitation code").fill("gp_inv_mistyped");
      await proceed(page)();
      await page.getByText("This invitation does not work.").first().waitFor();
      await look(page, "signup-code-wrong");
      // with the spaces that a mail program puts in
      await page.getByLabel("Invitation code").fill(` ${link.split("/").at(-1)} `);
      await providers.visit(page, proceed(page), TOM);
      await allow(page);
    });
    assert.match(said, new RegExp(`Signed in as ${TOM.email}`));
  });
  await check("providers: an invitation for three is used up after three", async () => {
    const late = await open_profile(browser);
    await late.goto(link);
    await late.getByText("This invitation does not work.").first().waitFor();
  });
}

async function go_astray({ browser, gatepost, providers, at }) {
  const page = await open_profile(browser);
  await page.goto(at("/login"));
  await look(page, "login-providers");
  await check("providers: who says no there comes back to the sign-in page", async () => {
    await providers.visit(page, proceed(page));
    expect_path(page, "/login");
    await page.getByText("You stopped at the other provider.").waitFor();
  });
  await look(page, "login-provider-cancelled");
  await check("providers: an address that is not confirmed there does not get in", async () => {
    await providers.visit(page, proceed(page), { ...TOM, sub: "tom-2", email_verified: false });
    await page.getByRole("link", { name: "Go to the sign-in page" }).waitFor();
  });
  await look(page, "provider-unverified");
  await check("providers: an answer that is not for us does not get in", async () => {
    await page.goto(at("/login"));
    await providers.visit(page, proceed(page), { ...TOM, fault: "nonce" });
    await heading(page, "Acme could not tell us who you are");
  });
  await look(page, "provider-refused");
  await check("providers: an address that has an account is asked to sign in first, then the two are connected", async () => {
    await page.goto(at("/login"));
    await providers.visit(page, proceed(page), { sub: "dev-1", email: gatepost.devEmail, name: "Dev" });
    await page.getByText(`You already have an account with ${gatepost.devEmail}`).waitFor();
    await look(page, "login-provider-offer");
    await sign_in(page, gatepost.devEmail, gatepost.devPassword);
    await page.waitForURL(/\/account/);
  });
  await page.goto(at("/account/providers"));
  await look(page, "account-providers-offered");
}

async function link_accounts(page, { providers, at }) {
  await page.goto(at("/account/providers"));
  if (await page.getByRole("button", { name: "Disconnect Acme" }).count()) await page.getByRole("button", { name: "Disconnect Acme" }).click();
  await page.goto(at("/account/providers"));
  await look(page, "account-providers-none");
  await check("providers: an account elsewhere is connected from the account pages", async () => {
    await providers.visit(page, () => page.getByRole("button", { name: "Connect Acme" }).click(), { sub: "dev-2", email: "dev.elsewhere@example.org", name: "Dev" });
    await page.getByText("Acme is connected").waitFor();
  });
  await look(page, "account-providers-connected");
  await check("providers: and disconnected again", async () => {
    await page.getByRole("button", { name: "Disconnect Acme" }).click();
    await page.getByText("The account is disconnected").waitFor();
  });
  await look(page, "account-providers-disconnected");
}
