// Starts gateways with people who do not exist, and takes pictures of every page and dialog.
//
//   node screenshots.mjs FOLDER PROGRAM CHROMIUM NODE_PREFIX REDIS
//
// A picture is FOLDER/{language}-{theme}-{width}/{what}.png. Called by scripts/screenshots.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [folder, program, executablePath, prefix, redis] = process.argv.slice(2);
const { chromium } = createRequire(`${resolve(prefix)}/`)("playwright-core");

const SCIM = "obviously-fake-scim-token-of-40-characters";
const ROOT = "root@example.com";
const MODELS = ["claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-4-5", "gpt-5.1", "gpt-5.1-mini", "local/a-model-with-a-rather-long-name-that-does-not-fit", "mistral-large"];
const LANGUAGES = ["en", "ja"];
const THEMES = ["light", "dark"];
const WIDTHS = [1440, 390];
const FORMS = { "accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" };
const AGENTS = [
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
  "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
  "curl/8.11.0",
];

async function freePort() {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/** A running gateway, and who is signed in to it. */
class Gateway {
  static async start(more = "", signIns = 0) {
    const port = await freePort();
    const gateway = new Gateway();
    gateway.origin = `http://localhost:${port}`;
    gateway.data = mkdtempSync(join(tmpdir(), "screenshots-"));
    writeFileSync(join(gateway.data, "gateway.toml"), `
      [server]
      listen = "127.0.0.1:${port}"
      public_url = "${gateway.origin}"
      [data]
      dir = "${gateway.data}"
      [roles]
      super_admins = ["${ROOT}"]
      admins = ["ada@example.com"]
      admin_domains = ["security.example.com"]
      [scim]
      token = "${SCIM}"
      [limits]
      sign_ins_per_address = ${signIns}
      sign_ins_per_user = 0
      mints_per_address = 0
      mints_per_user = 0
      [providers.echo]
      kind = "echo"
      ${["echo", ...MODELS].map((name) => `[models."${name}"]\nprovider = "echo"\nprice = { input = "1.00", output = "5.00" }`).join("\n")}
      ${more}
    `);
    gateway.process = spawn(program, ["--config", join(gateway.data, "gateway.toml"), "serve"], { stdio: "ignore" });
    while (!(await fetch(`${gateway.origin}/readyz`).catch(() => {}))?.ok) {
      if (gateway.process.exitCode !== null) throw new Error("the gateway does not start");
      await new Promise((done) => setTimeout(done, 100));
    }
    return gateway;
  }

  stop() {
    this.process.kill();
    rmSync(this.data, { recursive: true, force: true });
  }

  /** Signs somebody in; returns what asks for something in their name. */
  async signIn(email, agent = AGENTS[0]) {
    const jar = new Map();
    const visit = async (url, options = {}) => {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const answer = await fetch(new URL(url, this.origin), { redirect: "manual", ...options, headers: { "user-agent": agent, ...options.headers, cookie } });
      for (const set of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
        jar.set(name, value);
      }
      return answer;
    };
    let answer = await visit("/oauth2/start?rd=/", { headers: FORMS });
    answer = await visit(answer.headers.get("location"), { headers: FORMS });
    const page = await answer.text();
    const body = new URLSearchParams({ email });
    for (const [, name, value] of page.matchAll(/name="([^"]+)" value="([^"]*)"/g)) {
      body.set(name, value.replaceAll("&amp;", "&").replaceAll("&#39;", "'"));
    }
    const [, action] = /<form[^>]*action="([^"]+)"/.exec(page);
    answer = await visit(action.replaceAll("&amp;", "&"), { method: "POST", headers: FORMS, body });
    await visit(answer.headers.get("location"), { headers: FORMS });
    return async (method, path, value) => {
      const headers = { "sec-fetch-site": "same-origin", "content-type": "application/json" };
      const answer = await visit(path, { method, headers, body: value && JSON.stringify(value) });
      if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
      return answer.json();
    };
  }
}

/** Calls a model with so many hundredths of a long question. */
function call(gateway, token, model, size) {
  return fetch(`${gateway.origin}/v1/messages`, {
    method: "POST",
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 5000, messages: [{ role: "user", content: "word ".repeat(40 * size) }] }),
  });
}

