// The sample web app of the development server: what a developer sees first.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { look, open_profile, sign_in } from "../browser.mjs";

export async function run_sample_app({ browser, gatepost }) {
  const page = await open_profile(browser);
  await page.goto(gatepost.sampleApp);
  await look(page, "sample-app");
  await check("sample app: signs people in through Gatepost", async () => {
    await page.getByRole("link", { name: /sign in/i }).or(page.getByRole("button", { name: /sign in/i })).first().click();
    const at = (origin) => page.waitForURL((url) => url.origin === new URL(origin).origin);
    await at(gatepost.issuer);
    await sign_in(page, gatepost.devEmail, gatepost.devPassword);
    await page.getByRole("button", { name: "Allow", exact: true }).click();
    await at(gatepost.sampleApp);
    await page.getByText(gatepost.devEmail).first().waitFor();
    assert.doesNotMatch(page.url(), /code=/, "the code stays in the address bar");
    assert.ok((await page.getByRole("listitem").count()) > 0, "no notes came from the API");
  });
  await look(page, "sample-app-signed-in");
  await check("sample app: keeps and deletes a note through the API", async () => {
    await page.getByLabel("New note").fill("Buy lanterns");
    await page.getByRole("button", { name: "Add note" }).click();
    await page.getByText("Buy lanterns").waitFor();
    await page.getByRole("listitem").filter({ hasText: "Buy lanterns" }).getByRole("button", { name: "Delete note" }).click();
    await page.getByText("Buy lanterns").waitFor({ state: "detached" });
  });
  await check("sample app: when its access is ended, it asks to sign in again instead of breaking", async () => {
    const account = await page.context().newPage();
    await account.goto(`${gatepost.issuer}/account/apps`);
    await account.getByRole("link", { name: /^End access/ }).first().click();
    await account.getByRole("button", { name: "End access" }).click();
    await account.getByText("The access is ended").waitFor();
    await page.goto(gatepost.sampleApp);
    await page.getByRole("link", { name: /sign in/i }).first().waitFor();
  });
}
