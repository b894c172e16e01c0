// Calls that meet a missing sign-in wait for one, made in a window beside the page, and go out
// again: what the person had typed is still there.
import { BASE, fetch as call, loginUrl, wantsSignIn } from "./cloakroom.js";

// Two front ends of one origin have two sessions.
const DONE = `cloakroom.signed-in ${BASE}`;
let signingIn = null;

/**
 * As `fetch` of cloakroom.js, but the page stays. `ask(start, cancel)` tells the person that a
 * sign-in is needed: call `start` from a click (browsers open windows for clicks alone), or
 * `cancel` to let every waiting call fail with its problem. It is asked once, however many wait;
 * the third thing it is given is the problem that the first of them met.
 */
export function holding(ask) {
  return async (input, init = {}) => {
    const request = new Request(input, init);
    for (;;) {
      try {
        return await call(request.clone(), { signIn: false });
      } catch (problem) {
        if (!wantsSignIn(problem)) throw problem;
        signingIn ??= signIn(problem, ask).finally(() => (signingIn = null));
        await signingIn;
      }
    }
  };
}

function signIn(problem, ask) {
  return new Promise((done, refuse) => {
    const over = (settle) => (value) => {
      stop();
      settle(value);
    };
    const stop = hearSignedIn(over(done));
    const address = loginUrl({ returnTo: `${BASE}bff/signed-in`, url: problem.document.login_url });
    const start = () => window.open(address, DONE, "popup,width=480,height=720");
    ask(start, () => over(refuse)(problem), problem);
  });
}

/** Call `listener` whenever a window beside the page has signed somebody in; returns what stops it. */
export function hearSignedIn(listener) {
  const channel = new BroadcastChannel(DONE);
  channel.addEventListener("message", () => listener());
  return () => channel.close();
}

/** Tell the pages that wait that somebody has signed in; the page `bff/signed-in` does. */
export function tellSignedIn() {
  const channel = new BroadcastChannel(DONE);
  channel.postMessage(null);
  channel.close();
}
