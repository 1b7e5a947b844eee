// Administration of who gets in: the sign-up mode, invitations from their making to their end, and somebody who is put out.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { expect_account, look, open_profile, sign_in, sign_up } from "../browser.mjs";
import { with_server } from "../gatepost.mjs";
import { MailServer } from "../mail_server.mjs";
import { choose_sign_up_mode, make_invite, open_administration } from "./administration.mjs";

const PASSWORD = "three tall amber glasses";
const NOTE = "For the people of the long workshop in the old harbour hall no. 12";
const NOT_GOOD = "This invitation does not work.";

export async function run_invites({ browser }) {
  const mail = await MailServer.start();
  try {
    await with_server(mail.settings, async (gatepost) => {
      const world = { browser, gatepost, mail, at: (path) => gatepost.issuer + path };
      const page = await open_administration(browser, gatepost, { permissions: ["clipboard-read", "clipboard-write"] });
      await choose_mode(page, world);
      const link = await mint(page, world);
      const guest = await use(page, world, link);
      await list_and_revoke(page, world, link);
      await disable(page, world, guest);
    });
  } finally {
    mail.close();
  }
}

async function choose_mode(page, { browser, gatepost, at }) {
  await page.goto(at("/admin/invites"));
  await look(page, "invites-empty");
  await check("invites: the list says who can create an account, and leads to where that is changed", async () => {
    await page.getByText("Who can create an account: everybody.").waitFor();
    await page.getByRole("link", { name: "Change", exact: true }).click();
    await page.getByRole("heading", { name: "Who can create an account?" }).waitFor();
  });
  await look(page, "signup-mode");
  const stranger = await open_profile(browser);
  for (const [words, sentence] of [["Nobody", "New accounts are not open to everybody"], ["Whoever has an invitation", "Create your account"]]) {
    await check(`invites: “${words}” holds at once`, async () => {
      await choose_sign_up_mode(page, gatepost, words);
      await stranger.goto(at("/signup"));
      await stranger.getByRole("heading", { name: sentence }).waitFor();
    });
    await look(stranger, `signup-${words === "Nobody" ? "closed" : "invite"}`);
    await stranger.goto(at("/login"));
    await look(stranger, `login-${words === "Nobody" ? "closed" : "invite"}`);
  }
  await page.goto(at("/admin/signup-mode"));
  await look(page, "signup-mode-chosen");
}

