// What letters are for: confirming an address, sign-in links here and elsewhere, a new password, a new address; and the letters themselves.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { expect_account, expect_path, look, look_at_letter, open_profile, sign_in, sign_out, sign_up } from "../browser.mjs";
import { with_server } from "../gatepost.mjs";
import { MailServer } from "../mail_server.mjs";

const MIRA = { email: "mira@example.com", name: "Mira Mailbox", password: "five warm wooden spoons" };
// an address gets three letters an hour that anybody can ask for, so the parts share them out
const TYPED = { ...MIRA, email: "typed@example.com" };
const NEW_PASSWORD = "six cold silver spoons";
const FIREFOX = { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0" };
const LINK_GONE = "This link no longer works";

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();
const wrong_code = (letter) => (letter.code === "00000000" ? "00000001" : "00000000");

export async function run_mailed({ browser }) {
  const mail = await MailServer.start();
  try {
    await with_server(mail.settings, async (gatepost) => {
      const world = { browser, gatepost, mail, at: (path) => gatepost.issuer + path };
      const page = await open_profile(browser);
      await confirm_sign_up(page, world);
      await follow_links(page, world);
      await follow_links_elsewhere(page, world);
      await choose_new_password(page, world);
      await change_address(page, world);
      await add_people(world);
      await look_at_letters(world);
    });
  } finally {
    mail.close();
  }
}

async function confirm_sign_up(page, { mail, at }) {
  await page.goto(at("/signup"));
  await sign_up(page, MIRA);
  await heading(page, "Check your email");
  await look(page, "check-mail");
  const letter = await mail.letter(MIRA.email, "Confirm your email");
  await check("mailed: a wrong code is told at its field, with the tries that are left", async () => {
    await page.getByLabel("Code from the email").fill(wrong_code(letter));
    await press(page, "Continue");
    await page.getByText("That code is not right. You have 4 more tries.").waitFor();
    assert.match(await page.title(), /^Error: /);
  });
  await look(page, "check-mail-wrong");
  await check("mailed: the link asks before it makes the account", async () => {
    await page.goto(letter.link);
    await heading(page, `Create the account for ${MIRA.email}?`);
  });
  await look(page, "link-sign-up");
  await check("mailed: its button makes the account and signs in", async () => {
    await press(page, "Create account");
    await expect_account(page, MIRA.email);
  });
  await sign_out(page);
  await check("mailed: signing up with an address that has an account looks the same, and the letter says so", async () => {
    await page.goto(at("/signup"));
    await sign_up(page, MIRA);
    await heading(page, "Check your email");
    await mail.letter(MIRA.email, "You already have");
  });
  await check("mailed: the code makes an account as well", async () => {
    await page.goto(at("/signup"));
    await sign_up(page, TYPED);
    await heading(page, "Check your email");
    const { code } = await mail.letter(TYPED.email, "Confirm your email");
    await page.getByLabel("Code from the email").fill(`${code.slice(0, 4)} ${code.slice(4)}`);
    await press(page, "Continue");
    await expect_account(page, TYPED.email);
    await sign_out(page);
  });
}

async function ask_for_link(page, at, email) {
  await page.goto(at("/login"));
  await page.getByLabel("Email address").fill(email);
  await press(page, "Email me a sign-in link");
  await heading(page, "Check your email");
}

async function follow_links(page, { mail, at }) {
  await page.goto(at("/login"));
  await look(page, "login-mail");
  await ask_for_link(page, at, MIRA.email);
  const letter = await mail.letter(MIRA.email, "Your Gatepost sign-in link");
  await page.goto(letter.link);
  await heading(page, `Sign in as ${MIRA.email}?`);
  await look(page, "link-sign-in");
  await check("mailed: the link signs in with one press, in the browser that asked", async () => {
    await press(page, "Sign in");
    await expect_account(page, MIRA.email);
  });
  await check("mailed: a used link says so and offers a new one", async () => {
    await page.goto(letter.link);
    await heading(page, LINK_GONE);
  });
  await look(page, "link-gone");
  await page.goto(at("/account"));
  await sign_out(page);
  await check("mailed: an address without account gets the same page, and a letter that says so", async () => {
    await ask_for_link(page, at, "nobody@example.com");
    const { text } = await mail.letter("nobody@example.com", "Sign-in asked for");
    assert.match(text, /There is no Gatepost account with this address/);
  });
  await check("mailed: “This was not me” ends the link", async () => {
    await ask_for_link(page, at, TYPED.email);
    const asked = await mail.letter(TYPED.email, "Your Gatepost sign-in link");
    await page.goto(asked.link);
    await press(page, "This was not me");
    await heading(page, "The link is dead");
  });
  await look(page, "link-disowned");
}

async function follow_links_elsewhere(page, { browser, gatepost, mail, at }) {
  const email = gatepost.devEmail;
  const other = await open_profile(browser, FIREFOX);
  await ask_for_link(page, at, email);
  const letter = await mail.letter(email, "Your Gatepost sign-in link");
  await check("mailed: another browser shows the code, and no button that signs in", async () => {
    await other.goto(letter.link);
    await heading(other, "Type this code where you started");
    assert.equal((await other.locator(".compare code").innerText()).replace(" ", ""), letter.code);
    assert.equal(await other.getByRole("button", { name: "Sign in" }).count(), 0);
  });
  await look(other, "link-elsewhere");
  await check("mailed: the code signs in where it was asked for, and nowhere else", async () => {
    await page.getByLabel("Code from the email").fill(await other.locator(".compare code").innerText());
    await page.keyboard.press("Enter");
    await expect_account(page, email);
    await other.goto(at("/account"));
    expect_path(other, "/login");
    await other.goto(letter.link);
    await heading(other, LINK_GONE);
  });
  await sign_out(page);
}

async function choose_new_password(page, { browser, mail, at }) {
  const other = await open_profile(browser, FIREFOX);
  await other.goto(at("/login"));
  await sign_in(other, TYPED.email, TYPED.password);
  await expect_account(other, TYPED.email);

  await page.goto(at("/login"));
  await check("mailed: “Forgot password?” leads to the form", async () => {
    await page.getByRole("link", { name: "Forgot password?" }).click();
    await heading(page, "Reset your password");
  });
  await look(page, "reset");
  await page.getByLabel("Email address").fill(TYPED.email);
  await press(page, "Email me a link");
  await heading(page, "Check your email");
  const letter = await mail.letter(TYPED.email, "Reset your Gatepost password");
  await page.goto(letter.link);
  await look(page, "link-reset");
  if (await page.getByRole("button", { name: "Choose a new password" }).count()) await press(page, "Choose a new password");
  await heading(page, "Choose a new password");
  await look(page, "new-password");
  await check("mailed: a password that is too short is told at its field", async () => {
    await page.locator("input[name=new]").fill("short");
    await press(page, "Set password");
    await page.getByText(/^Use at least \d+ characters; this has 5\.$/).waitFor();
  });
  await look(page, "new-password-fault");
  await check("mailed: the new password is set, signs in here and out everywhere else", async () => {
    await page.locator("input[name=new]").fill(NEW_PASSWORD);
    await press(page, "Set password");
    await page.getByText("Your password is changed").waitFor();
    await expect_account(page, TYPED.email);
    await other.goto(at("/account"));
    expect_path(other, "/login");
    await sign_in(other, TYPED.email, TYPED.password);
    await other.getByText("Wrong email address or password").waitFor();
  });
  await look(page, "account-after-reset");
  await mail.letter(TYPED.email, "Password changed");
}

async function change_address(page, { browser, mail, at }) {
  const [old, fresh] = [TYPED.email, "typed.new@example.com"];
  await page.goto(at("/account"));
  await page.getByRole("link", { name: "Change email address" }).click();
  await look(page, "change-email");
  await page.getByLabel("New email address").fill(fresh);
  await press(page, "Send the link");
  await page.getByText(fresh).first().waitFor();
  await look(page, "change-email-pending");
  const [confirm, warning] = [await mail.letter(fresh, "Confirm your new email"), await mail.letter(old, "Your Gatepost email is being changed")];
  await page.goto(at("/account"));
  await look(page, "account-pending-email");
  await check("mailed: the address changes with the button of the letter to the new one", async () => {
    await page.goto(confirm.link);
    await heading(page, `Change your address to ${fresh}?`);
  });
  await look(page, "link-change-email");
  await check("mailed: then the new address is the account's", async () => {
    await press(page, "Change address");
    await page.getByText("Your email address is changed").waitFor();
    await expect_account(page, fresh);
  });
  const other = await open_profile(browser, FIREFOX);
  await other.goto(warning.link);
  await look(other, "link-stop-change");
  await check("mailed: the letter to the old address takes it back and signs everybody out", async () => {
    await press(other, "Stop the change");
    await heading(other, "The change is stopped");
    await page.goto(at("/account"));
    expect_path(page, "/login");
  });
  await look(other, "link-stopped");
}

async function add_people({ browser, gatepost, mail, at }) {
  const page = await open_profile(browser);
  await page.goto(at("/login"));
  await sign_in(page, gatepost.devEmail, gatepost.devPassword);
  await expect_account(page, gatepost.devEmail);
  await page.goto(at("/admin/users/new"));
  await look(page, "admin-user-new-mail");
  await check("mailed: an administrator adds somebody, who gets a letter and no password is shown", async () => {
    await page.getByLabel("Name").fill("Added Person");
    await page.getByLabel("Email address").fill("added@example.com");
    await press(page, "Add a user");
    await page.getByText("We sent a link to").waitFor();
    await mail.letter("added@example.com", "");
  });
  await look(page, "admin-user-added-mail");
  await check("mailed: an invitation for one address goes there by mail and is shown to nobody", async () => {
    await page.goto(at("/admin/invites/new"));
    await page.getByLabel("Email address (optional)").fill("invited@example.com");
    await page.getByLabel("Note (optional)").fill("We start on Monday.\u202e Bring a lantern.");
    await press(page, "Create invitation");
    await heading(page, "The invitation is ready");
    const letter = await mail.letter("invited@example.com", "");
    assert.match(letter.text, /We start on Monday/);
    assert.doesNotMatch(await page.locator("main").innerText(), /gp_inv_/);
    const invited = await open_profile(browser);
    await invited.goto(letter.link);
    await heading(invited, "Create your account");
    assert.equal(await invited.getByLabel("Email address").inputValue(), "invited@example.com");
    assert.equal(await invited.getByLabel("Email address").getAttribute("readonly"), "");
    await look(invited, "signup-invited-bound");
    await sign_up(invited, { name: "Invited Person", password: MIRA.password });
    await expect_account(invited, "invited@example.com");
  });
  await look(page, "invite-mailed");
}

async function look_at_letters({ browser, mail }) {
  const page = await open_profile(browser, { javaScriptEnabled: true });
  const seen = new Set();
  for (const letter of mail.letters) {
    const name = letter.subject.replace(/\S+@\S+/g, "").toLowerCase().replace(/[^a-z]+/g, "-").replace(/^-|-$/g, "");
    if (seen.has(name)) continue;
    seen.add(name);
    await look_at_letter(page, `letter-${name}`, letter);
  }
  await check("mailed: every letter of this part was looked at", () => assert.ok(seen.size >= 10, [...seen].join(", ")));
}
