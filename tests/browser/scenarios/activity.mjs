// What happened to the account, taking the data along, and leaving it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { check } from "../../interop/node/checks.mjs";
import { expect_path, look, open_profile, sign_in } from "../browser.mjs";

const PASSWORD = "eleven-red-paper-boats";

export async function run_activity({ browser, gatepost }) {
  const page = await open_profile(browser);
  await page.goto(`${gatepost.issuer}/signup`);
  const email = "leaving@example.com";
  await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Your name").fill("Lea Ving");
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.goto(`${gatepost.issuer}/account`);
  await look(page, "account-profile-yours");
  const other = await open_profile(browser, { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" });
  await other.goto(`${gatepost.issuer}/login`);
  await sign_in(other, email, PASSWORD);
  await other.getByText(email).first().waitFor();

  await page.getByRole("navigation").getByRole("link", { name: "Activity" }).click();
  expect_path(page, "/account/activity");
  await check("activity: sentences, not codes", async () => {
    const text = await page.locator("main").innerText();
    assert.match(text, /Signed in with password/);
    assert.doesNotMatch(text, /session\.started/);
  });
  await look(page, "account-activity");
  await check("activity: the filters are links that say which one is on", async () => {
    await page.getByRole("link", { name: "Changes", exact: true }).click();
    assert.equal(await page.locator("main [aria-current=page]").innerText(), "Changes");
    assert.doesNotMatch(await page.locator(".rows").innerText(), /Signed in/);
    await page.getByRole("link", { name: "Sign-ins", exact: true }).click();
  });
  await check("activity: “Not you?” ends that session and opens Security", async () => {
    await page.getByRole("button", { name: /^Not you\?/ }).first().click();
    expect_path(page, "/account/security");
    await page.getByText("That session is ended").waitFor();
    await other.goto(`${gatepost.issuer}/account`);
    expect_path(other, "/login");
  });

  await page.goto(`${gatepost.issuer}/account/data`);
  await look(page, "account-data");
  await check("data: one file, and no secret in it", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    const text = await readFile(await download.path(), "utf8");
    assert.equal(JSON.parse(text).account.email, email);
    assert.doesNotMatch(text, /argon2|password_hash/);
  });

  await page.goto(`${gatepost.issuer}/account/delete`);
  await look(page, "account-delete");
  await check("delete: the account is gone and cannot be signed in to", async () => {
    await page.getByRole("button", { name: "Delete account" }).click();
    await page.getByRole("heading", { name: "Your account is deleted" }).waitFor();
  });
  await look(page, "account-deleted");
  await check("delete: the password does not work any more", async () => {
    await page.goto(`${gatepost.issuer}/login`);
    await sign_in(page, email, PASSWORD);
    await page.getByText("Wrong email address or password").waitFor();
  });
}
