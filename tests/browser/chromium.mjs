// The browser that the walks share, and what they are told on the command line: ORIGIN CHROMIUM NODE_PREFIX.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Without these Chromium talks to its maker, and needs a sandbox that containers do not have.
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

const [origin, executablePath, prefix] = process.argv.slice(2);
const require = createRequire(`${prefix}/`);

export { origin };

/** Starts a browser, gives it to `walk`, and closes it. */
export async function withBrowser(walk) {
  const { chromium } = require("playwright-core");
  const browser = await chromium.launch({ executablePath, args });
  try {
    await walk(browser);
  } finally {
    await browser.close();
  }
}

/** Opens a page in a profile of its own. What goes wrong on pages of ours is kept in `page.complaints`. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  page.complaints = [];
  const complain = (text) => page.complaints.push(text);
  page.on("pageerror", (error) => complain(error.message));
  page.on("console", (message) => {
    // Answers that are refusals are part of some walks, and are no mistake of a page's.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isAnswer && message.location().url.startsWith(origin)) {
      complain(message.text());
    }
  });
  // What breaks the content security policy is told here even where nothing is shown for it.
  await page.exposeFunction("complain", complain);
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => window.complain(`${event.violatedDirective}: ${event.blockedURI}`));
  });
  return page;
}

/** Goes to a page of ours as somebody, by way of the identity provider. */
export async function signIn(page, account, path = "/token-manager") {
  await page.goto(`${origin}${path}`);
  await page.locator("main a.primary").click();
  // The provider asks only whom it does not know yet.
  const asked = page.getByLabel("Account");
  await asked.or(page.locator("#who")).waitFor();
  if (await asked.isVisible()) {
    await asked.fill(account);
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  await page.waitForURL(`${origin}${path}`);
}

/** Mints a token on the token page that is open, and returns it. */
export async function mint(page, name) {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create token" }).click();
  const token = page.locator("#created-token");
  await token.filter({ hasText: "." }).waitFor();
  const text = await token.textContent();
  await page.getByRole("button", { name: "Done" }).click();
  return text;
}

/** Makes a call of a model with a token. */
export function call(token) {
  return ask(token, { max_tokens: 16, messages: [{ role: "user", content: "ping" }] });
}

/** Makes a call that asks for something. */
export function ask(token, body) {
  return fetch(`${origin}/v1/messages`, {
    method: "POST",
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "echo", ...body }),
  });
}

/** Asserts that nothing has gone wrong on a page. */
export function assertClean(page) {
  assert.deepEqual(page.complaints, [], "no script fails, and no content security policy is broken");
}

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Asserts that a page breaks no rule of WCAG 2.2 AA that can be checked by a program. */
export async function assertAccessible(page, what) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), tags);
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`);
  assert.deepEqual(told, [], what);
}
