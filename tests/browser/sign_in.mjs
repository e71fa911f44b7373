// Signs in with an identity provider of another origin, and out there too, in a real browser: its cookies and its idea of
// our content security policy.
//
//   node sign_in.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Ends with 0 if everything is as it should be, and says otherwise what is not.

import assert from "node:assert/strict";

import { assertClean, open, origin, signIn, withBrowser } from "./chromium.mjs";

await withBrowser(async (browser) => {
  const page = await open(browser);
  await signIn(page, "ann@example.com", "/token-manager?tab=1");
  await page.getByRole("button", { name: "ann@example.com" }).click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${origin}/`);

  await signIn(page, "bob@example.com");
  await page.getByRole("button", { name: "bob@example.com" }).waitFor();
  const names = (await page.context().cookies(origin)).map((cookie) => cookie.name);
  assert.ok(!names.some((name) => name.includes("_flow_")), "no flow is left behind");

  // What is not for them is told as a page, with the way back.
  await page.goto(`${origin}/token-session-manager`);
  await page.getByRole("heading", { name: "Not allowed" }).waitFor();
  await page.goto(`${origin}/nothing`);
  await page.getByRole("heading", { name: "Not found" }).waitFor();
  await page.getByRole("link", { name: "Back to the start page" }).click();
  await page.waitForURL(`${origin}/token-manager`);
  assertClean(page);
});