/** Fills a gateway with a company. */
async function fill(gateway) {
  const names = ["ada", "grace", "barbara", "hedy", "katherine", "margaret", "radia", "sophie", "joan", "karen", "frances", "jean"];
  const root = await gateway.signIn(ROOT);
  for (let number = 0; number < 64; number += 1) {
    const name = names[number % names.length];
    const email = number < names.length ? `${name}@example.com` : `${name}.${number}@example.com`;
    const somebody = await gateway.signIn(email, AGENTS[number % AGENTS.length]);
    for (const token of ["laptop", "ci of the billing service", "roo code"].slice(0, 1 + (number % 3))) {
      await somebody("POST", "/api/token/generate", { token_name: token, expires_in: [3600, 86400 * 2, 86400 * 30][number % 3] });
    }
  }
  for (const [name, lifetime] of [["laptop", 86400 * 30], ["nightly job", 86400 * 2], ["an old machine with a rather long name that does not fit", 3600], ["phone", 86400 * 90]]) {
    const { token_id: id, token } = await root("POST", "/api/token/generate", { token_name: name, expires_in: lifetime, scopes: name === "phone" ? ["llm", "admin"] : ["llm"] });
    if (name === "nightly job") await root("POST", "/api/token/revoke", { token_id: id });
    if (name === "laptop") {
      for (const [at, model] of ["echo", ...MODELS].entries()) await call(gateway, token, model, Math.ceil(100 / 4 ** at));
    }
  }
  // The calls have cost four cents: of budgets that are all but used up, running out, and ample.
  for (const [scope, window, amount] of [[`user:${ROOT}`, "daily", "0.043"], ["org", "monthly", "0.052"], ["default_user", "total", "100.00"]]) {
    await root("PUT", "/api/admin/budgets", { scope, window, amount });
  }
  await gateway.signIn(ROOT, AGENTS[1]);
  await root("POST", "/api/admin/users/ban", { user_email: "hedy@example.com", reason: "Laptop lost on the train; the new one comes on Monday" });
  await root("POST", "/api/admin/users/ban", { user_email: "radia@example.com", duration_seconds: null, reason: "" });
  await root("POST", "/api/admin/manage", { email: "grace@example.com" });
  await root("POST", "/api/admin/manage", { email: "newcomer@example.com" });
  const scim = { "authorization": `Bearer ${SCIM}`, "content-type": "application/scim+json" };
  const created = await fetch(`${gateway.origin}/scim/v2/Users`, {
    method: "POST", headers: scim,
    body: JSON.stringify({ schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: "sophie@example.com", active: true }),
  });
  await fetch(`${gateway.origin}/scim/v2/Users/${(await created.json()).id}`, { method: "DELETE", headers: scim });
}

/** Every picture: its name, and how to come to what it shows. */
function shots(gateway, page, size) {
  const to = (path) => page.goto(`${gateway.origin}${path}`);
  const tab = async (name) => {
    await to(`/token-session-manager?tab=${name}`);
    await page.locator(`#${name}-grid tbody tr, #${name}-grid .state-title`).first().waitFor();
  };
  const tokens = async () => {
    await to("/token-manager");
    await page.locator("#list-rows tr, #list-empty:not([hidden])").first().waitFor();
    await page.locator("#sessions li").first().waitFor();
  };
  const usage = async (path = "/usage") => {
    await to(path);
    await page.locator("#usage-grid tbody tr, #usage-grid .state-title").first().waitFor();
  };
  const administrators = async () => {
    await to("/admin-manager");
    await page.locator("#admins-rows tr").first().waitFor();
  };
  const failing = (path, status, title, detail) => async () => {
    await page.route(`**${path}`, (route) => route.fulfill({
      status, contentType: "application/problem+json", headers: { "x-request-id": "req_01EXAMPLE" },
      body: JSON.stringify({ type: "about:blank#unavailable", title, detail, status, request_id: "req_01EXAMPLE" }),
    }));
  };
  const lost = failing("/api/**", 503, "Service unavailable", "The gateway cannot reach its store. Try again in a moment.");
  const list = {
    "sign-in": () => to("/oauth2/sign_in"),
    "sign-out": () => to("/oauth2/sign_out"),
    "not-found": () => to("/nothing"),
    "tokens": tokens,
    "tokens-account": async () => { await tokens(); await page.locator("#who").click(); },
    "tokens-date": async () => { await tokens(); await page.locator("#lifetime").selectOption("date"); await page.locator("#create-button").click(); },
    "tokens-everywhere": async () => { await tokens(); await page.locator("#sign-out-everywhere").click(); },
    "tokens-unavailable": async () => { await lost(); await to("/token-manager"); await page.locator("#list-problem:not([hidden])").waitFor(); },
    "people": () => tab("people"),
    "sessions": () => tab("sessions"),
    "all-tokens": () => tab("tokens"),
    "audit": () => tab("audit"),
    "usage": () => usage(),
    "usage-unavailable": async () => { await lost(); await to("/usage"); await page.locator("#live-state[data-state=lost]").waitFor(); },
    "all-usage": () => usage("/token-session-manager?tab=usage"),
    "people-lost": async () => { await tab("people"); await lost(); await page.locator("#live-state[data-state=lost]").waitFor(); },
    "people-unavailable": async () => { await lost(); await to("/token-session-manager"); await page.locator("#live-state[data-state=lost]").waitFor(); },
    "suspend-somebody": async () => { await tab("people"); await page.locator("#suspend-address").click(); await page.locator("#suspend-go").click(); },
    "administrators": administrators,
  };
  if (size === "much") {
    Object.assign(list, {
      "tokens-created": async () => {
        await tokens();
        await page.locator("#token-name").fill("laptop");
        await page.locator("#create-button").click();
        await page.locator("#created-title:not(:empty)").waitFor();
      },
      "usage-day": async () => {
        await usage();
        await page.locator("summary").click();
        await page.locator(".column").last().focus();
      },
      "usage-dates": async () => { await usage(); await page.locator("[name=days]").selectOption(""); },
      "all-usage-by-model": () => usage("/token-session-manager?tab=usage&days=90&by=model"),
      "all-usage-budget": async () => {
        await usage("/token-session-manager?tab=usage");
        await page.locator("#budgets-grid [data-part=limit]").first().fill("much");
        await page.keyboard.press("Enter");
        await page.locator("#budgets-grid .problem").waitFor();
      },
      "people-menu": async () => { await tab("people"); await page.locator("#people-grid .more-actions").first().click(); },
      "people-picked": async () => {
        await tab("people");
        for (const at of [1, 2, 3]) await page.locator("#people-grid [data-part=pick]").nth(at).check();
      },
      "people-suspended": async () => {
        await to("/token-session-manager?tab=people&status=suspended");
        await page.locator("#people-grid tbody tr.suspended").first().waitFor();
      },
      "people-removed": async () => {
        await to("/token-session-manager?tab=people&status=removed");
        await page.locator("#people-grid tbody tr").first().waitFor();
      },
      "suspend": async () => {
        await tab("people");
        await page.locator("#people-grid .more-actions").nth(3).click();
        await page.locator("#row-menu .item").first().click();
      },
      "revoke-many": async () => {
        await tab("tokens");
        for (const at of [0, 1, 2]) await page.locator("#tokens-grid [data-part=pick]").nth(at).check();
        await page.locator("#tokens-grid .picked-bar .danger").click();
      },
      "administrators-remove": async () => { await administrators(); await page.locator("#admins-rows .danger").first().click(); },
    });
  }
  return list;
}

