// Passkeys with Chromium's virtual authenticator: added, named, signed in with by the button and from the address field, cancelled, removed.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { expect_path, look, open_debugger, open_profile, sign_in } from "../browser.mjs";

const EMAIL = "passkeys@example.com";
const PASSWORD = "nine-patient-paper-herons";

/** A device in this page's browser that verifies its user with a touch. */
async function add_device(page) {
  const session = await open_debugger(page);
  await session.send("WebAuthn.enable", { enableUI: false });
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return {
    count: async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials.length,
    verify: (isUserVerified) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    touch: (enabled) => session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled }),
    forget: () => session.send("WebAuthn.clearCredentials", { authenticatorId }),
  };
}

async function sign_out(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
}

/** Uses the passkey where the page asks for it. */
async function use_passkey(page, device) {
  // a call that has begun is not touched by a change, so first the change
  await device.touch(true);
  await page.getByRole("button", { name: "Use a passkey" }).click();
}

/** The passkey as the second step after a password, and to confirm who it is. */
async function ask_for_it_twice(page, gatepost, device) {
  await page.goto(`${gatepost.issuer}/account/second-step`);
  await page.getByRole("heading", { name: "Confirm that it’s you" }).waitFor();
  await check("passkeys: whoever has one confirms with it, although the sign-in is new", async () => {
    await use_passkey(page, device);
    await page.getByRole("heading", { name: "Ask for a second step?" }).waitFor();
  });
  await device.touch(false);
  await look(page, "second-step-ask");
  await check("passkeys: one becomes the second step, with recovery codes", async () => {
    await page.getByRole("button", { name: "Ask for a second step" }).click();
    await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
    await page.getByLabel("I have saved them").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByText("The second step is on").first().waitFor();
  });
  await look(page, "security-passkey-second");
  await sign_out(page);
  await page.goto(`${gatepost.issuer}/login`);
  await sign_in(page, EMAIL, PASSWORD);
  await page.getByRole("button", { name: "Use a passkey" }).waitFor();
  await look(page, "second-step-passkey");
  await check("passkeys: after the password the passkey is asked for, and lets in", async () => {
    await use_passkey(page, device);
    await page.waitForURL(/\/account/);
  });
  await device.touch(false);
  await gatepost.let_sign_ins_age();
  await page.goto(`${gatepost.issuer}/account/second-step`);
  await page.getByRole("heading", { name: "Confirm that it’s you" }).waitFor();
  await look(page, "confirm-passkey");
  await check("passkeys: one confirms who it is, and the page that was asked for comes", async () => {
    await use_passkey(page, device);
    await page.getByRole("heading", { name: "Stop asking for a second step?" }).waitFor();
  });
  await device.touch(false);
  await look(page, "second-step-stop");
  await check("passkeys: the second step is turned off again", async () => {
    await page.getByRole("button", { name: "Stop asking" }).click();
    await page.getByText("The second step is off").first().waitFor();
  });
}

