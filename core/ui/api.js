// Calls this origin's own API and turns every failure into a `Problem`.

/** Why a call failed, in words fit for the page (RFC 9457). */
export class Problem extends Error {
  constructor(message, requestId) {
    super(message);
    this.name = "Problem";
    this.requestId = requestId;
  }
}

/** Returns the answer to `GET path`. */
export function get(path) {
  return call(path, {});
}

/** Returns the answer to `POST path` with a JSON body. */
export function post(path, body) {
  return call(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function call(path, options) {
  const headers = { accept: "application/json, application/problem+json", ...options.headers };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch {
    throw new Problem("The gateway did not answer. Check your connection and try again.");
  }
  if (response.status === 401) {
    location.assign("/");
    // The page is being left: no caller should show anything more.
    return new Promise(() => {});
  }
  return readAnswer(response);
}

async function readAnswer(response) {
  const requestId = response.headers.get("x-request-id");
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Problem(`The gateway sent an answer that is not JSON (status ${response.status}).`, requestId);
  }
  if (!response.ok) {
    const message = answer.detail || answer.title || `The gateway refused (status ${response.status}).`;
    throw new Problem(message, answer.request_id || requestId);
  }
  return answer;
}
