// Calls to the workbench's API: JSON both ways, versions, one creation for one wish, patience.
import { BASE, Unavailable } from "../../bff/cloakroom.js";

export const API = `${BASE}api`;
const ATTEMPTS = 4;
const PAUSE_LIMIT_S = 8;

/** How long to wait before attempt number `next` (from 1), in milliseconds. */
export function pauseMs(problem, next) {
  return 1000 * Math.min(problem.retryAfterS ?? 2 ** (next - 1) / 2, PAUSE_LIMIT_S);
}

/** Whether asking again can do no harm: nothing was done, or doing it twice is doing it once. */
export function mayAskAgain(problem, { method = "GET", headers = {} } = {}) {
  if (!(problem instanceof Unavailable)) return false;
  const harmless = ["GET", "HEAD"].includes(method) || "Idempotency-Key" in headers;
  return harmless || problem.status === 503;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * The API over `send` (as `fetch` of cloakroom.js). `onWaiting(bool)` hears when an answer is late
 * because a service does not answer; `wait(ms)` is for tests.
 */
export function apiOver(send, { onWaiting = () => {}, wait = pause } = {}) {
  async function patient(path, init) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await send(API + path, init);
        if (attempt > 1) onWaiting(false);
        return answer;
      } catch (problem) {
        if (attempt === ATTEMPTS || !mayAskAgain(problem, init)) {
          if (attempt > 1) onWaiting(false);
          throw problem;
        }
        onWaiting(true);
        await wait(pauseMs(problem, attempt));
      }
    }
  }

  async function call(method, path, { body, etag, key, headers = {}, signal, query } = {}) {
    const all = { ...headers };
    if (body !== undefined) all["Content-Type"] = "application/json";
    if (etag) all["If-Match"] = etag;
    if (key) all["Idempotency-Key"] = key;
    const init = { method, headers: all, signal };
    if (body !== undefined) init.body = JSON.stringify(body);
    const answer = await patient(withQuery(path, query), init);
    const text = answer.status === 204 ? "" : await answer.text();
    return { data: text ? JSON.parse(text) : null, etag: answer.headers.get("ETag") };
  }
  const dataOf = async (promise) => (await promise).data;

  return {
    /** The answer and its version, for what several people may change. */
    read: (path, options) => call("GET", path, options),
    get: (path, query, signal) => dataOf(call("GET", path, { query, signal })),
    post: (path, body = {}, options = {}) => dataOf(call("POST", path, { body, ...options })),
    patch: (path, body, options = {}) => call("PATCH", path, { body, ...options }),
    put: (path, body, options = {}) => call("PUT", path, { body, ...options }),
    delete: (path, options = {}) => dataOf(call("DELETE", path, options)),
    /** Octets either way; the answer as it is. */
    raw: (path, init = {}) => patient(path, init),
  };
}

/** `path` with those members of `query` that say something. */
export function withQuery(path, query = {}) {
  const said = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(said).toString();
  return text ? `${path}?${text}` : path;
}

/**
 * Idempotency keys: the same wish has the same key until it came true, another wish another one.
 * So neither a double click nor a second try after a lost answer makes a thing twice.
 */
export function wishes(newKey = () => crypto.randomUUID()) {
  const open = new Map();
  return async function make(post, path, body) {
    const wish = path + JSON.stringify(body);
    if (!open.has(wish)) open.set(wish, newKey());
    const made = await post(path, body, { key: open.get(wish) });
    open.delete(wish);
    return made;
  };
}

/** What a problem says of each field: `{ name: { code, message } }`; empty where it says nothing. */
export function fieldErrors(problem) {
  const errors = problem?.document?.errors;
  if (!Array.isArray(errors)) return {};
  return Object.fromEntries(errors.map((error) => [error.field ?? "", error]));
}

/** The tag of a listed thing that tells its version; else whatever there is. */
export const tagOf = (thing) => (thing?.version === undefined ? "*" : `"v${thing.version}"`);
