// Signs in with an identity provider of another origin, and out there too, in a real browser: its cookies and its idea of
// our content security policy.
//
//   node sign_in.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Ends with 0 if everything is as it should be, and says otherwise what is not.

import assert from "node:assert/strict";

import { launch } from "./chromium.mjs";

const { origin, browser } = await launch();
try {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => {
    const ours = message.location().url.startsWith(origin);
    if (ours && message.type() === "error") complaints.push(message.text());
  });

  await page.goto(`${origin}/token-manager?tab=1`);
  await signIn(page, "ann@example.com");
  await page.waitForURL(`${origin}/token-manager?tab=1`);
  await page.getByText("ann@example.com").waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${origin}/`);

  await signIn(page, "bob@example.com");
  await page.waitForURL(`${origin}/token-manager`);
  await page.getByText("bob@example.com").waitFor();
  const names = (await page.context().cookies(origin)).map((cookie) => cookie.name);
  assert.ok(!names.some((name) => name.includes("_flow_")), "no flow is left behind");
  assert.deepEqual(complaints, [], "no content security policy is broken");
} finally {
  await browser.close();
}

async function signIn(page, account) {
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Account").fill(account);
  await page.getByRole("button", { name: "Sign in" }).click();
}
