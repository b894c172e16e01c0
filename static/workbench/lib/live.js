// Server-sent events through `fetch`, because calls to the API carry a header that `EventSource`
// cannot send; one stream for all tabs, told on between them.

const NAME = "workbench.live";
const AGAIN_MS = [1000, 2000, 5000, 15_000, 30_000];

/** Takes text as it comes; gives whole events `{ type, data, id }`. */
export function eventReader() {
  let rest = "";
  let lastId;
  return (text) => {
    const whole = rest + text;
    const held = whole.endsWith("\r") ? 1 : 0; // its line feed may be on its way
    const blocks = whole.slice(0, whole.length - held).replace(/\r\n?/g, "\n").split("\n\n");
    rest = blocks.pop() + "\r".repeat(held);
    return blocks.map((block) => readBlock(block)).filter((event) => {
      if (event.id !== undefined) lastId = event.id;
      event.id = lastId;
      return event.data !== null;
    });
  };
}

function readBlock(block) {
  const event = { type: "message", data: null };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event.type = value;
    else if (name === "data") event.data = event.data === null ? value : `${event.data}\n${value}`;
    else if (name === "id") event.id = value;
  }
  return event;
}

/**
 * Tell `listener` each `{ type, data }` of `open(lastId, signal)` (a response with a stream), for
 * as long as `signal` allows. `{ type: "gap" }` says that something may have been missed.
 */
export async function follow(open, listener, signal, wait = pauseOf(signal)) {
  let lastId = null;
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const answer = await open(lastId, signal);
      if (failures > 0 || lastId === null) listener({ type: "gap", data: null });
      failures = -1;
      const read = eventReader();
      for await (const text of textOf(answer.body, signal)) {
        for (const event of read(text)) {
          lastId = event.id ?? lastId;
          listener({ type: event.type, data: parsed(event.data) });
        }
      }
    } catch (problem) {
      if (signal.aborted || [401, 403, 404].includes(problem.status)) return;
    }
    await wait(AGAIN_MS[Math.min(Math.max(failures, 0), AGAIN_MS.length - 1)]);
  }
}

async function* textOf(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  signal.addEventListener("abort", () => reader.cancel().catch(() => {}), { once: true });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

const pauseOf = (signal) => (ms) =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

/** As `follow`, but of all tabs only the one that holds the lock keeps a line. */
export function followTogether(open, listener, signal) {
  const channel = new BroadcastChannel(NAME);
  channel.addEventListener("message", ({ data }) => listener(data));
  signal.addEventListener("abort", () => channel.close());
  const tell = (event) => {
    if (signal.aborted) return;
    channel.postMessage(event);
    listener(event);
  };
  navigator.locks.request(NAME, { signal }, () => follow(open, tell, signal)).catch(() => {});
}
