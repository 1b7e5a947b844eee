// The administration: overview, search, adding somebody, disabling with confirmation, roles, the audit log.
import assert from "node:assert/strict";
import { check } from "../../interop/node/checks.mjs";
import { expect_path, look, open_profile, sign_in } from "../browser.mjs";

export async function run_admin({ browser, gatepost }) {
  const page = await open_profile(browser);
  await page.goto(`${gatepost.issuer}/login`);
  await sign_in(page, gatepost.devEmail, gatepost.devPassword);
  await page.getByText(gatepost.devEmail).first().waitFor();

  await check("admin: the account leads to the administration", async () => {
    await page.goto(`${gatepost.issuer}/account`);
    await page.getByRole("link", { name: "Admin", exact: true }).click();
    expect_path(page, "/admin");
    assert.equal(await page.locator("h1").innerText(), "Overview");
  });
  await look(page, "admin-overview");

  // whatever the menu leads to, pages that are added later as well
  const entries = await page.locator("nav.nav a").evaluateAll((links) => links.map((link) => [link.href, link.textContent.trim()]));
  assert.ok(entries.length >= 4, String(entries));
  for (const [address, name] of entries) {
    await check(`admin: the menu leads to "${name}", and says so there`, async () => {
      await page.goto(address);
      assert.equal(await page.locator("h1").innerText(), name);
      assert.equal(await page.locator('nav.nav a[aria-current="page"]').innerText(), name);
    });
    await look(page, `admin-menu-${new URL(address).pathname.split("/").pop()}`);
  }

  await page.goto(`${gatepost.issuer}/admin/users/new`);
  await look(page, "admin-user-new");
  await check("admin: somebody is added with a password that is shown once", async () => {
    await page.getByLabel("Name").fill("Grace Brewster Hopper, who has a rather long name here");
    await page.getByLabel("Email address").fill("brewster@example.com");
    await page.getByRole("button", { name: "Add a user" }).click();
    await page.getByText("We cannot show it again").waitFor();
  });
  await look(page, "admin-user-added");

  await page.goto(`${gatepost.issuer}/admin/users`);
  await look(page, "admin-users");
  await check("admin: people are found, and the address is the search", async () => {
    await page.getByLabel("Search").fill("brewster");
    await page.getByRole("button", { name: "Apply" }).click();
    assert.equal(new URL(page.url()).searchParams.get("q"), "brewster");
    assert.equal(await page.locator("tbody tr").count(), 1);
    await page.getByLabel("Search").fill("nobody-like-this");
    await page.keyboard.press("Enter");
    await page.getByText("Nobody matches “nobody-like-this”.").waitFor();
  });
  await look(page, "admin-users-nobody");
  await check("admin: the search is cleared", async () => {
    await page.getByRole("link", { name: "Clear search" }).click();
    await page.getByRole("link", { name: /^Manage Grace Brewster/ }).click();
    assert.match(await page.locator("h1").innerText(), /^Grace Brewster/);
  });
  await look(page, "admin-user");

  await check("admin: disabling asks first and names what will end", async () => {
    await page.getByRole("link", { name: "Disable account" }).click();
    await page.getByText("Takes effect within a second: 0 sessions, 0 apps.").waitFor();
  });
  await look(page, "admin-user-disable");
  await check("admin: cancelling changes nothing, the button disables, and it can be undone", async () => {
    await page.getByRole("link", { name: "Cancel" }).click();
    assert.equal(await page.getByText("The account is disabled").count(), 0);
    await page.getByRole("link", { name: "Disable account" }).click();
    await page.getByRole("button", { name: "Disable account" }).click();
    await page.getByText("The account is disabled").waitFor();
    await page.getByRole("button", { name: "Enable account" }).click();
    await page.getByText("The account is enabled").waitFor();
  });
  await check("admin: a role is given and taken", async () => {
    await page.getByRole("link", { name: "Make administrator" }).click();
    await page.getByRole("button", { name: "Make administrator" }).click();
    await page.getByText("The role is changed").waitFor();
    await page.getByRole("link", { name: "Make user" }).click();
    await page.getByRole("button", { name: "Make user" }).click();
    await page.getByRole("link", { name: "Make administrator" }).waitFor();
  });
  await check("admin: the last administrator is told why there is no button", async () => {
    await page.goto(`${gatepost.issuer}/admin/users?role=admin`);
    await page.getByRole("link", { name: /^Manage/ }).click();
    await page.getByText("This is the last administrator who can sign in.").first().waitFor();
    assert.equal(await page.getByRole("link", { name: "Delete account" }).count(), 0);
  });
  await look(page, "admin-user-last");

  await page.goto(`${gatepost.issuer}/admin/audit`);
  await look(page, "admin-audit");
  await check("admin: a line of the audit log opens", async () => {
    await page.locator("summary").first().click();
    await page.locator("details[open] dl").waitFor();
  });
  await look(page, "admin-audit-open");
}
