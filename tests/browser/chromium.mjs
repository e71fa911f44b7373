// The browser that the walks share, and what they are told on the command line: ORIGIN CHROMIUM NODE_PREFIX.

import { createRequire } from "node:module";

// Without these Chromium talks to its maker, and needs a sandbox that containers do not have.
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

// Starts a browser; returns it with the address of the gateway to visit.
export async function launch() {
  const [origin, executablePath, prefix] = process.argv.slice(2);
  const { chromium } = createRequire(`${prefix}/`)("playwright-core");
  return { origin, browser: await chromium.launch({ executablePath, args }) };
}
