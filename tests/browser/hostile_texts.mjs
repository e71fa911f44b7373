// Shows what people may call themselves and their things, wherever a page does: as text.
//
//   node hostile_texts.mjs ORIGIN CHROMIUM NODE_PREFIX ACCOUNT…
//
// Each account is somebody whose name is one of the texts. Ends with 0 if everything is as it should be, and says otherwise what is
// not.

import assert from "node:assert/strict";

import { assertClean, call, mint, open, origin, signIn, withBrowser } from "./chromium.mjs";

const TEXTS = ["<img src=x onerror=complain('markup')>", "\"><script>complain('script')</script>", "\u{1F9EA}".repeat(64), "\u202Egnp.exe\u202C \u05D0\u05D1\u05D2"];

/** Asserts that a page holds no element that is not ours. */
async function assertText(page) {
  const strange = await page.locator("img:not([src='/assets/favicon.svg']), body script, [onerror]").count();
  assert.equal(strange, 0, "no text has become markup");
}

await withBrowser(async (browser) => {
  const accounts = process.argv.slice(5);
  for (const [at, text] of TEXTS.entries()) {
    const page = await open(browser, { userAgent: at === 2 ? "Emoji" : text.replace(/[^\x20-\x7e]/g, "~") });
    await signIn(page, accounts[at]);
    await page.getByRole("button", { name: accounts[at] }).click();
    await page.locator("#account").getByText(text).waitFor();
    await page.keyboard.press("Escape");
    // Controls that turn the direction of what follows are no part of a name.
    const name = text.replace(/[\u202A-\u202E]/g, "");
    const token = await mint(page, name);
    await page.getByRole("rowheader", { name }).waitFor();
    await page.getByRole("button", { name: `Revoke ${name}` }).click();
    await page.getByRole("heading", { name: `Revoke “${name}”?` }).waitFor();
    await assertText(page);
    assert.equal((await call(token)).status, 200);
    await page.goto(`${origin}/usage`);
    await page.getByRole("rowheader", { name }).waitFor();
    await assertText(page);
    assertClean(page);
  }

  const root = await open(browser);
  await signIn(root, "root@example.com", "/token-session-manager");
  await root.getByRole("tab", { name: "Sessions" }).click();
  for (const account of accounts) {
    await root.getByRole("rowheader", { name: account }).waitFor();
  }
  await assertText(root);
  await root.getByRole("tab", { name: "People" }).click();
  for (const [at, text] of TEXTS.entries()) {
    await root.getByText(text).first().waitFor();
    await root.getByRole("row", { name: accounts[at] }).getByRole("button", { name: "Actions" }).click();
    await root.locator("#row-menu").getByRole("button", { name: "Suspend…" }).click();
    await root.getByLabel("Reason").fill(text);
    await root.getByRole("dialog").getByRole("button", { name: "Suspend", exact: true }).click();
    await root.locator("#toast").getByText(`${accounts[at]} is suspended`).waitFor();
    await root.locator(".reason").getByText(text).waitFor();
  }
  await assertText(root);
  for (const [tab, text] of [["Tokens", TEXTS[0]], ["Usage", TEXTS[0]], ["Audit", "user.suspend"]]) {
    await root.getByRole("tab", { name: tab }).click();
    await root.getByRole("tabpanel", { name: tab }).getByText(text).first().waitFor();
    await assertText(root);
  }
  await root.goto(`${origin}/oauth2/sign_in?rd=/%22%3E%3Cimg%20src=x%3E`);
  await assertText(root);
  assertClean(root);
});