/** Opens a browser of each language, theme and width, and gives `take` a page and what takes its picture. */
async function eachLook(browser, gateway, take) {
  for (const language of LANGUAGES) {
    for (const theme of THEMES) {
      for (const width of WIDTHS) {
        const context = await browser.newContext({ viewport: { width, height: 900 }, locale: language });
        await context.addCookies([{ name: "llm_gateway_language", value: language, url: gateway.origin }, { name: "llm_gateway_theme", value: theme, url: gateway.origin }]);
        const page = await context.newPage();
        const place = join(folder, `${language}-${theme}-${width}`);
        mkdirSync(place, { recursive: true });
        await take(page, async (name) => {
          // The look, without what is still moving.
          await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
          const isDialog = await page.locator("dialog[open], :popover-open").count() > 0;
          await page.screenshot({ path: join(place, `${name}.png`), fullPage: !isDialog });
        });
        await context.close();
        process.stdout.write(`screenshots: ${language} ${theme} ${width}\n`);
      }
    }
  }
}

async function signIn(page, gateway, email) {
  await page.goto(`${gateway.origin}/oauth2/start?rd=/token-manager`);
  await page.locator("input[name=email]").fill(email);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${gateway.origin}/token-manager`);
}

function photograph(browser, gateway, size) {
  return eachLook(browser, gateway, async (page, take) => {
    await signIn(page, gateway, ROOT);
    for (const [name, come] of Object.entries(shots(gateway, page, size))) {
      await come();
      await take(`${name}-${size}`);
      await page.unrouteAll();
    }
  });
}

/** Takes pictures of refusals, and of a gateway whose store is away. */
async function photographTrouble(browser) {
  const port = await freePort();
  const store = spawn(redis, ["--port", port, "--save", "", "--bind", "127.0.0.1"], { stdio: "ignore" });
  const gateway = await Gateway.start(`[hot]\nredis = "redis://127.0.0.1:${port}"`);
  try {
    await eachLook(browser, gateway, async (page, take) => {
      await signIn(page, gateway, "ann@example.com");
      await page.goto(`${gateway.origin}/token-session-manager`);
      await take("forbidden");
    });
    store.kill();
    await once(store, "exit");
    await eachLook(browser, gateway, async (page, take) => {
      await page.goto(`${gateway.origin}/oauth2/start?rd=/`);
      await take("unavailable");
    });
  } finally {
    store.kill();
    gateway.stop();
  }
  const strict = await Gateway.start("", 1);
  try {
    await strict.signIn("ann@example.com");
    await eachLook(browser, strict, async (page, take) => {
      await page.goto(`${strict.origin}/oauth2/start?rd=/`);
      await take("too-many");
    });
  } finally {
    strict.stop();
  }
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  for (const size of ["none", "much"]) {
    const gateway = await Gateway.start();
    try {
      if (size === "much") await fill(gateway);
      await photograph(browser, gateway, size);
    } finally {
      gateway.stop();
    }
  }
  await photographTrouble(browser);
} finally {
  await browser.close();
}
