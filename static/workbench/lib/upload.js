// One file on its way up, in pieces: it can be paused, lost and found again. No page, no globals.

const FIRST_PIECE_BYTES = 512 * 1024;
const QUICK_MS = 800;
const ATTEMPTS = 6;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * `wire` does the talking:
 *   `create()` → `{ id, offset, chunk_bytes }`; `offset(id)` → bytes the server holds;
 *   `send(id, offset, blob, signal)` → `{ offset, file? }`; `discard(id)`.
 * `memory` keeps the id for the case that the page goes: `get()`, `set(id)`, `forget()`.
 */
export class Upload {
  #wire;
  #memory;
  #wait;
  #now;
  #listeners = new Set();
  #leaving = null;
  #id = null;
  #most = Infinity;
  #piece = FIRST_PIECE_BYTES;

  constructor(file, wire, memory, { wait = pause, now = () => performance.now() } = {}) {
    this.file = file;
    this.state = "waiting"; // waiting, sending, paused, failed, done, discarded
    this.sent = 0;
    this.problem = null;
    this.made = null;
    this.#wire = wire;
    this.#memory = memory;
    this.#wait = wait;
    this.#now = now;
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
    if (this.state === "sending" || this.state === "done") return;
    this.#leaving = new AbortController();
    this.#change("sending", { problem: null });
    const { signal } = this.#leaving;
    try {
      await this.#find();
      await this.#sendAll(signal);
    } catch (problem) {
      if (signal.aborted) return; // paused or discarded, and said so
      this.#change("failed", { problem });
    }
  }

  pause() {
    if (this.state !== "sending") return;
    this.#change("paused");
    this.#leaving.abort();
  }

  async discard() {
    this.#leaving?.abort();
    this.#memory.forget();
    this.#change("discarded");
    if (this.#id) await this.#wire.discard(this.#id).catch(() => {}); // it lapses by itself
  }

  /** Find out how far we are: from this page, from an earlier one, or from the start. */
  async #find() {
    const known = this.#id ?? this.#memory.get();
    const offset = known ? await this.#offsetOf(known) : null;
    if (offset !== null) {
      this.#id = known;
      this.sent = offset;
      return;
    }
    const begun = await this.#wire.create();
    this.#id = begun.id;
    this.#most = begun.chunk_bytes ?? Infinity;
    this.sent = begun.offset ?? 0;
    this.#memory.set(this.#id);
  }

  async #offsetOf(id) {
    try {
      return await this.#wire.offset(id);
    } catch (problem) {
      if (problem.status === 404 || problem.status === 410) return null;
      throw problem;
    }
  }

  async #sendAll(signal) {
    let failures = 0;
    do {
      const end = Math.min(this.sent + Math.min(this.#piece, this.#most), this.file.size);
      const began = this.#now();
      try {
        const answer = await this.#wire.send(this.#id, this.sent, this.file.slice(this.sent, end), signal);
        failures = 0;
        this.made = answer.file ?? this.made;
        this.#change("sending", { sent: answer.offset ?? end });
        // Large pieces where the line is quick, small ones where progress would look stuck.
        this.#piece *= this.#now() - began < QUICK_MS ? 2 : 0.5;
        this.#piece = Math.max(this.#piece, FIRST_PIECE_BYTES);
      } catch (problem) {
        if (signal.aborted) throw problem;
        const passing = problem.status === 0 || problem.status >= 502 || problem.status === 409;
        if (!passing || (failures += 1) === ATTEMPTS) throw problem;
        if (problem.status !== 409) await this.#wait(500 * 2 ** failures);
        if (signal.aborted) throw problem;
        this.#change("sending", { sent: await this.#wire.offset(this.#id) });
        if (this.sent === this.file.size && this.made === null) this.made = {};
      }
    } while (this.sent < this.file.size);
    this.#memory.forget();
    this.#change("done");
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
