// Every page once with script switched off.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { authorize_url } from "../apps.mjs";
import { expect_path, open_profile, picture, sign_in } from "../browser.mjs";
import { make_invite } from "./administration.mjs";
import { make_code } from "./second_step.mjs";

const EMAIL = "noscript@example.com";
const PASSWORD = "nine-slow-wooden-bicycles";

export async function run_no_script({ browser, gatepost, apps }) {
  const page = await open_profile(browser, { javaScriptEnabled: false });

  await check("no script: create an account on the way to an app, and allow it", async () => {
    await page.goto(authorize_url(gatepost.issuer, "chain-app", apps.redirectUri));
    await page.getByRole("link", { name: "Create an account" }).click();
    await picture(page, "no-script-signup");
    assert.equal(await page.getByRole("button", { name: "Show password" }).count(), 0);
    await page.getByLabel("Email address").fill(EMAIL);
    await page.getByLabel("Your name").fill("No Script");
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("heading", { name: /^Allow Chain Notes/ }).waitFor();
    await picture(page, "no-script-consent");
    await page.getByRole("button", { name: "Allow", exact: true }).click();
    await page.waitForURL((url) => url.href.startsWith(apps.landed));
    assert.ok(new URL(page.url()).searchParams.get("code"));
  });
  for (const [name, address] of [["home", "/"], ["account", "/account"], ["account-security", "/account/security"], ["account-password", "/account/password"], ["account-sessions", "/account/sessions"], ["account-apps", "/account/apps"], ["passkeys", "/account/passkeys"], ["passkey-new", "/account/passkeys/new"], ["authenticator", "/account/authenticator/new"], ["activity", "/account/activity"], ["data", "/account/data"], ["delete", "/account/delete"]]) {
    await check(`no script: ${name}`, async () => {
      const answer = await page.goto(gatepost.issuer + address);
      assert.equal(answer.status(), 200);
      expect_path(page, address);
      await page.locator("h1").waitFor();
      await picture(page, `no-script-${name}`);
    });
  }
  await check("no script: end an app's access", async () => {
    await page.goto(`${gatepost.issuer}/account/apps`);
    await page.getByRole("link", { name: "End access: Chain Notes" }).click();
    await picture(page, "no-script-end-access");
    await page.getByRole("button", { name: "End access" }).click();
    await page.getByText("The access is ended").waitFor();
  });
  await check("no script: change the password", async () => {
    await page.goto(`${gatepost.issuer}/account/password`);
    await page.getByLabel("Current password").fill(PASSWORD);
    await page.getByLabel("New password").fill(`${PASSWORD}-more`);
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("Your password is changed").waitFor();
  });
  let codes;
  await check("no script: add an authenticator app", async () => {
    await page.goto(`${gatepost.issuer}/account/authenticator/new`);
    await page.getByLabel("Code that the app shows").fill(make_code(await page.locator(".key code").innerText()));
    await page.getByRole("button", { name: "Turn on" }).click();
    codes = (await page.locator(".codes").innerText()).trim().split("\n");
    await picture(page, "no-script-recovery-codes");
    assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0);
    await page.getByLabel("I have saved them").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByText("The second step is on").first().waitFor();
  });
  await check("no script: sign out, fail and sign in", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    await picture(page, "no-script-signed-out");
    await page.goto(`${gatepost.issuer}/login`);
    await sign_in(page, EMAIL, PASSWORD);
    await page.getByRole("alert").waitFor();
    await picture(page, "no-script-login-failed");
    await sign_in(page, EMAIL, `${PASSWORD}-more`);
    await page.getByRole("link", { name: "Use a recovery code" }).click();
    await page.getByLabel("Recovery code").fill(codes[0]);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("You have 9 recovery codes left").waitFor();
    await page.getByRole("link", { name: "Continue" }).click();
    await page.getByText(EMAIL).first().waitFor();
  });
  await check("no script: an administrator invites, and takes the invitation back", async () => {
    const admin = await open_profile(browser, { javaScriptEnabled: false });
    await admin.goto(`${gatepost.issuer}/login`);
    await sign_in(admin, gatepost.devEmail, gatepost.devPassword);
    await admin.getByText(gatepost.devEmail).first().waitFor();
    const link = await make_invite(admin, gatepost);
    await picture(admin, "no-script-invite-made");
    const guest = await open_profile(browser, { javaScriptEnabled: false });
    await guest.goto(link);
    await guest.getByText("Dev Eloper invited you").waitFor();
    await picture(guest, "no-script-signup-invited");
    await admin.getByRole("link", { name: "See the invitation" }).click();
    await admin.getByRole("link", { name: "Revoke invitation" }).click();
    await admin.getByRole("button", { name: "Revoke invitation" }).click();
    await admin.getByText("The invitation is revoked").waitFor();
  });
}
