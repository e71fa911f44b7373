// Opens pages as a browser does that has never been here, over a slow line, and prints what they weigh and when their data are there.
//
//   node pages.mjs ORIGIN CHROMIUM NODE_PREFIX
//
// Prints JSON: by page { bytes, requests, again, trips }: bytes over the wire, with heads, the first time and again; and the time from
// the document to the last data that the page asks for by itself, in round trips of the line.

import { createRequire } from "node:module";

const [origin, executablePath, prefix] = process.argv.slice(2);
const { chromium } = createRequire(`${prefix}/`)("playwright-core");

/** How long the line takes for a request and its answer, in milliseconds: much longer than the gateway does. */
const LATENCY = 400;

const PAGES = {
  "/oauth2/sign_in": "main a.primary",
  "/token-manager": "#list-table:not([hidden]), #list-empty:not([hidden])",
  "/token-session-manager": "#people-grid tbody tr",
  "/admin-manager": "#admins-rows tr",
};

async function measure(page, path, shown) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: LATENCY, downloadThroughput: -1, uploadThroughput: -1 });
  const requests = new Map();
  session.on("Network.requestWillBeSent", ({ requestId, request }) => requests.set(requestId, { url: new URL(request.url), bytes: 0 }));
  session.on("Network.responseReceived", ({ requestId, timestamp }) => Object.assign(requests.get(requestId) ?? {}, { at: timestamp }));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => Object.assign(requests.get(requestId) ?? {}, { bytes: encodedDataLength }));
  await page.goto(`${origin}${path}`);
  await page.locator(shown).first().waitFor();
  await session.detach();
  const all = [...requests.values()].filter(({ url }) => url.origin === origin);
  const data = all.filter(({ url }) => url.pathname.startsWith("/api/"));
  const paths = data.map(({ url }) => url.pathname);
  if (new Set(paths).size !== paths.length) throw new Error(`${path} asks twice for the same: ${paths}`);
  const document = all.find(({ url }) => url.pathname === path);
  return {
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    requests: all.length,
    trips: data.length > 0 ? Math.max(...data.map(({ at }) => at - document.at)) / (LATENCY / 1000) : 0,
  };
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${origin}/oauth2/start?rd=/token-manager`);
  await page.locator("input[name=email]").fill("admin@example.com");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${origin}/token-manager`);
  const cookies = await context.storageState();
  const found = {};
  for (const [path, shown] of Object.entries(PAGES)) {
    const fresh = await browser.newContext({ storageState: cookies });
    const first = await measure(await fresh.newPage(), path, shown);
    const again = await measure(await fresh.newPage(), path, shown);
    found[path] = { ...first, again: again.bytes };
    await fresh.close();
  }
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
