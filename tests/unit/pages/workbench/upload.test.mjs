import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryOf, Upload } from "../../../../static/workbench/lib/upload.js";

const KIB = 1024;
const file = (bytes) => Object.assign(new Blob([new Uint8Array(bytes).fill(7)]), { name: "a.bin", lastModified: 1 });
const refusal = (status) => Object.assign(new Error("no"), { status });

/** A server of one file, with what goes wrong before each piece. */
function server({ faults = [], most = Infinity, known = false } = {}) {
  const held = { bytes: 0, pieces: [], exists: known, discarded: false };
  return {
    held,
    create: async () => {
      held.exists = true;
      return { id: "up", offset: 0, chunk_bytes: most };
    },
    offset: async () => {
      if (!held.exists) throw refusal(404);
      return held.bytes;
    },
    send: async (id, offset, blob, signal) => {
      const fault = faults.shift();
      if (fault?.before) throw refusal(fault.before);
      assert.equal(offset, held.bytes, "pieces follow each other");
      held.bytes += fault?.takes ?? blob.size;
      held.pieces.push(blob.size);
      if (fault?.after) await fault.after(signal);
      if (fault?.lost) throw refusal(0);
      return { offset: held.bytes, file: held.bytes === blob.size + offset ? { id: "f_1" } : undefined };
    },
    discard: async () => (held.discarded = true),
  };
}
const memory = () => {
  const kept = { id: null };
  return { kept, get: () => kept.id, set: (id) => (kept.id = id), forget: () => (kept.id = null) };
};
const quick = { wait: async () => {}, now: () => 0 };

test("a file goes up in pieces that grow with the line, never above what the server takes", async () => {
  const wire = server({ most: 2048 * KIB });
  const store = memory();
  const upload = new Upload(file(8192 * KIB), wire, store, quick);
  const seen = [];
  upload.subscribe((one) => seen.push(one.sent));
  await upload.start();
  assert.equal(upload.state, "done");
  assert.equal(wire.held.bytes, 8192 * KIB);
  assert.deepEqual(wire.held.pieces.slice(0, 4), [512, 1024, 2048, 2048].map((n) => n * KIB));
  assert.ok(seen.length >= 5, "progress was told");
  assert.equal(upload.made.id, "f_1");
  assert.equal(store.kept.id, null);
});

test("an empty file is a file", async () => {
  const wire = server();
  const upload = new Upload(file(0), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "done");
  assert.equal(wire.held.pieces.length, 1);
});

test("a lost connection goes on from what the server holds", async () => {
  const wire = server({ faults: [null, { takes: 100, lost: true }, { before: 503 }] });
  const upload = new Upload(file(1500 * KIB), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "done");
  assert.equal(wire.held.bytes, 1500 * KIB);
});

test("the answer to the last piece may be lost", async () => {
  const wire = server({ faults: [{ lost: true }] });
  const upload = new Upload(file(10), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "done");
  assert.deepEqual(wire.held.pieces, [10]);
});

test("a refusal ends it and says why; starting again goes on", async () => {
  const wire = server({ faults: [null, { before: 413 }] });
  const upload = new Upload(file(1500 * KIB), wire, memory(), quick);
  await upload.start();
  assert.deepEqual([upload.state, upload.problem.status, upload.sent], ["failed", 413, 512 * KIB]);
  await upload.start();
  assert.deepEqual([upload.state, upload.problem], ["done", null]);
});

test("a pause keeps what was sent, and going on sends the rest", async () => {
  let upload;
  const pausing = { after: async (signal) => (upload.pause(), assert.ok(signal.aborted)) };
  const wire = server({ faults: [null, { ...pausing, lost: true }] });
  upload = new Upload(file(4096 * KIB), wire, memory(), quick);
  await upload.start();
  assert.equal(upload.state, "paused");
  await upload.start();
  assert.equal(upload.state, "done");
  assert.equal(wire.held.bytes, 4096 * KIB);
});

test("after a reload the same file goes on where it stopped", async () => {
  const store = memory();
  const wire = server({ faults: [null, { before: 422 }] });
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
  const wire = server();
  const upload = new Upload(file(10), wire, store, quick);
  await upload.start();
  assert.equal(upload.state, "done");
});

test("giving up tells the server and forgets", async () => {
  const store = memory();
  const wire = server({ faults: [{ before: 413 }] });
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
