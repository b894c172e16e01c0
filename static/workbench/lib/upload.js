// One file on its way up, in pieces: it can be paused, lost and found again. No page, no globals.

const ATTEMPTS = 6;
const PASSING = [0, 401, 409, 502, 503, 504];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * `wire` does the talking; each answer is an upload `{ id, offset, chunk_bytes, file }` as the
 * server has it, where every piece but the last is `chunk_bytes` long:
 *   `create()`; `find(id)`; `send(id, offset, blob, signal, tell)`, which may `tell` how many bytes
 *   of the piece are out; `discard(id)`.
 * `memory` keeps the id for the case that the page goes: `get()`, `set(id)`, `forget()`.
 */
export class Upload {
  #wire;
  #memory;
  #wait;
  #listeners = new Set();
  #leaving = null;
  #id = null;
  #piece = Infinity;

  constructor(file, wire, memory, { wait = pause } = {}) {
    this.file = file;
    this.state = "waiting"; // waiting, sending, paused, failed, done, discarded
    this.sent = 0;
    this.problem = null;
    this.made = null;
    this.#wire = wire;
    this.#memory = memory;
    this.#wait = wait;
  }

  /** Call `listener` at each change; returns what stops it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #change(state, more = {}) {
    Object.assign(this, { state, ...more });
    for (const listener of this.#listeners) listener(this);
  }

  /** Begin, or go on where it stopped; resolves when it is done, paused or has failed. */
  async start() {
    if (["sending", "done", "discarded"].includes(this.state)) return;
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.#change("sending", { problem: null });
    try {
      await this.#begin();
      await this.#sendAll(signal);
    } catch (problem) {
      if (signal.aborted) return; // paused or discarded, and said so
      this.#change("failed", { problem });
    }
  }

  pause() {
    if (this.state !== "sending") return;
    this.#leaving.abort();
    this.#change("paused");
  }

  async discard() {
    this.#leaving?.abort();
    this.#memory.forget();
    this.#change("discarded");
    if (this.#id) await this.#wire.discard(this.#id).catch(() => {}); // it lapses by itself
  }

  /** Find out how far we are: from this page, from an earlier one, or from the start. */
  async #begin() {
    const known = this.#id ?? this.#memory.get();
    const there = known ? await this.#known(known) : null;
    this.#note(there ?? (await this.#wire.create()));
    this.#memory.set(this.#id);
  }

  #note({ id, offset, chunk_bytes: piece, file }) {
    this.#id = id;
    this.#piece = piece ?? this.#piece;
    this.made = file ?? this.made;
    this.#change(this.state, { sent: offset });
  }

  async #known(id) {
    try {
      return await this.#wire.find(id);
    } catch (problem) {
      if (problem.status === 404 || problem.status === 410) return null;
      throw problem;
    }
  }

  async #sendAll(signal) {
    for (let failures = 0; this.made === null && !signal.aborted; ) {
      const from = this.sent;
      const piece = this.file.slice(from, from + this.#piece);
      const tell = (bytes) => signal.aborted || this.#change("sending", { sent: from + Math.min(bytes, piece.size) });
      try {
        this.#note(await this.#wire.send(this.#id, from, piece, signal, tell));
        failures = 0;
      } catch (problem) {
        failures += 1;
        if (signal.aborted || !PASSING.includes(problem.status) || failures === ATTEMPTS) {
          this.sent = from;
          throw problem;
        }
        if (problem.status !== 409) await this.#wait(500 * 2 ** failures);
        if (!signal.aborted) this.#note(await this.#wire.find(this.#id));
      }
    }
    if (signal.aborted) return;
    this.#memory.forget();
    this.#change("done", { sent: this.file.size });
  }
}

/** Where an unfinished upload is remembered: by place, name, size and age of the file. */
export function memoryOf(storage, project, file) {
  const name = `workbench.upload.${project}.${file.name}.${file.size}.${file.lastModified}`;
  const quietly = (deed) => {
    try {
      return deed();
    } catch {
      return null; // no storage: the upload begins anew after a reload
    }
  };
  return {
    get: () => quietly(() => storage.getItem(name)),
    set: (id) => quietly(() => storage.setItem(name, id)),
    forget: () => quietly(() => storage.removeItem(name)),
  };
}
