// Login and consent with the keyboard only, and what a stray key does.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { authorize_url } from "../apps.mjs";
import { open_profile, picture } from "../browser.mjs";

const MOST_TABS = 30;
const PAGES = [
  "/account", "/account/security", "/account/authenticator/new", "/account/passkeys", "/account/passkeys/new", "/account/activity", "/account/data",
  "/admin", "/admin/users", "/admin/users/new", "/admin/invites", "/admin/invites/new", "/admin/signup-mode", "/admin/audit",
];

/** What has the focus: its words or its name, and whether the ring around it can be seen. */
function read_focus(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    // the parts of a date field, such as its button, show rings of their own
    const ring = element.type === "date" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
    return { label: element.name && element.tagName === "INPUT" ? element.name : element.textContent.trim(), tag: element.tagName, ring, height: box.height, inside: box.top >= -1 && box.bottom <= innerHeight + 1 };
  });
}

/** Presses Tab until the wanted thing has the focus; every stop on the way must be visible. */
async function tab_to(page, label) {
  for (let step = 0; step < MOST_TABS; step += 1) {
    await page.keyboard.press("Tab");
    const focus = await read_focus(page);
    if (focus.tag === "BODY") continue;
    assert.ok(focus.ring, `no focus ring on “${focus.label}”`);
    assert.ok(focus.inside, `“${focus.label}” has the focus outside the window`);
    assert.ok(focus.height >= 20, `“${focus.label}” is only ${focus.height} high`);
    if (focus.label === label) return;
  }
  assert.fail(`Tab never came to “${label}”`);
}

/** Presses Tab until the page is through; every stop must be visible. Gives their number. */
async function walk(page) {
  for (let step = 0; ; step += 1) {
    await page.keyboard.press("Tab");
    const focus = await read_focus(page);
    if (focus.tag === "BODY") return step;
    assert.ok(focus.ring, `no focus ring on “${focus.label}”`);
    assert.ok(focus.inside, `“${focus.label}” has the focus outside the window`);
    assert.ok(focus.height >= 20, `“${focus.label}” is only ${focus.height} high`);
    assert.ok(step < 150, "the focus is caught");
  }
}

export async function run_keyboard({ browser, gatepost, apps }) {
  const page = await open_profile(browser);
  const start = authorize_url(gatepost.issuer, "chain-app", apps.redirectUri, { prompt: "consent" });
  await page.goto(start);
  await check("keyboard: sign in with Tab, typing and Enter", async () => {
    await tab_to(page, "email");
    await page.keyboard.type(gatepost.devEmail);
    await tab_to(page, "password");
    await page.keyboard.type(gatepost.devPassword);
    await picture(page, "keyboard-login");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^Allow Chain Notes/ }).waitFor();
  });
  await check("keyboard: Enter without a choice gives nothing away", async () => {
    const before = page.url();
    await page.keyboard.press("Enter");
    await page.waitForTimeout(200);
    assert.equal(page.url(), before);
  });
  await check("keyboard: No comes before Yes, and both are the same size", async () => {
    const [no, yes] = [page.getByRole("button", { name: "Don’t allow" }), page.getByRole("button", { name: "Allow", exact: true })];
    const [left, right] = [await no.boundingBox(), await yes.boundingBox()];
    assert.deepEqual([Math.round(left.width), Math.round(left.height)], [Math.round(right.width), Math.round(right.height)]);
    assert.ok(left.height >= 44);
    await tab_to(page, "Don’t allow");
    await tab_to(page, "Allow");
    await picture(page, "keyboard-consent");
  });
  await check("keyboard: Enter on Allow allows", async () => {
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.href.startsWith(apps.landed));
    assert.ok(new URL(page.url()).searchParams.get("code"));
  });
  await page.goto(`${gatepost.issuer}/admin/invites/new`);
  await check("keyboard: an invitation is made and copied", async () => {
    await tab_to(page, "uses");
    await page.keyboard.type("2");
    await tab_to(page, "Create invitation");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The invitation is ready" }).waitFor();
    await tab_to(page, "Copy");
  });
  for (const address of PAGES) {
    await check(`keyboard: every stop of ${address} can be seen`, async () => {
      await page.goto(gatepost.issuer + address);
      assert.ok((await walk(page)) >= 5);
    });
  }
  await check("forced colours and reduced motion: nothing moves, and buttons keep an outline", async () => {
    const plain = await open_profile(browser, { forcedColors: "active", reducedMotion: "reduce", storageState: await page.context().storageState() });
    for (const address of PAGES) {
      await plain.goto(gatepost.issuer + address);
      await picture(plain, `forced-colors${address.replaceAll("/", "-")}`);
      const buttons = await plain.locator("main .button").evaluateAll((all) => all.map((one) => {
        const style = getComputedStyle(one);
        return `${style.borderTopStyle} ${style.borderTopWidth} ${style.transitionDuration}`;
      }));
      assert.deepEqual(buttons.filter((button) => button !== "solid 1px 0s"), [], address);
    }
  });
  await check("forced colours and reduced motion: the pages stay whole", async () => {
    const plain = await open_profile(browser, { forcedColors: "active", reducedMotion: "reduce" });
    await plain.goto(start);
    await picture(plain, "login-forced-colors");
    await plain.getByRole("button", { name: "Sign in", exact: true }).waitFor();
  });
}
