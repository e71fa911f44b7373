// Walks the pages of usage: what a person has used, by keyboard through the chart; what everybody has, and a budget that is set,
// changed and removed.
//
//   node usage.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Ends with 0 if everything is as it should be, and says otherwise what is not.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { assertClean, ask, mint, open, origin, signIn, withBrowser } from "./chromium.mjs";

const DAY = 24 * 60 * 60 * 1000;

/** Makes a call that costs some cents. */
function call(token) {
  return ask(token, { max_tokens: 5000, messages: [{ role: "user", content: "word ".repeat(4000) }] });
}

/** Returns the accessible name of what has the focus. */
function focused(page) {
  return page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);
}

/** Moves on with Tab until something has the focus whose accessible name begins so. */
async function tabTo(page, name) {
  for (let step = 0; step < 80; step += 1) {
    await page.keyboard.press("Tab");
    if ((await focused(page)).trim().startsWith(name)) return;
  }
  assert.fail(`nothing that begins with "${name}" can be reached with Tab`);
}

function dayName(time) {
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(time);
}

/** Waits until a figure says something. */
function figure(page, name, text) {
  return page.locator("#usage-figures div").filter({ hasText: name }).getByText(text, { exact: true }).waitFor();
}

await withBrowser(async (browser) => {
  const [ann, bob, root] = await Promise.all([open(browser), open(browser), open(browser)]);
  await signIn(bob, "bob@example.com");
  assert.equal((await call(await mint(bob, "desk"))).status, 200);

  // Who has called nothing is told so, and how to begin; everybody finds the page in the bar.
  await signIn(ann, "ann@example.com");
  const token = await mint(ann, "laptop");
  await ann.getByRole("link", { name: "Usage" }).click();
  await ann.locator("#usage-grid").getByText("No calls in this range yet").waitFor();
  assert.ok(await ann.getByRole("heading", { name: "Cost by day" }).isHidden());

  // What is called appears by itself: bob's is not in it.
  assert.equal((await call(token)).status, 200);
  await figure(ann, "Requests", "1");
  await ann.getByRole("row", { name: /^echo/ }).getByText(/^\$0\.0\d+$/).waitFor();
  await ann.getByRole("row", { name: /^laptop/ }).waitFor();
  assert.equal(await ann.getByRole("row", { name: /^desk/ }).count(), 0);

  // Through the chart by keyboard: one tab stop, today first.
  await ann.getByLabel("Range").focus();
  await tabTo(ann, dayName(Date.now()));
  const today = await focused(ann);
  assert.match(today, /\$(0\.0\d+), echo \$\1$/);
  assert.match(await ann.locator(".legend").textContent(), new RegExp(`^${dayName(Date.now())}\\$0\\.0`));
  await ann.keyboard.press("ArrowLeft");
  assert.equal(await focused(ann), `${dayName(Date.now() - DAY)}, $0.00`);
  await ann.keyboard.press("Home");
  assert.equal(await focused(ann), `${dayName(Date.now() - 29 * DAY)}, $0.00`);
  await ann.keyboard.press("ArrowLeft");
  assert.equal(await focused(ann), `${dayName(Date.now() - 29 * DAY)}, $0.00`);
  await ann.keyboard.press("End");
  assert.equal(await focused(ann), today);

  // Another call changes the day that has the focus, and takes neither that nor the scroll away.
  const scroll = await ann.evaluate(() => scrollY);
  assert.equal((await call(token)).status, 200);
  await figure(ann, "Requests", "2");
  assert.ok((await focused(ann)).startsWith(dayName(Date.now())) && (await focused(ann)) !== today);
  assert.equal(await ann.evaluate(() => scrollY), scroll);
  await ann.keyboard.press("Tab");
  assert.equal(await focused(ann), "The numbers as a table");
  await ann.keyboard.press("Enter");
  await ann.getByRole("rowheader", { name: dayName(Date.now()) }).waitFor();

  // Other ranges.
  await ann.getByLabel("Range").selectOption("7 days");
  await ann.waitForFunction(() => document.querySelectorAll(".column").length === 7);
  await ann.getByLabel("Range").selectOption("From – to…");
  const day = (back) => new Date(Date.now() - back * DAY).toISOString().slice(0, 10);
  await ann.getByLabel("To", { exact: true }).fill(day(1));
  await ann.getByLabel("From", { exact: true }).fill(day(3));
  await ann.locator("#usage-grid").getByText("No calls in this range yet").waitFor();
  await ann.getByLabel("To", { exact: true }).fill(day(0));
  await ann.waitForFunction(() => document.querySelectorAll(".column").length === 4);

  // Everybody's, by what the administrator chooses.
  await signIn(root, "root@example.com", "/token-session-manager");
  await root.getByRole("tab", { name: "Usage" }).click();
  const table = root.locator("#usage-grid");
  await table.getByRole("row", { name: /^ann@example\.com/ }).getByRole("cell", { name: "2", exact: true }).waitFor();
  await table.getByRole("rowheader", { name: "bob@example.com" }).waitFor();
  await figure(root, "Requests", "3");
  for (const [by, row] of [["Token", /laptop/], ["Day", dayName(Date.now())], ["Provider", "echo"], ["Model", "echo"]]) {
    await root.getByLabel("By", { exact: true }).selectOption(by);
    await table.getByRole("rowheader", { name: row }).first().waitFor();
  }
  await table.getByRole("row", { name: /^echo/ }).getByText(/^[\d.e-]+ · [\d.e-]+ · [\d.e-]+ s$/).first().waitFor();
  const saved = root.waitForEvent("download");
  await root.getByRole("link", { name: "Export as CSV" }).click();
  const csv = await readFile(await (await saved).path(), "utf8");
  assert.match(csv, /^"model","requests",.*\r?\n"echo","3",/);
  await root.getByLabel("By", { exact: true }).selectOption("Group");
  await root.getByText("No groups", { exact: true }).waitFor();
  assert.match(root.url(), /tab=usage&days=30&by=group$/);

  // A budget is set, changed in its row and removed by keyboard, and holds for the next call each time.
  const press = (key) => root.keyboard.press(key);
  await root.getByLabel("For", { exact: true }).focus();
  await root.getByLabel("For", { exact: true }).selectOption("a person (address)");
  await press("Tab");
  await root.keyboard.type("ann@example.com");
  await press("Tab");
  await press("Tab");
  await root.keyboard.type("100");
  await press("Enter");
  await root.locator("#toast").getByText("The daily budget of ann@example.com: $100.00").waitFor();
  await root.locator("#budgets-grid").getByRole("rowheader", { name: "The daily budget of ann@example.com" }).waitFor();
  assert.equal((await call(token)).status, 200);
  await tabTo(root, "Limit, The daily budget of ann@example.com");
  await press("Control+A");
  await root.keyboard.type("nothing");
  await press("Enter");
  await root.locator("#budgets-grid .problem").waitFor();
  await press("Control+A");
  await root.keyboard.type("0.001");
  await press("Enter");
  await root.locator("#toast").getByText("The daily budget of ann@example.com: $0.001").waitFor();
  await root.locator("#budgets-grid").getByText("of $0.001").waitFor();
  assert.equal(await focused(root), "Limit, The daily budget of ann@example.com");
  assert.equal((await call(token)).status, 429);
  await ann.getByRole("listitem").filter({ hasText: "Your daily budget" }).getByText("of $0.001").waitFor();
  await tabTo(root, "Remove The daily budget of ann@example.com");
  await press("Enter");
  await press("Tab");
  await press("Enter");
  await root.getByText("No budgets", { exact: true }).waitFor();
  assert.equal((await call(token)).status, 200);

  for (const page of [ann, bob, root]) assertClean(page);
});
