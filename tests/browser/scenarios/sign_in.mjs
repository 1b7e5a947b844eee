// Creating an account, signing in with a wrong and a right password, signing out.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { expect_path, look, open_profile, sign_in } from "../browser.mjs";

const EMAIL = "grace@example.com";
const PASSWORD = "seven-quiet-copper-lanterns";

export async function run_sign_in({ browser, gatepost }) {
  const page = await open_profile(browser);
  await page.goto(`${gatepost.issuer}/`);
  await look(page, "home");

  await page.getByRole("link", { name: "Create an account" }).first().click();
  await look(page, "signup");
  await check("signup: faults stand at their fields, and what was typed stays", async () => {
    await page.getByLabel("Email address").fill("grace@example");
    await page.getByLabel("Your name").fill("Grace Hopper");
    await page.locator("input[name=password]").fill("short");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("alert").or(page.locator("[aria-invalid=true]")).first().waitFor();
    assert.match(await page.title(), /^Error: /);
    assert.equal(await page.getByLabel("Your name").inputValue(), "Grace Hopper");
    assert.equal(await page.locator("input[name=password]").inputValue(), "");
    const wrong = page.locator("[aria-invalid=true]").first();
    const described = (await wrong.getAttribute("aria-describedby")).split(" ").at(-1);
    assert.notEqual((await page.locator(`#${described}`).innerText()).trim(), "");
  });
  await look(page, "signup-faults");
  await check("signup: an account is created and signed in", async () => {
    await page.goto(`${gatepost.issuer}/signup`);
    await page.getByLabel("Email address").fill(EMAIL);
    await page.getByLabel("Your name").fill("Grace Hopper");
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByText(EMAIL).first().waitFor();
  });
  await page.goto(`${gatepost.issuer}/`);
  await look(page, "home-signed-in");
  await check("sign out", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  });
  await look(page, "signed-out");
  await check("signed out means out", async () => {
    await page.goto(`${gatepost.issuer}/account`);
    expect_path(page, "/login");
  });

  await page.goto(`${gatepost.issuer}/login`);
  await look(page, "login");
  await check("login: the password can be shown and hidden again", async () => {
    const password = page.locator("input[name=password]");
    await password.fill("visible");
    await page.getByRole("button", { name: "Show password" }).click();
    assert.equal(await password.getAttribute("type"), "text");
    await page.getByRole("button", { name: "Hide password" }).click();
    assert.equal(await password.getAttribute("type"), "password");
  });
  for (const [what, email] of [["a wrong password", EMAIL], ["an unknown address", "nobody@example.com"]]) {
    await check(`login: ${what} gets the banner, the address stays, the password goes and has the focus`, async () => {
      await sign_in(page, email, "not-the-right-password");
      await page.getByRole("alert").waitFor();
      assert.match(await page.getByRole("alert").innerText(), /Wrong email address or password/);
      assert.match(await page.title(), /^Error: /);
      assert.equal(await page.getByLabel("Email address").inputValue(), email);
      assert.equal(await page.locator("input[name=password]").inputValue(), "");
      assert.equal(await page.evaluate(() => document.activeElement.name), "password");
    });
  }
  await look(page, "login-failed");
  await check("login: the right password signs in", async () => {
    await sign_in(page, EMAIL, PASSWORD);
    await page.getByText(EMAIL).first().waitFor();
    await page.goto(`${gatepost.issuer}/account`);
    expect_path(page, "/account");
  });
  await check("logout page asks before it signs out", async () => {
    await page.goto(`${gatepost.issuer}/logout`);
    await page.getByRole("button", { name: "Sign out" }).first().waitFor();
  });
  await look(page, "logout");
}
