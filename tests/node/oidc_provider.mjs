// Runs the certified OpenID provider `oidc-provider` on a port of this machine, for gateways under test to sign in with.
//
//   node oidc_provider.mjs PORT NODE_PREFIX
//
// Whoever fills in the form is who they say they are. Two clients are known: `gateway`, with the secret "s3cret/+", and
// `public`, without one. What tests change while it runs:
//
//   POST /test/gateway {"origin"}            where the clients' browsers come back to
//   POST /test/claims {"account", "claims"}  what ID tokens say of an account, beside what is said of everybody
//   POST /test/rotate-keys                   signs with a new key, and publishes no other
//
// All of it is kept in memory.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [port, prefix] = process.argv.slice(2);
const { Provider } = await import(createRequire(`${prefix}/`).resolve("oidc-provider"));
const issuer = `http://localhost:${port}`;

// Every key set's provider looks into the same memory: a rotation signs nobody out.
const memory = new Map();
const accounts = new Map();
const cookieKey = randomUUID();

class Memory {
  constructor(model) {
    this.model = model;
  }

  async find(id) {
    return memory.get(`${this.model}:${id}`);
  }

  async findByUid(uid) {
    return [...memory].find(([key, value]) => key.startsWith(`${this.model}:`) && value.uid === uid)?.[1];
  }

  async upsert(id, value) {
    memory.set(`${this.model}:${id}`, value);
  }

  async consume(id) {
    memory.get(`${this.model}:${id}`).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    memory.delete(`${this.model}:${id}`);
  }

  async revokeByGrantId(grant) {
    for (const [key, value] of memory) {
      if (value.grantId === grant) memory.delete(key);
    }
  }
}

function provider() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "RS256", use: "sig" };
  const made = new Provider(issuer, {
    adapter: Memory,
    jwks: { keys: [key] },
    cookies: { keys: [cookieKey] },
    claims: { openid: ["sub", "sid", "groups", "mail", "roles"], email: ["email", "email_verified"], profile: ["name"] },
    // As the large providers do, and not only at the userinfo endpoint.
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: askBeforeSigningOut },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...claims(id) }) }),
    loadExistingGrant: consent,
    // It asks nobody on this machine by itself, and that is where the gateway is.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
  });
  made.on("backchannel.error", (_, error) => console.error(error));
  const handle = made.callback();
  return async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return handle(request, response);
    if (request.method === "GET") return page(response, form(request.url));
    const login = { accountId: new URLSearchParams(await text(request)).get("email") };
    return made.interactionFinished(request, response, { login });
  };
}

function claims(account) {
  return { email: account, email_verified: true, name: `The person ${account}`, groups: [], ...accounts.get(account) };
}

// Nobody is asked what the gateway may know.
async function consent(context) {
  const { client, session, provider: { Grant } } = context.oidc;
  const grant = new Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope("openid email profile");
  await grant.save();
  return grant;
}

function form(action) {
  return `<form method="post" action="${action}"><label>Account <input name="email"></label><button>Sign in</button></form>`;
}

function askBeforeSigningOut(context, form) {
  context.body = `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
}

function welcome(origin) {
  const client = {
    redirect_uris: [`${origin}/oauth2/callback`],
    post_logout_redirect_uris: [`${origin}/`],
    grant_types: ["authorization_code"],
    response_types: ["code"],
    backchannel_logout_uri: `${origin}/oauth2/backchannel-logout`,
    backchannel_logout_session_required: true,
  };
  memory.set("Client:gateway", {
    ...client,
    client_id: "gateway",
    client_secret: "s3cret/+",
    token_endpoint_auth_method: "client_secret_basic",
  });
  memory.set("Client:public", { ...client, client_id: "public", token_endpoint_auth_method: "none" });
}

async function change(path, body) {
  switch (path) {
    case "/test/gateway": return welcome(body.origin);
    case "/test/claims": return accounts.set(body.account, body.claims);
    case "/test/rotate-keys": return void (serve = provider());
    default: throw new Error(`there is no ${path}`);
  }
}

async function text(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function page(response, html) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
}

let serve = provider();
createServer((request, response) => {
  const answer = request.url.startsWith("/test/")
    ? text(request).then((json) => change(request.url, JSON.parse(json))).then(() => page(response, ""))
    : serve(request, response);
  Promise.resolve(answer).catch((error) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
}).listen(Number(port), "127.0.0.1");
