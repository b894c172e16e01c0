// The page's side of the door: who is signed in, calls that carry the ticket, signing in and out.
// No token ever reaches a script; the browser adds the ticket by itself. Types: cloakroom.d.ts.

/** Where this front end begins. */
export const BASE = new URL("../../", import.meta.url).pathname;
const LOOP_KEY = `cloakroom.tried${BASE}`;
const LOOP_MS = 20_000;
let leaving = false;
globalThis.addEventListener?.("pageshow", () => (leaving = false)); // back again, out of the browser's memory

/** An answer that says no. `code` is stable, `requestId` is what a person can quote. */
export class Problem extends Error {
  constructor(document, status, retryAfterS) {
    super(document.title ?? `HTTP ${status}`);
    this.name = new.target.name;
    this.code = document.code ?? "unknown";
    this.status = status;
    this.requestId = document.request_id ?? null;
    this.detail = document.detail ?? null;
    this.retryAfterS = retryAfterS;
    this.document = document;
  }
}

/** Nobody is signed in, and sending the visitor to sign in was not wanted or did not help. */
export class LoginRequired extends Problem {}

/** Signed in, but a service wants a stronger or fresher sign-in first. */
export class StepUpRequired extends Problem {}

/** No answer just now; nothing is lost. `status` is 0 when the network itself failed. */
export class Unavailable extends Problem {}

/** The person who is signed in, or null. */
export async function user() {
  try {
    return await (await call(`${BASE}bff/user`, { signIn: false })).json();
  } catch (problem) {
    if (problem instanceof LoginRequired) return null;
    throw problem;
  }
}

/**
 * As `window.fetch`, for our own origin: resolves with a good answer, throws a `Problem` else.
 * Without a session, or with too weak a one, the visitor is sent to sign in and comes back;
 * `signIn: false` throws.
 */
async function call(input, { signIn = true, ...init } = {}) {
  const request = new Request(input, { ...init, credentials: "same-origin" });
  if (new URL(request.url).origin !== location.origin) {
    throw new TypeError("cloakroom.fetch goes to this page's own origin only");
  }
  request.headers.set("X-CSRF", "1");
  if (!request.headers.has("Accept")) request.headers.set("Accept", "application/json");
  let response;
  try {
    response = await window.fetch(request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unavailable({ code: "network_failed", title: error.message }, 0, null);
  }
  const asked = `${request.method} ${new URL(request.url).pathname}`;
  if (response.ok) {
    forgetAttempts(asked);
    return response;
  }
  const problem = await problemOf(response);
  if (!signIn || !wantsSignIn(problem)) throw problem;
  if (!leaving) {
    if (!rememberAttempt(problem.document.login_url ?? "", asked)) throw problem;
    leaving = true;
    login({ url: problem.document.login_url });
  }
  return new Promise(() => {}); // the page is leaving: one sign-in, however many calls wanted it
}
export { call as fetch };

/** Send the visitor to sign in, in this page's language, and back to `returnTo`, a local path. */
export function login(wanted) {
  location.assign(loginUrl(wanted));
}

/** Where signing in begins; `url` is the address that a problem gave. */
export function loginUrl({ returnTo = here(), url = `${BASE}bff/login` } = {}) {
  const address = new URL(url, location.href);
  address.searchParams.set("return_to", returnTo);
  const { lang } = document.documentElement;
  if (lang) address.searchParams.set("ui_locales", lang);
  return address.pathname + address.search;
}

/** Whether signing in is what helps against `problem`. */
export function wantsSignIn(problem) {
  return problem instanceof LoginRequired || problem instanceof StepUpRequired;
}

/** Sign out here, then leave for wherever signing out goes on. */
export async function logout() {
  const answer = await call(`${BASE}bff/logout`, { method: "POST", signIn: false }).catch((problem) => {
    if (problem instanceof LoginRequired) return null; // signed out already
    throw problem;
  });
  location.assign((await answer?.json())?.logout_url ?? BASE);
}

async function problemOf(response) {
  const isProblem = (response.headers.get("Content-Type") ?? "").includes("json");
  const document = (isProblem && (await response.json().catch(() => null))) || {};
  const retryAfterS = Number(response.headers.get("Retry-After")) || null;
  const Kind =
    document.code === "login_required" ? LoginRequired
    : document.code === "step_up_required" ? StepUpRequired
    : [502, 503, 504].includes(response.status) ? Unavailable
    : Problem;
  return new Kind(document, response.status, retryAfterS);
}

const here = () => location.pathname + location.search + location.hash;

// A browser that keeps no ticket would be sent to sign in for ever. Once within LOOP_MS is enough, to
// each sign-in, until the very call that wanted it is answered well: others may need no ticket at all.
function rememberAttempt(signIn, asked) {
  try {
    const tried = attempts();
    if (Date.now() - tried[signIn]?.at < LOOP_MS) return false;
    keepAttempts({ ...tried, [signIn]: { at: Date.now(), asked } });
    return true;
  } catch {
    return false; // no storage, no memory of attempts, no automatic attempt
  }
}

function forgetAttempts(asked) {
  try {
    const tried = Object.entries(attempts());
    const left = tried.filter(([, attempt]) => attempt.asked !== asked);
    if (left.length < tried.length) keepAttempts(Object.fromEntries(left));
  } catch {
    // nothing was remembered
  }
}

const attempts = () => JSON.parse(sessionStorage.getItem(LOOP_KEY)) ?? {};
const keepAttempts = (tried) => sessionStorage.setItem(LOOP_KEY, JSON.stringify(tried));
