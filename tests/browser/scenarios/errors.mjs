// Pages for when something is wrong: for people, and for the developer of an app.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { authorize_url } from "../apps.mjs";
import { expect_path, look, open_profile, sign_in } from "../browser.mjs";

export async function run_errors({ browser, gatepost, apps }) {
  const page = await open_profile(browser);

  await check("errors: a page that does not exist is 404", async () => {
    assert.equal((await page.goto(`${gatepost.issuer}/nothing-here`)).status(), 404);
  });
  await look(page, "error-404");

  await check("errors: a wrong redirect address is explained, with what was sent and what is registered", async () => {
    const sent = `${apps.redirectUri}/`;
    const answer = await page.goto(authorize_url(gatepost.issuer, "chain-app", sent));
    assert.equal(answer.status(), 400);
    const text = await page.locator("main").innerText();
    assert.ok(text.includes(sent), text);
    assert.match(text, /differs? .*in a slash at the end\./);
    assert.match(text, /gatepost client edit chain-app --add-redirect-uri/);
  });
  await look(page, "error-redirect");
  await check("errors: an unknown app is 400 and goes nowhere", async () => {
    const answer = await page.goto(authorize_url(gatepost.issuer, "no-such-app", apps.redirectUri));
    assert.equal(answer.status(), 400);
    expect_path(page, "/oauth2/authorize");
  });
  await look(page, "error-client");
  await check("errors: a very long address and name stay within the page", async () => {
    await page.goto(authorize_url(gatepost.issuer, "chain-app", `https://example.com/${"a".repeat(400)}`));
  });
  await look(page, "error-redirect-long");

  await check("errors: a form without its cookie says so and loses nothing", async () => {
    await page.goto(`${gatepost.issuer}/login`);
    await page.context().clearCookies();
    await sign_in(page, gatepost.devEmail, gatepost.devPassword);
    await page.getByRole("heading", { name: /Your browser did not keep our cookie|This form is too old/ }).waitFor();
  });
  await look(page, "error-cookies");
  await check("errors: a set-up link that does not work says what to do", async () => {
    const answer = await page.goto(`${gatepost.issuer}/setup/gp_setup_nonsense`);
    assert.ok(answer.status() >= 400 && answer.status() < 500, `status ${answer.status()}`);
    await page.locator("h1").waitFor();
  });
  await look(page, "setup-gone");
}
