// What the pages of an administrator do, for the scenarios that need it done.
import { expect_account, open_profile, sign_in } from "../browser.mjs";

/** A browser of the person that a development server has, signed in. */
export async function open_administration(browser, gatepost, options = {}) {
  const page = await open_profile(browser, options);
  await page.goto(`${gatepost.issuer}/login`);
  await sign_in(page, gatepost.devEmail, gatepost.devPassword);
  await expect_account(page, gatepost.devEmail);
  return page;
}

/** Chooses who can create an account, by the words on the page. */
export async function choose_sign_up_mode(page, gatepost, words) {
  await page.goto(`${gatepost.issuer}/admin/signup-mode`);
  await page.getByLabel(words).check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The sign-up mode is changed").waitFor();
}

/** Makes an invitation for this many accounts; leaves its page, where the link is shown once. */
export async function make_invite(page, gatepost, { uses = 1, note = "" } = {}) {
  await page.goto(`${gatepost.issuer}/admin/invites/new`);
  await page.getByLabel("How many accounts").fill(String(uses));
  if (note) await page.getByLabel("Note (optional)").fill(note);
  await page.getByRole("button", { name: "Create invitation" }).click();
  await page.getByRole("heading", { name: "The invitation is ready" }).waitFor();
  return (await page.locator(".compare code").innerText()).trim();
}
