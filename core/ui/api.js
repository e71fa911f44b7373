// Calls this origin's own API and turns every failure into a `Problem`.

import { has, language, t } from "./words.js";

/** How long an answer may take, in milliseconds: more than the gateway itself gives it. */
const LONGEST = 20_000;

/** Why a call failed, in words fit for the page (RFC 9457). */
export class Problem extends Error {
  constructor(message, { status, requestId } = {}) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.requestId = requestId;
  }
}

/** Returns the answer to `GET path`. It is asked for as the documents preload it. */
export function get(path) {
  return call(path);
}

/** Returns the answer to `POST path` with a JSON body. */
export function post(path, body) {
  return call(path, withJson("POST", body));
}

/** Returns the answer to `PUT path` with a JSON body. */
export function put(path, body) {
  return call(path, withJson("PUT", body));
}

/** Returns the answer to `DELETE path`, with a JSON body if there is one. */
export function remove(path, body) {
  return call(path, body ? withJson("DELETE", body) : { method: "DELETE" });
}

/** Returns a path with what is asked for; what is empty is left out. */
export function withQuery(path, values) {
  const filled = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(filled).toString();
  return query ? `${path}?${query}` : path;
}

/** Returns the answer to `GET path` as `{ text, headers }`. */
export async function getText(path) {
  const response = await request(path);
  return { text: await read(response, () => response.text()), headers: response.headers };
}

/** Fetches a path; whoever is not signed in any more is sent to sign in, and comes back here. */
async function request(path, options) {
  let response;
  try {
    // What hangs would keep a page from asking again, or a dialog open.
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(LONGEST) });
  } catch {
    throw new Problem(t("api.no_answer"));
  }
  if (response.status === 401) {
    leave();
    // The page is being left: no caller should show anything more.
    return new Promise(() => {});
  }
  if (!response.ok) {
    throw await problem(response);
  }
  return response;
}

let isLeaving = false;

/** Goes to the sign-in page, which leads back here; once, because going again would break off the first. */
function leave() {
  if (!isLeaving) {
    isLeaving = true;
    location.assign(withQuery("/oauth2/sign_in", { rd: location.pathname + location.search }));
  }
}

function withJson(method, body) {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function call(path, options) {
  const response = await request(path, options);
  return read(response, () => response.json());
}

/** Reads a body, which may break off or not be what it should. */
async function read(response, how) {
  try {
    return await how();
  } catch {
    throw new Problem(t("api.not_json", { status: response.status }), facts(response));
  }
}

async function problem(response) {
  let told;
  try {
    told = await response.json();
  } catch {
    told = {};
  }
  const detail = told.detail || told.title || t("api.refused", { status: response.status });
  // The gateway's own sentences are in English.
  const known = `problem.${String(told.type).split("#")[1]}`;
  const message = language !== "en" && has(known) ? `${t(known)} (${detail})` : detail;
  return new Problem(message, facts(response, told.request_id));
}

function facts(response, requestId) {
  return { status: response.status, requestId: requestId || response.headers.get("x-request-id") };
}
