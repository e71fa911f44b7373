// Walks the administrators' pages: ends a session, suspends, lifts, revokes many at once, adds and removes an administrator, and
// looks how the page behaves while it refreshes by itself.
//
//   node dashboard.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Ends with 0 if everything is as it should be, and says otherwise what is not.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { assertClean, call, mint, open, origin, signIn, withBrowser } from "./chromium.mjs";

/** Opens a tab of the dashboard, and waits for its list. */
async function show(page, tab, text) {
  await page.getByRole("tab", { name: tab }).click();
  await page.getByRole("tabpanel", { name: tab }).getByText(text).first().waitFor();
}

/** Opens the menu of a row and chooses something. */
async function choose(page, row, action) {
  await page.getByRole("row", { name: row }).getByRole("button", { name: "Actions" }).click();
  await page.locator("#row-menu").getByRole("button", { name: action }).click();
}

/** Agrees in the dialog that is open. */
async function agree(page, action, done) {
  await page.getByRole("dialog").getByRole("button", { name: action, exact: true }).click();
  await page.locator("#toast").getByText(done).waitFor();
}

await withBrowser(async (browser) => {
  const [root, ann, bob] = await Promise.all([open(browser), open(browser), open(browser)]);
  await signIn(ann, "ann@example.com");
  await signIn(bob, "bob@example.com");
  const token = await mint(bob, "laptop");
  assert.equal((await call(token)).status, 200);

  await signIn(root, "root@example.com", "/token-session-manager");
  await root.getByRole("rowheader", { name: "bob@example.com" }).waitFor();
  await root.locator("#live-state").getByText(/^Updated \d\d:\d\d:\d\d/).waitFor();
  await root.locator("#tile-people").getByText("3", { exact: true }).waitFor();

  // An administrator ends a session, and the next click there lands on the sign-in page.
  await show(root, "Sessions", "ann@example.com");
  await root.getByRole("searchbox", { name: "Full address" }).fill("ann@example.com");
  await root.getByRole("row", { name: "root@example.com" }).waitFor({ state: "detached" });
  await root.getByRole("row", { name: "ann@example.com" }).getByRole("button", { name: "End" }).click();
  await agree(root, "End", "is over");
  await ann.getByLabel("Name").fill("too late");
  await ann.getByRole("button", { name: "Create token" }).click();
  await ann.waitForURL(/\/oauth2\/sign_in\?rd=/);

  // Suspends somebody, whose next call is 403; lifts it, and the token works again.
  await show(root, "People", "bob@example.com");
  await choose(root, "bob@example.com", "Suspend…");
  await root.getByLabel("Reason").fill("lost laptop");
  await agree(root, "Suspend", "bob@example.com is suspended");
  assert.equal((await call(token)).status, 403);
  const row = root.getByRole("row", { name: "bob@example.com" });
  await row.getByText("lost laptop").waitFor();
  await row.getByText(/^until \d/).waitFor();
  await choose(root, "bob@example.com", "Change suspension…");
  await root.getByLabel("For how long").selectOption("null");
  await root.getByLabel("Reason").fill("lost laptop, again");
  await agree(root, "Suspend", "The suspension of bob@example.com is changed");
  await row.getByText("until it is lifted").waitFor();
  await root.locator("#tile-suspended").getByText("1", { exact: true }).waitFor();
  await root.getByLabel("Show").first().selectOption("suspended");
  await root.getByRole("row", { name: "root@example.com" }).waitFor({ state: "detached" });
  await choose(root, "bob@example.com", "Lift suspension");
  await agree(root, "Lift suspension", "is lifted");
  await root.getByText("Nobody found").waitFor();
  assert.equal((await call(token)).status, 200);

  // What is selected, typed and open stays while the page refreshes by itself.
  await root.getByLabel("Show").first().selectOption("");
  await root.getByLabel("Select bob@example.com").check();
  await root.getByRole("button", { name: /^Suspend…/ }).first().click();
  await root.getByLabel("Reason").fill("half a sen");
  await signIn(ann, "ann@example.com");
  await mint(ann, "desk");
  await root.getByRole("row", { name: "ann@example.com" }).getByRole("cell", { name: "1", exact: true }).first().waitFor();
  const before = await root.locator("#live-state").textContent();
  await root.waitForFunction((was) => document.getElementById("live-state").textContent !== was, before);
  assert.equal(await root.getByLabel("Reason").inputValue(), "half a sen");
  await root.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.ok(await root.evaluate(() => document.activeElement !== document.body), "the focus is not lost");
  assert.ok(await root.getByLabel("Select bob@example.com").isChecked());

  // Paused, it asks for nothing; lost, it says so, shows what it knew, and comes back by itself.
  await root.getByRole("button", { name: "Pause" }).click();
  await root.locator("#live-state").getByText("Paused.").waitFor();
  await root.context().setOffline(true);
  await root.getByRole("button", { name: "Resume" }).click();
  await root.locator("#live-state").getByText("Connection lost").waitFor();
  assert.ok(await root.getByRole("row", { name: "bob@example.com" }).isVisible());
  await root.context().setOffline(false);
  await root.locator("#live-state").getByText("Updated").waitFor({ timeout: 60_000 });

  // Many at once.
  await show(root, "Tokens", "laptop");
  await root.getByRole("checkbox", { name: "Select all shown" }).check();
  await root.getByRole("button", { name: "Revoke (2)" }).click();
  await agree(root, "Revoke", "Done for 2");
  assert.equal((await call(token)).status, 401);
  await root.getByRole("tabpanel", { name: "Tokens" }).getByText("revoked", { exact: true }).first().waitFor();

  // A bulk that includes oneself ends the others' first, and then leads to the sign-in page.
  await show(root, "Sessions", "ann@example.com");
  await root.getByRole("searchbox", { name: "Full address" }).fill("");
  await root.getByRole("row", { name: "root@example.com" }).waitFor();
  await root.getByRole("checkbox", { name: "Select all shown" }).check();
  await root.getByRole("button", { name: /^End \(/ }).click();
  await root.getByText("This includes you.").waitFor();
  await root.getByRole("dialog").getByRole("button", { name: "End", exact: true }).click();
  await root.waitForURL(/\/oauth2\/sign_in\?rd=/);
  await ann.reload();
  await ann.waitForURL(/\/oauth2\/sign_in\?rd=/);
  await signIn(ann, "ann@example.com");
  await signIn(root, "root@example.com", "/token-session-manager");

  // All of it is in the audit log, which can be taken home.
  await show(root, "Audit", "user.suspend");
  const saved = root.waitForEvent("download");
  await root.getByRole("link", { name: "Export as CSV" }).click();
  const table = await readFile(await (await saved).path(), "utf8");
  assert.ok(table.startsWith("time,actor,") && table.includes("lost laptop"));

  // The address shows the same again.
  assert.match(root.url(), /\?tab=audit/);
  await root.reload();
  await root.getByText("user.suspend").first().waitFor();
  assert.equal(await root.getByRole("tab", { name: "Audit" }).getAttribute("aria-selected"), "true");

  // Whoever becomes an administrator can open the dashboard at once, and no longer when they are none.
  await root.getByRole("link", { name: "Administrators" }).click();
  await root.getByRole("rowheader", { name: "root@example.com" }).waitFor();
  await root.getByLabel("Address").fill("ann@example.com");
  await root.getByRole("button", { name: "Add", exact: true }).click();
  await root.getByRole("rowheader", { name: "ann@example.com" }).waitFor();
  await ann.goto(`${origin}/token-session-manager`);
  await ann.getByRole("rowheader", { name: "bob@example.com" }).waitFor();
  assert.equal(await ann.getByRole("link", { name: "Administrators" }).count(), 0);
  await root.getByRole("button", { name: "Remove ann@example.com" }).click();
  await agree(root, "Remove", "no longer an administrator");
  await ann.locator("#live-state").getByText("No longer allowed").waitFor();
  await ann.reload();
  await ann.getByRole("heading", { name: "Not allowed" }).waitFor();

  for (const page of [root, ann, bob]) assertClean(page);
});
