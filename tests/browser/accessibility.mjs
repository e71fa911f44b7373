// Looks at every page and dialog, in both languages and themes, wide and narrow, for what breaks WCAG 2.2 AA.
//
//   node accessibility.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Ends with 0 if everything is as it should be, and says otherwise what is not.

import assert from "node:assert/strict";

import { assertAccessible, assertClean, call, mint, open, origin, signIn, withBrowser } from "./chromium.mjs";

const TABS = ["people", "sessions", "tokens", "audit", "usage"];

/** Asserts that a page has no scrolling sideways. */
async function assertFits(page, what) {
  const [content, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= room, `${what} is ${content} px wide in ${room}`);
}

async function look(page, name) {
  const what = `${name} ${await page.evaluate(() => `${document.documentElement.lang} ${document.documentElement.dataset.theme} ${innerWidth}`)}`;
  await assertAccessible(page, what);
  await assertFits(page, what);
}

async function lookAtAll(page) {
  for (const path of ["/oauth2/sign_in", "/oauth2/sign_out", "/nothing"]) {
    await page.goto(`${origin}${path}`);
    await look(page, path);
  }
  await page.goto(`${origin}/token-manager`);
  await page.locator("#list-table tbody tr").first().waitFor();
  await page.locator("#sessions li").first().waitFor();
  await look(page, "tokens");
  await page.locator("#who").click();
  await look(page, "account");
  await page.keyboard.press("Escape");
  await page.locator("#revoke-all").click();
  await look(page, "question");
  await page.keyboard.press("Escape");
  for (const tab of TABS) {
    await page.goto(`${origin}/token-session-manager?tab=${tab}`);
    await page.locator(`#${tab}-grid tbody tr`).first().waitFor();
    await look(page, tab);
    if (!["audit", "usage"].includes(tab)) {
      await page.locator(`#${tab}-grid [data-part=pick]`).first().check();
      await look(page, `${tab} picked`);
    }
    if (tab === "people") {
      await page.locator("#people-grid .more-actions").first().click();
      await look(page, "menu");
      await page.keyboard.press("Escape");
    }
  }
  await page.locator("summary").click();
  await page.locator(".column").last().focus();
  await look(page, "usage, a day");
  await page.goto(`${origin}/usage`);
  await page.locator("#usage-grid tbody tr").first().waitFor();
  await look(page, "own usage");
  await page.locator("[name=days]").selectOption("");
  await page.locator("[name=to]").fill("2020-01-01");
  await page.locator("#usage-grid .state-title").waitFor();
  await look(page, "no usage");
  await page.goto(`${origin}/token-session-manager`);
  await page.locator("#suspend-address").click();
  await look(page, "suspend");
  await page.goto(`${origin}/token-session-manager?tab=people&q=&status=suspended`);
  await page.locator("#people-grid tr.suspended").waitFor();
  await look(page, "suspended");
  await page.goto(`${origin}/admin-manager`);
  await page.locator("#admins-rows tr").first().waitFor();
  await look(page, "administrators");
}

await withBrowser(async (browser) => {
  const page = await open(browser);
  await signIn(page, "root@example.com");
  await call(await mint(page, "laptop"));
  await page.goto(`${origin}/token-session-manager`);
  await page.locator("#suspend-address").click();
  await page.locator("#suspend-email").fill(`${"a-rather-long-name".repeat(3)}@example.com`);
  await page.locator("#suspend-reason").fill("because ".repeat(40));
  await page.locator("#suspend-go").click();
  await page.locator("#toast:not(:empty)").waitFor();
  for (const [language, theme, width] of [["en", "light", 1440], ["ja", "dark", 390], ["en", "dark", 1440], ["ja", "light", 320]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${origin}/token-manager`);
    await page.locator("#who").click();
    await page.locator("[data-setting=theme]").selectOption(theme);
    if (await page.locator("[data-setting=language]").inputValue() !== language) {
      await Promise.all([page.waitForEvent("load"), page.locator("[data-setting=language]").selectOption(language)]);
    }
    await lookAtAll(page);
  }
  await page.goto(`${origin}/token-manager`);
  await page.locator("#create-form button").waitFor();
  await page.locator("#token-name").fill("once");
  await page.locator("#create-button").click();
  await page.locator("#created-title:not(:empty)").waitFor();
  await look(page, "created");
  assertClean(page);
});
