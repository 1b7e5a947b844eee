// From a form post to an app whose callback redirects on to another origin: the policy of our pages must not stop it.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { authorize_url } from "../apps.mjs";
import { look, open_profile, sign_in } from "../browser.mjs";

export async function run_hand_over({ browser, gatepost, apps }) {
  const landed = (url) => url.href.startsWith(apps.landed);

  const page = await open_profile(browser);
  await page.goto(authorize_url(gatepost.issuer, "chain-app", apps.redirectUri));
  await sign_in(page, gatepost.devEmail, gatepost.devPassword);
  await page.getByRole("heading", { name: /^Allow Chain Notes/ }).waitFor();
  await look(page, "consent-web");
  await check("hand-over: a denial goes through two origins", async () => {
    await page.getByRole("button", { name: "Don’t allow" }).click();
    await page.waitForURL(landed);
    assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
  });
  await check("hand-over: consent goes through two origins", async () => {
    await page.goto(authorize_url(gatepost.issuer, "chain-app", apps.redirectUri));
    await page.getByRole("button", { name: "Allow", exact: true }).click();
    await page.waitForURL(landed);
    const query = new URL(page.url()).searchParams;
    assert.ok(query.get("code"));
    assert.equal(query.get("iss"), gatepost.issuer);
  });

  const own = await open_profile(browser);
  await check("hand-over: sign-in to an app that needs no consent goes through two origins", async () => {
    await own.goto(authorize_url(gatepost.issuer, "own-app", apps.redirectUri));
    await sign_in(own, gatepost.devEmail, gatepost.devPassword);
    await own.waitForURL(landed);
    assert.ok(new URL(own.url()).searchParams.get("code"));
  });
  await check("hand-over: signed in already, that app is reached without a page", async () => {
    await own.goto(authorize_url(gatepost.issuer, "own-app", apps.redirectUri));
    assert.ok(landed(new URL(own.url())), own.url());
  });

  const slow = await open_profile(browser);
  await slow.goto(authorize_url(gatepost.issuer, "own-app", apps.redirectUri));
  // an answer without content leaves the hand-over page where it is
  await slow.route(`${apps.redirectUri}*`, (route) => route.fulfill({ status: 204 }));
  await sign_in(slow, gatepost.devEmail, gatepost.devPassword);
  await slow.getByRole("heading", { name: /^Taking you back/ }).waitFor();
  await look(slow, "hand-over");
  await check("hand-over: its link works when the browser does not move by itself", async () => {
    await slow.unroute(`${apps.redirectUri}*`);
    await slow.getByRole("link", { name: /^Continue to 127\.0\.0\.1/ }).click();
    await slow.waitForURL(landed);
  });
  await check("hand-over: the same question answered in two tabs gives one code", async () => {
    const [first, second] = [page, await page.context().newPage()];
    await first.goto(authorize_url(gatepost.issuer, "chain-app", apps.redirectUri, { prompt: "consent" }));
    await second.goto(first.url());
    const allow = (tab) => tab.getByRole("button", { name: "Allow", exact: true }).click();
    await allow(first);
    await first.waitForURL(landed);
    await allow(second);
    await second.getByRole("heading", { name: "You have answered this already" }).waitFor();
    await look(second, "error-answered");
    await second.close();
  });
}
