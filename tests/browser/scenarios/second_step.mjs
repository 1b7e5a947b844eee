// The second step: adding an authenticator app, signing in with its code and with a recovery code, confirming, removing it.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { check } from "../../interop/node/checks.mjs";
import { expect_path, look, open_profile, sign_in } from "../browser.mjs";

const PERSON = { email: "second@example.com", password: "four green paper kites" };

/** The code of RFC 6238 that an app shows, some steps from now. */
function make_code(key, ahead = 0) {
  const bits = [...key.replaceAll(" ", "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const tag = createHmac("sha1", secret).update(step).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Waits until a code is shown that was not used yet; codes of one step ahead are good as well. */
async function next_code(page, key, used) {
  for (;;) {
    const code = [make_code(key), make_code(key, 1)].find((code) => !used.has(code));
    if (code !== undefined) {
      used.add(make_code(key)).add(code);
      return code;
    }
    await page.waitForTimeout(1000);
  }
}

async function sign_out(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
}

async function first_step(page, issuer) {
  await page.goto(`${issuer}/login`);
  await sign_in(page, PERSON.email, PERSON.password);
  await page.getByRole("heading", { name: "Enter the code from your authenticator app" }).waitFor();
}

export async function run_second_step({ browser, gatepost }) {
  const { issuer } = gatepost;
  const page = await open_profile(browser);
  await page.goto(`${issuer}/signup`);
  await page.getByLabel("Email address").fill(PERSON.email);
  await page.getByLabel("Your name").fill("Second");
  await page.locator("input[name=password]").fill(PERSON.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL(/\/account/);

  await page.goto(`${issuer}/account/security`);
  await look(page, "security-one-step");
  await page.getByRole("link", { name: "Add an authenticator app" }).click();
  await look(page, "authenticator");
  const key = await page.locator(".key code").innerText();
  await check("second step: the picture is dark on white also in dark", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    assert.equal(await page.locator(".qr rect").evaluate((rect) => getComputedStyle(rect).fill), "rgb(255, 255, 255)");
    await page.emulateMedia({ colorScheme: "light" });
  });
  await check("second step: a wrong code is told at its field, and the key stays", async () => {
    const near = [-1, 0, 1, 2].map((ahead) => make_code(key, ahead));
    await page.getByLabel("Code that the app shows").fill(["000000", "111111", "222222", "333333", "444444"].find((code) => !near.includes(code)));
    await page.getByRole("button", { name: "Turn on" }).click();
    await page.getByText("That code is not right.").waitFor();
    assert.equal(await page.locator(".key code").innerText(), key);
  });
  await look(page, "authenticator-wrong");
  const used = new Set();
  await page.getByLabel("Code that the app shows").fill(await next_code(page, key, used));
  await page.getByLabel("Code that the app shows").press("Enter");
  await page.getByRole("heading", { name: "Save your recovery codes" }).waitFor();
  await look(page, "recovery-codes");
  const codes = (await page.locator(".codes").innerText()).trim().split("\n");
  await check("second step: ten codes, which can be downloaded, printed and copied", async () => {
    assert.equal(codes.length, 10);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), "recovery-codes.txt");
    await page.getByRole("button", { name: "Print" }).waitFor();
    await page.getByRole("button", { name: "Copy" }).waitFor();
  });
  await check("second step: it goes on only once the codes are saved", async () => {
    await page.getByRole("button", { name: "Done" }).click();
    expect_path(page, "/account/authenticator/new");
    await page.getByLabel("I have saved them").check();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByText("The second step is on").first().waitFor();
  });
  await look(page, "security-two-steps");

  await sign_out(page);
  await first_step(page, issuer);
  await look(page, "second-step");
  await check("second step: the code of the app signs in", async () => {
    await page.getByLabel("Six-digit code").fill(await next_code(page, key, used));
    await page.getByRole("button", { name: "Continue" }).click();
    await page.waitForURL(/\/account/);
  });

  await sign_out(page);
  await first_step(page, issuer);
  await page.getByRole("link", { name: "Use a recovery code" }).click();
  await look(page, "second-step-recovery");
  await check("second step: a wrong recovery code is told at its field", async () => {
    await page.getByLabel("Recovery code").fill("0000 0000 0000 0000");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("Each recovery code works once.").waitFor();
  });
  await look(page, "second-step-recovery-wrong");
  await check("second step: a recovery code signs in and says how many are left", async () => {
    await page.getByLabel("Recovery code").fill(codes[0].toUpperCase());
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("You have 9 recovery codes left").waitFor();
  });
  await look(page, "recovery-codes-left");
  await page.getByRole("link", { name: "Continue" }).click();
  await page.waitForURL(/\/account/);

  await gatepost.let_sign_ins_age();
  await page.goto(`${issuer}/account/recovery-codes`);
  await look(page, "confirm-code");
  await page.getByRole("link", { name: "Use a recovery code" }).click();
  await look(page, "confirm-recovery");
  await page.getByRole("link", { name: "Use another way" }).click();
  await check("second step: a change asks for the code again, and goes on afterwards", async () => {
    await page.getByText("You are about to change your second step.").waitFor();
    await page.getByLabel("Six-digit code").fill(await next_code(page, key, used));
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.waitForURL(/recovery-codes/);
  });
  await look(page, "recovery-codes-new");
  await page.goto(`${issuer}/account/authenticator/remove`);
  await look(page, "authenticator-remove");
  await check("second step: removing the app turns it off", async () => {
    await page.getByRole("button", { name: "Remove the app" }).click();
    await page.getByText("The second step is off").first().waitFor();
  });

  await gatepost.let_sign_ins_age();
  await page.goto(`${issuer}/account/authenticator/new`);
  await look(page, "confirm-password");
  await check("second step: without one the password confirms", async () => {
    await page.locator("input[name=password]").fill("not the password");
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByText("That is not your current password.").waitFor();
  });
  await look(page, "confirm-password-wrong");
  await check("second step: cancelling goes back without a change", async () => {
    await page.getByRole("link", { name: "Cancel" }).click();
    expect_path(page, "/account/security");
  });
}
