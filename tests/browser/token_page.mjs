// Walks the token page in a real browser, by keyboard where a person could: signs in, mints, calls, revokes, signs out.
//
//   node token_page.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Ends with 0 if everything is as it should be, and says otherwise what is not.

import assert from "node:assert/strict";

import { launch } from "./chromium.mjs";

const { origin, browser } = await launch();
try {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));

  await page.goto(`${origin}/`);
  await page.getByRole("link", { name: "Sign in" }).press("Enter");
  await page.getByLabel("E-mail address").fill("ann@example.com");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${origin}/token-manager`);
  await page.getByText("ann@example.com").waitFor();

  const markup = "<img src=x onerror=alert(1)>";
  await page.getByLabel("Name").fill(markup);
  await page.keyboard.press("Enter");
  await page.getByText("Copy it now.").waitFor();
  const token = await page.locator("#created-token").textContent();
  assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.equal((await call(token)).status, 200);

  await page.getByRole("button", { name: "Done" }).press("Enter");
  await page.getByRole("cell", { name: markup }).waitFor();
  assert.ok(!(await page.content()).includes(token), "the token is shown once");

  await page.getByRole("row").getByRole("button", { name: /^Revoke/ }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: /^Revoke/ }).press("Enter");
  await page.getByRole("cell", { name: "revoked" }).waitFor();
  const refused = await call(token);
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("x-should-retry"), "false");
  assert.equal((await refused.json()).error.message, "token revoked");

  await page.getByRole("button", { name: "Sign out" }).press("Enter");
  await page.waitForURL(`${origin}/`);
  await page.goto(`${origin}/token-manager`);
  assert.equal(new URL(page.url()).pathname, "/oauth2/sign_in");
  assert.deepEqual(complaints, [], "no script fails, and no content security policy is broken");
} finally {
  await browser.close();
}

function call(token) {
  return fetch(`${origin}/v1/messages`, {
    method: "POST",
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "echo", max_tokens: 16, messages: [{ role: "user", content: "ping" }] }),
  });
}