async function mint(page, { gatepost, at }) {
  await page.goto(at("/admin/invites/new"));
  await look(page, "invite-new");
  await check("invites: what does not fit together is told at its field, and what was typed stays", async () => {
    await page.getByLabel("Email address (optional)").fill("bound@example.com");
    await page.getByLabel("How many accounts").fill("3");
    await page.getByRole("button", { name: "Create invitation" }).click();
    await page.getByText("An invitation for one address is good for one account.").waitFor();
    assert.equal(await page.getByLabel("Email address (optional)").inputValue(), "bound@example.com");
  });
  await look(page, "invite-new-fault");
  const link = await make_invite(page, gatepost, { uses: 3, note: NOTE });
  await look(page, "invite-made");
  await check("invites: Copy takes the link as it is shown", async () => {
    await page.getByRole("button", { name: "Copy", exact: true }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
  });
  await check("invites: the link is shown once", async () => {
    const made = page.url();
    await page.getByRole("link", { name: "See the invitation" }).click();
    await page.getByRole("heading", { name: /^Invitation/ }).waitFor();
    const secret = link.split("/").at(-1);
    for (const address of [page.url(), made, at("/admin/invites"), at("/admin/audit")]) {
      await page.goto(address);
      assert.ok(!(await page.content()).includes(secret), `${address} shows it again`);
    }
  });
  return link;
}

async function use(page, { browser, mail, at }, link) {
  const guest = await open_profile(browser);
  await guest.goto(link);
  await look(guest, "signup-invited");
  await check("invites: the link survives a look at the sign-in page", async () => {
    await guest.getByText("Dev Eloper invited you").waitFor();
    await guest.getByRole("link", { name: "Sign in" }).click();
    await guest.getByRole("link", { name: "Use it" }).click();
    await guest.getByText("Dev Eloper invited you").waitFor();
  });
  await check("invites: the address is confirmed by mail, and then there is an account", async () => {
    await sign_up(guest, { email: "guest@example.com", name: "Gus Guest", password: PASSWORD });
    await guest.getByRole("heading", { name: "Check your email" }).waitFor();
    const letter = await mail.letter("guest@example.com", "Confirm your email");
    await guest.goto(letter.link);
    await guest.getByRole("button", { name: "Create account" }).click();
    await expect_account(guest, "guest@example.com");
  });
  await guest.goto(link);
  await look(guest, "invite-signed-in");
  await check("invites: somebody with a session keeps it, and the invitation is not used", async () => {
    await guest.getByRole("link", { name: "Stay signed in" }).click();
    await expect_account(guest, "guest@example.com");
    await page.goto(at("/admin/invites"));
    await page.getByText("1 of 3").waitFor();
  });
  return guest;
}

async function list_and_revoke(page, { browser, gatepost, at }, link) {
  await make_invite(page, gatepost);
  await page.goto(at("/admin/invites"));
  await look(page, "invites");
  await check("invites: the filters are the address, and find", async () => {
    await page.getByLabel("State").selectOption("Open");
    await page.getByLabel("Made by").selectOption("Me");
    await page.getByLabel("Search").fill("harbour hall");
    await page.getByRole("button", { name: "Apply" }).click();
    const query = new URL(page.url()).searchParams;
    assert.deepEqual([query.get("q"), query.get("state"), query.get("by")], ["harbour hall", "open", "me"]);
    assert.equal(await page.locator("tbody tr").count(), 1);
    await page.getByLabel("State").selectOption("Expired");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByText("No invitation matches.").waitFor();
  });
  await look(page, "invites-nothing");
  await page.getByRole("link", { name: "Clear search" }).click();
  await page.getByRole("row", { name: /harbour hall/ }).getByRole("link").click();
  await check("invites: its page says who used it, and how", async () => {
    await page.getByRole("heading", { name: "Gus Guest" }).waitFor();
    assert.match(await page.locator("main").innerText(), /guest@example\.com · Use 1 · with/);
  });
  await look(page, "invite");
  await page.getByRole("link", { name: "Revoke" }).click();
  await look(page, "invite-revoke");
  await check("invites: a revoked one says so, and the link that is opened afterwards does not work", async () => {
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.getByText("The invitation is revoked").waitFor();
    const late = await open_profile(browser);
    await late.goto(link);
    await late.getByText(NOT_GOOD).first().waitFor();
    await look(late, "signup-invite-not-good");
  });
  await look(page, "invite-revoked");
}

async function disable(page, { browser, mail, at }, guest) {
  // a link that is on its way
  const other = await open_profile(browser);
  await other.goto(at("/login"));
  await other.getByLabel("Email address").fill("guest@example.com");
  await other.getByRole("button", { name: "Email me a sign-in link" }).click();
  const letter = await mail.letter("guest@example.com", "Your Gatepost sign-in link");

  await page.goto(at("/admin/users?q=guest"));
  await page.getByRole("link", { name: /^Manage Gus Guest/ }).click();
  await look(page, "admin-user-guest");
  await page.getByRole("link", { name: "Disable account" }).click();
  await look(page, "admin-user-disable-open");
  await check("invites: whoever is disabled is signed out of the open browser within a second", async () => {
    await page.getByRole("button", { name: "Disable account" }).click({ noWaitAfter: true });
    await page.getByText("The account is disabled").waitFor();
    const began = Date.now();
    let answer;
    do {
      answer = await guest.goto(at("/account"));
    } while (new URL(guest.url()).pathname !== "/login" && Date.now() - began < 1_000);
    assert.equal(new URL(guest.url()).pathname, "/login", `still in after a second: ${answer.status()}`);
  });
  await look(page, "admin-user-disabled");
  await check("invites: nothing lets a disabled account in: neither the mailed link nor the password", async () => {
    await other.goto(letter.link);
    await other.getByRole("heading", { name: "This link no longer works" }).waitFor();
    await sign_in(guest, "guest@example.com", PASSWORD);
    await guest.getByText("Wrong email address or password").waitFor();
  });
  await page.goto(at("/admin/users"));
  await look(page, "admin-users-disabled");
  await page.goto(at("/admin/audit"));
  await look(page, "admin-audit-invites");
  await check("invites: the log tells it in sentences", async () => {
    const text = await page.locator("main").innerText();
    for (const sentence of ["Account disabled", "Invite revoked", "Invite used", "Invite made", "Settings changed"]) assert.match(text, new RegExp(sentence));
    assert.doesNotMatch(text, /Something else:/);
  });
  await page.goto(at("/admin"));
  await look(page, "admin-overview-used");
}
