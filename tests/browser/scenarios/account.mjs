// The account pages: profile, security, password, sessions.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { expect_path, look, open_profile, sign_in } from "../browser.mjs";

export async function run_account({ browser, gatepost }) {
  const page = await open_profile(browser);
  await page.goto(`${gatepost.issuer}/login`);
  await sign_in(page, gatepost.devEmail, gatepost.devPassword);
  await page.getByText(gatepost.devEmail).first().waitFor();

  await page.goto(`${gatepost.issuer}/account`);
  await look(page, "account");
  await check("account: the skip link is the first stop and leads to the content", async () => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal(new URL(page.url()).hash, "#main");
  });
  for (const [entry, address] of [["Security", "/account/security"], ["Sessions", "/account/sessions"], ["Connected apps", "/account/apps"], ["Profile", "/account"]]) {
    await check(`account: the menu leads to ${entry}`, async () => {
      await page.getByRole("navigation").getByRole("link", { name: entry }).click();
      expect_path(page, address);
      assert.equal(await page.locator("[aria-current=page]").innerText(), entry);
    });
  }
  await page.goto(`${gatepost.issuer}/account/security`);
  await look(page, "account-security");
  await page.goto(`${gatepost.issuer}/account/password`);
  await look(page, "account-password");
  await check("account: a wrong current password is told at its field", async () => {
    await page.getByLabel("Current password").fill("not-the-right-password");
    await page.getByLabel("New password").fill("eleven-red-paper-boats");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("That is not your current password.").waitFor();
  });
  await look(page, "account-password-faults");

  await page.goto(`${gatepost.issuer}/account/sessions`);
  await look(page, "account-sessions-one");
  const other = await open_profile(browser, { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" });
  await other.goto(`${gatepost.issuer}/login`);
  await sign_in(other, gatepost.devEmail, gatepost.devPassword);
  await other.getByText(gatepost.devEmail).first().waitFor();
  await page.reload();
  await look(page, "account-sessions");
  await check("account: ending the other session signs that browser out and not this one", async () => {
    await page.getByRole("button", { name: /^End session: Firefox/ }).click();
    await page.getByText("The session is ended").waitFor();
    await other.goto(`${gatepost.issuer}/account`);
    expect_path(other, "/login");
    await page.goto(`${gatepost.issuer}/account`);
    expect_path(page, "/account");
  });
  await check("account: a browser without a session is sent to sign in and comes back", async () => {
    await other.goto(`${gatepost.issuer}/account/sessions`);
    expect_path(other, "/login");
  });
}
