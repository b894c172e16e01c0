// What happens to the session, as it happens: one stream for all tabs, told on between them.
import { BASE, LoginRequired, fetch } from "./cloakroom.js";

// Two front ends of one origin have two sessions.
const NAME = `cloakroom.session ${BASE}`;
const AGAIN_MS = 5_000;

/**
 * Tell `listener` each `{ state, … }` of the session until it has ended; returns what stops it.
 * Browsers allow six lines to an origin, so that only the tab that holds the lock keeps one.
 */
export function watch(listener) {
  const channel = new BroadcastChannel(NAME);
  const stopping = new AbortController();
  const { signal } = stopping;
  const stop = () => stopping.abort();
  const hear = (event) => {
    if (signal.aborted) return;
    if (event.state === "ended") stop();
    listener(event);
  };
  const tell = (event) => {
    if (signal.aborted) return;
    channel.postMessage(event);
    hear(event);
  };
  channel.addEventListener("message", ({ data }) => hear(data));
  signal.addEventListener("abort", () => channel.close());
  navigator.locks
    .request(NAME, { signal }, () => follow(tell, signal))
    .catch(() => {}); // stopped while another tab held the line
  return stop;
}

/** Keep a stream open until `signal` says stop. */
function follow(tell, signal) {
  return new Promise((done) => {
    let stream;
    let timer;
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      stream.close();
      done();
    });
    const open = () => {
      stream = new EventSource(`${BASE}bff/events`);
      stream.addEventListener("session", ({ data }) => tell(JSON.parse(data)));
      stream.addEventListener("error", async () => {
        // The browser comes back by itself after a lost line, but not after an answer that says no.
        if (stream.readyState !== EventSource.CLOSED || signal.aborted) return;
        if (await isOver()) tell({ state: "ended" });
        else if (!signal.aborted) timer = setTimeout(open, AGAIN_MS);
      });
    };
    open();
  });
}

/** Whether nobody is signed in any more; an outage is no answer to that. */
const isOver = () =>
  fetch(`${BASE}bff/user?slide=false`, { signIn: false }).then(
    () => false,
    (problem) => problem instanceof LoginRequired,
  );