export async function run_passkeys({ browser, gatepost }) {
  const page = await open_profile(browser);
  const at = (path) => `${gatepost.issuer}${path}`;
  // a device stays as long as the process that shows the page, so first a page of the server
  await page.goto(at("/"));
  const device = await add_device(page);
  await page.addInitScript(() => {
    const get = navigator.credentials?.get.bind(navigator.credentials);
    if (get) navigator.credentials.get = (options) => { window.passkeyCalls = (window.passkeyCalls ?? 0) + 1; return get(options); };
  });
  // so that no page signs in by itself before it is looked at
  await device.touch(false);

  await page.goto(at("/signup"));
  await page.getByRole("button", { name: "Create a passkey instead" }).waitFor();
  await look(page, "signup-passkey");
  await check("passkeys: after signing up one is offered, and can be skipped", async () => {
    await page.getByLabel("Email address").fill(EMAIL);
    await page.getByLabel("Your name").fill("Passkey Person");
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("heading", { name: "Sign in faster next time" }).waitFor();
    await page.getByRole("button", { name: "Create a passkey" }).waitFor();
  });
  await look(page, "passkey-offer");
  await check("passkeys: Not now leads to the account", async () => {
    await page.getByRole("link", { name: "Not now" }).click();
    await page.getByRole("heading", { name: "Profile" }).waitFor();
  });
  await page.goto(at("/account/passkeys"));
  await look(page, "passkeys-empty");

  await check("passkeys: one is added and named", async () => {
    await page.getByRole("link", { name: "Add a passkey" }).click();
    await device.touch(true);
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await page.getByText("Your passkey is ready").waitFor();
    assert.notEqual(await page.getByLabel("Name of the passkey").inputValue(), "");
    assert.equal(await device.count(), 1);
  });
  await look(page, "passkey-name");
  await check("passkeys: its name is shown on its page and under Security", async () => {
    await page.getByLabel("Name of the passkey").fill("Test device");
    await page.getByRole("button", { name: "Save name" }).click();
    await page.getByRole("heading", { name: "Test device" }).waitFor();
    await page.goto(at("/account/security"));
    await page.getByRole("heading", { name: "Test device" }).waitFor();
  });
  await look(page, "account-security-passkeys");
  await page.goto(at("/account/passkeys"));
  await look(page, "passkeys");

  await device.touch(false);
  await ask_for_it_twice(page, gatepost, device);
  await sign_out(page);
  await page.goto(at("/login"));
  await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
  await look(page, "login-passkey");
  await check("passkeys: one that its user does not release is no error", async () => {
    await device.verify(false);
    await device.touch(true);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByText("No passkey was used. Try again or sign in another way.").waitFor();
    expect_path(page, "/login");
  });
  await look(page, "login-passkey-quiet");
  await device.touch(false);
  await device.verify(true);
  await check("passkeys: the button signs in", async () => {
    await page.goto(at("/login"));
    // the call of the address field has begun untouched; the button's takes over
    while (!(await page.evaluate(() => window.passkeyCalls))) await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
    await device.touch(true);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("heading", { name: "Profile" }).waitFor();
    await page.getByText(EMAIL).first().waitFor();
  });
  await check("passkeys: the address field signs in without a button", async () => {
    await sign_out(page);
    await page.goto(at("/login"));
    await page.getByRole("heading", { name: "Profile" }).waitFor();
  });
  await check("passkeys: one that the server forgot is told, and another way is open", async () => {
    await page.goto(at("/account/passkeys"));
    await page.getByRole("link", { name: "Remove Test device" }).click();
    await page.getByRole("heading", { name: /^Remove/ }).waitFor();
  });
  await look(page, "passkey-remove");
  await check("passkeys: a removed one is unknown", async () => {
    await page.getByRole("button", { name: "Remove passkey" }).click();
    await page.getByText("The passkey is removed").waitFor();
    await device.touch(false);
    await sign_out(page);
    await page.goto(at("/login"));
    // the call of the address field has begun untouched; the button's takes over
    while (!(await page.evaluate(() => window.passkeyCalls))) await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
    await device.touch(true);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByText("That passkey is no longer on this account").waitFor();
    await device.touch(false);
  });
  await look(page, "login-passkey-unknown");
  await check("passkeys: the password still signs in, and no second offer comes", async () => {
    await device.forget();
    await sign_in(page, EMAIL, PASSWORD);
    await page.getByRole("heading", { name: "Profile" }).waitFor();
  });
  await check("passkeys: an account without a password", async () => {
    await sign_out(page);
    await page.goto(at("/signup"));
    await page.getByLabel("Email address").fill("no-password@example.com");
    await page.getByLabel("Your name").fill("No Password");
    await device.touch(true);
    await page.getByRole("button", { name: "Create a passkey instead" }).click();
    await page.getByText("no-password@example.com").first().waitFor();
    await page.goto(at("/account/passkeys"));
    await page.getByText("This is your only way in. Add another first.").waitFor();
  });
}
