// Walks the token page by keyboard alone: signs in, mints, copies, calls, revokes, ends another session, signs out.
//
//   node token_page.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Ends with 0 if everything is as it should be, and says otherwise what is not.

import assert from "node:assert/strict";

import { assertClean, call, open, origin, signIn, withBrowser } from "./chromium.mjs";

/** Moves on with Tab until something has the focus whose accessible name begins so. */
async function tabTo(page, name) {
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => {
      const { activeElement: element } = document;
      const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.textContent;
      return label.replace(/\s+/g, " ").trim();
    });
    if (found.startsWith(name)) return;
  }
  assert.fail(`nothing that begins with "${name}" can be reached with Tab`);
}

await withBrowser(async (browser) => {
  const elsewhere = await open(browser);
  await signIn(elsewhere, "ann@example.com");

  const page = await open(browser);
  const press = (key) => page.keyboard.press(key);
  await page.goto(`${origin}/`);
  await tabTo(page, "Sign in");
  await press("Enter");
  await page.getByLabel("Account").fill("ann@example.com");
  await press("Enter");
  await page.waitForURL(`${origin}/token-manager`);
  await page.getByText("No tokens yet").waitFor();

  await press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await press("Enter");
  await tabTo(page, "Name");
  await press("Enter");
  await page.getByText("Give the token a name.").waitFor();
  await page.keyboard.type("laptop");
  await press("Enter");
  await page.getByText("Copy it now.").waitFor();
  const token = await page.locator("#created-token").textContent();
  assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  await tabTo(page, "Copy token");
  await press("Enter");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  await tabTo(page, "Claude Code");
  await press("ArrowRight");
  await press("ArrowRight");
  await page.getByRole("tabpanel", { name: "Roo Code" }).getByText("API Provider").waitFor();
  assert.equal((await call(token)).status, 200);

  await tabTo(page, "Done");
  await press("Enter");
  await page.getByRole("rowheader", { name: "laptop" }).waitFor();
  assert.ok(!(await page.content()).includes(token), "the token is shown once");

  // A token until a date.
  await page.keyboard.type("until a date");
  await tabTo(page, "Expires after");
  await press("End");
  await tabTo(page, "Last day");
  await press("Enter");
  await page.getByText("Choose a day").waitFor();
  const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
  await page.getByLabel("Last day").fill(tomorrow.toISOString().slice(0, 10));
  await press("Enter");
  await page.getByText("Copy it now.").waitFor();
  await tabTo(page, "Done");
  await press("Enter");
  await page.getByRole("rowheader", { name: "until a date" }).waitFor();

  await tabTo(page, "Revoke until a date");
  await press("Enter");
  await press("Escape");
  await tabTo(page, "Revoke laptop");
  await press("Enter");
  await press("Tab");
  await press("Enter");
  await page.getByRole("cell", { name: "revoked" }).waitFor();
  const refused = await call(token);
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("x-should-retry"), "false");
  assert.equal((await refused.json()).error.message, "token revoked");

  // The other session ends, and its next click leads to the sign-in page.
  await tabTo(page, "Sign out Chrome");
  await press("Enter");
  await press("Tab");
  await press("Enter");
  await page.getByText("Signed out there").waitFor();
  await elsewhere.getByLabel("Name").fill("too late");
  await elsewhere.getByRole("button", { name: "Create token" }).click();
  await elsewhere.waitForURL(/\/oauth2\/sign_in\?rd=%2Ftoken-manager$/);

  // Everywhere, this one included.
  await page.reload();
  await page.getByText("Chrome on Linux").waitFor();
  await tabTo(page, "Sign out everywhere");
  await press("Enter");
  await press("Tab");
  await press("Enter");
  await page.waitForURL(`${origin}/`);
  await page.goto(`${origin}/token-manager`);
  assert.equal(new URL(page.url()).pathname, "/oauth2/sign_in");
  assertClean(page);
  assertClean(elsewhere);
});
