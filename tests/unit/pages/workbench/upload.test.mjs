import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryOf, Upload } from "../../../../static/workbench/lib/upload.js";

const KIB = 1024;
const file = (bytes) => Object.assign(new Blob([new Uint8Array(bytes).fill(7)]), { name: "a.bin", lastModified: 1 });
const refusal = (status) => Object.assign(new Error("no"), { status });

/** A server of one file, with what goes wrong before each piece. */
function server({ size, faults = [], piece = 512 * KIB }) {
  const held = { bytes: 0, pieces: [], exists: false, discarded: false };
  const told = () => ({ id: "up", offset: held.bytes, chunk_bytes: piece, file: held.bytes === size ? { id: "n_1" } : null });
  return {
    held,
    create: async () => {
      held.exists = true;
      return told();
    },
    find: async () => {
      if (!held.exists) throw refusal(404);
      return told();
    },
    send: async (id, offset, blob, signal, tell) => {
      const fault = faults.shift();
      if (fault?.before) throw refusal(fault.before);
      assert.equal(offset, held.bytes, "pieces follow each other");
      assert.equal(blob.size, Math.min(piece, size - offset), "every piece but the last has the same length");
      tell(blob.size / 2);
      if (!fault?.nothing) {
        held.bytes += blob.size;
        held.pieces.push(blob.size);
      }
      fault?.after?.(signal);
      if (fault?.lost) throw refusal(0);
      return told();
    },
    discard: async () => (held.discarded = true),
  };
}
const memory = () => {
  const kept = { id: null };
  return { kept, get: () => kept.id, set: (id) => (kept.id = id), forget: () => (kept.id = null) };
};
const quick = { wait: async () => {} };

test("a file goes up in pieces of the server's length, and progress is told within each", async () => {
  const wire = server({ size: 1500 * KIB });
  const store = memory();
  const upload = new Upload(file(1500 * KIB), wire, store, quick);
  const seen = [];
  upload.subscribe((one) => seen.push(one.sent / KIB));
  await upload.start();
  assert.equal(upload.state, "done");
  assert.deepEqual(wire.held.pieces, [512, 512, 476].map((n) => n * KIB));
  assert.deepEqual([...new Set(seen)], [0, 256, 512, 768, 1024, 1262, 1500]);
  assert.equal(upload.made.id, "n_1");
  assert.equal(store.kept.id, null);
});

test("an empty file is there as soon as it is announced", async () => {
  const wire = server({ size: 0 });
  const upload = new Upload(file(0), wire, memory(), quick);
  await upload.start();
  assert.deepEqual([upload.state, wire.held.pieces.length], ["done", 0]);
});

test("a lost connection goes on from what the server holds", async () => {
  const wire = server({ size: 1500 * KIB, faults: [null, { nothing: true, lost: true }, { before: 503 }, { lost: true }] });
  const upload = new Upload(file(1500 * KIB), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "done");
  assert.equal(wire.held.bytes, 1500 * KIB);
});

test("the answer to the last piece may be lost", async () => {
  const wire = server({ size: 10, faults: [{ lost: true }] });
  const upload = new Upload(file(10), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "done");
  assert.deepEqual(wire.held.pieces, [10]);
});

test("another tab may have sent a piece, and a sign-in may have ended", async () => {
  const wire = server({ size: 1500 * KIB, faults: [{ before: 409 }, { before: 401 }] });
  const upload = new Upload(file(1500 * KIB), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "done");
});

test("a refusal ends it and says why; starting again goes on", async () => {
  const wire = server({ size: 1500 * KIB, faults: [null, { before: 413 }] });
  const upload = new Upload(file(1500 * KIB), wire, memory(), quick);
  await upload.start();
  assert.deepEqual([upload.state, upload.problem.status, upload.sent], ["failed", 413, 512 * KIB]);
  await upload.start();
  assert.deepEqual([upload.state, upload.problem], ["done", null]);
});

test("an outage without an end is a failure that can be gone on from", async () => {
  const wire = server({ size: 10, faults: Array(6).fill({ before: 503 }) });
  const upload = new Upload(file(10), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "failed");
  await upload.start();
  assert.equal(upload.state, "done");
});

test("a pause keeps what was sent, and going on sends the rest", async () => {
  let upload;
  const wire = server({ size: 4096 * KIB, faults: [null, { nothing: true, lost: true, after: () => upload.pause() }] });
  upload = new Upload(file(4096 * KIB), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "paused");
  await upload.start();
  assert.equal(upload.state, "done");
  assert.equal(wire.held.bytes, 4096 * KIB);
});

test("after a reload the same file goes on where it stopped", async () => {
  const store = memory();
  const wire = server({ size: 1500 * KIB, faults: [null, { before: 422 }] });
  await new Upload(file(1500 * KIB), wire, store, quick).start();
  assert.equal(store.kept.id, "up");
  const again = new Upload(file(1500 * KIB), wire, store, quick);
  await again.start();
  assert.equal(again.state, "done");
  assert.equal(wire.held.pieces.reduce((sum, piece) => sum + piece), 1500 * KIB, "nothing was sent twice");
});

test("an upload that the server has forgotten begins anew", async () => {
  const store = memory();
  store.set("old");
  const upload = new Upload(file(10), server({ size: 10 }), store, quick);
  await upload.start();
  assert.equal(upload.state, "done");
});

test("giving up tells the server and forgets", async () => {
  const store = memory();
  const wire = server({ size: 10, faults: [{ before: 413 }] });
  const upload = new Upload(file(10), wire, store, quick);
  await upload.start();
  await upload.discard();
  assert.ok(wire.held.discarded);
  assert.deepEqual([upload.state, store.kept.id], ["discarded", null]);
});

test("without storage the memory is silent", () => {
  const broken = { getItem: () => { throw new Error("private"); }, setItem: () => { throw new Error("private"); } };
  const kept = memoryOf(broken, "p_1", file(1));
  assert.equal(kept.get(), null);
  kept.set("x");
});
