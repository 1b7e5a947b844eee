// Chromium, and what is looked at on every page: accessibility, width, a picture.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { check } from "../interop/node/checks.mjs";

const screenshots = fileURLToPath(new URL("../../target/screenshots", import.meta.url));
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// the background calls of Chromium go to hosts that a test machine does not reach
const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** What pages complained about in the console, for one check at the end. */
export const complaints = [];

export async function open_browser() {
  await mkdir(screenshots, { recursive: true });
  return chromium.launch({ executablePath: process.env.GATEPOST_TEST_CHROMIUM ?? "/usr/bin/chromium", args: QUIET });
}

/** A person's browser profile: cookies of its own. */
export async function open_profile(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
  return page;
}

/** Takes a picture for the twenty questions of a reviewer. */
export async function picture(page, name) {
  await page.screenshot({ path: path.join(screenshots, `${name}.png`), fullPage: true });
}

/** Looks at the page as it is now: light and dark, wide and narrow. Leaves it wide and light. */
export async function look(page, name) {
  await check(`${name}: nothing to say for axe in light and dark, at 1280 and 390`, async () => {
    const found = [];
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 390]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.setViewportSize({ width, height: 900 });
        await picture(page, `${name}-${colorScheme}-${width}`);
        for (const violation of await run_axe(page)) found.push(`${colorScheme} ${width}: ${violation}`);
      }
    }
    assert.deepEqual(found, []);
  });
  await check(`${name}: no sideways scrolling at 320`, async () => {
    await page.setViewportSize({ width: 320, height: 700 });
    await picture(page, `${name}-light-320`);
    const [inside, outside] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(inside <= outside, `content is ${inside} wide in a window of ${outside}`);
  });
  await check(`${name}: one heading, a title, a language`, async () => {
    assert.equal(await page.locator("h1").count(), 1);
    assert.notEqual(await page.title(), "");
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
  });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** One debugger session a page, never detached: a session that ends takes the page's virtual authenticators with it. */
const debuggers = new WeakMap();
export async function open_debugger(page) {
  if (!debuggers.has(page)) debuggers.set(page, await page.context().newCDPSession(page));
  return debuggers.get(page);
}

/** Runs axe through the debugger, because the pages' own policy rightly refuses foreign scripts. */
async function run_axe(page, rules = {}) {
  const session = await open_debugger(page);
  const options = { runOnly: { type: "tag", values: RULES }, rules, resultTypes: ["violations"] };
  const expression = `${axe.source}; axe.run(document, ${JSON.stringify(options)})`;
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
  return result.value.violations.map((violation) => `${violation.id} (${violation.help}): ${violation.nodes.map((node) => `${node.target.join(" ")} ${node.any.map((any) => any.message).join("; ")}`).join(" | ")}`);
}

// a letter is shown inside a mail program, which has the landmarks and the headings
const NOT_IN_LETTERS = Object.fromEntries(["region", "landmark-one-main", "page-has-heading-one"].map((rule) => [rule, { enabled: false }]));

/** Looks at a letter as a mail program on a phone and on a computer shows it, and compares its two parts. */
export async function look_at_letter(page, name, letter) {
  await check(`${name}: nothing to say for axe in light and dark, at 600 and 390`, async () => {
    const found = [];
    await page.setContent(letter.html);
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [600, 390]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.setViewportSize({ width, height: 900 });
        await picture(page, `${name}-${colorScheme}-${width}`);
        for (const violation of await run_axe(page, NOT_IN_LETTERS)) found.push(`${colorScheme} ${width}: ${violation}`);
      }
    }
    assert.deepEqual(found, []);
  });
  await check(`${name}: fits at 320, fetches nothing, and both parts have the same links`, async () => {
    await page.setViewportSize({ width: 320, height: 700 });
    const inside = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(inside <= 320, `content is ${inside} wide`);
    assert.equal(await page.locator("img, link, script, iframe, [background]").count(), 0);
    const links = await page.locator("a").evaluateAll((all) => all.map((one) => one.href));
    assert.deepEqual([...new Set(links)].sort(), [...new Set(letter.text.match(/https?:\/\/\S+/g) ?? [])].sort());
    assert.ok(letter.subject.length <= 50, letter.subject);
    assert.equal(await page.title(), letter.subject);
  });
}

export async function fill_login(page, email, password) {
  await page.getByLabel("Email address").fill(email);
  await page.locator("input[name=password]").fill(password);
}

/** Signs in on the page that is shown. */
export async function sign_in(page, email, password) {
  await fill_login(page, email, password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

export function expect_path(page, expected) {
  assert.equal(new URL(page.url()).pathname, expected);
}

/** Fills in the sign-up page that is shown, and sends it. */
export async function sign_up(page, { email, name, password }) {
  if (email) await page.getByLabel("Email address").fill(email);
  await page.getByLabel("Your name").fill(name);
  await page.locator("input[name=password]").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
}

export async function sign_out(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
}

/** Waits until the account page of this address is shown. */
export async function expect_account(page, email) {
  await page.waitForURL(/\/account/);
  await page.getByText(email).first().waitFor();
}
