import assert from "node:assert/strict";
import { test } from "node:test";
import { LoginRequired, Problem, Unavailable } from "../../../../static/bff/cloakroom.js";
import { apiOver, fieldErrors, mayAskAgain, pauseMs, tagOf, wishes, withQuery } from "../../../../static/workbench/lib/api.js";

const answer = (body, headers = {}) => new Response(JSON.stringify(body), { headers });
const unavailable = (status = 503, retryAfterS = null) => new Unavailable({ code: "x" }, status, retryAfterS);
const waits = () => {
  const waited = [];
  return { waited, wait: async (ms) => void waited.push(ms) };
};

test("an outage is waited for as long as it says, and told of", async () => {
  const { waited, wait } = waits();
  const told = [];
  const said = [unavailable(503, 2), unavailable(503), answer({ a: 1 })];
  const send = async () => {
    const next = said.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  const api = apiOver(send, { wait, onWaiting: (late) => told.push(late) });
  assert.deepEqual(await api.get("/x"), { a: 1 });
  assert.deepEqual(waited, [2000, 1000]);
  assert.deepEqual(told, [true, true, false]);
});

test("a call that may have been done is not made again", async () => {
  const lost = new Unavailable({ code: "network_failed" }, 0, null);
  assert.equal(mayAskAgain(lost, { method: "POST", headers: {} }), false);
  assert.equal(mayAskAgain(lost, { method: "PATCH", headers: { "If-Match": '"v1"' } }), false);
  assert.equal(mayAskAgain(lost, { method: "POST", headers: { "Idempotency-Key": "k" } }), true);
  assert.equal(mayAskAgain(lost, { method: "GET" }), true);
  assert.equal(mayAskAgain(unavailable(503), { method: "PATCH", headers: {} }), true);
});

test("a refusal is never asked again", async () => {
  for (const problem of [new Problem({ code: "forbidden_deed" }, 403, null), new LoginRequired({}, 401, null)]) {
    let calls = 0;
    const api = apiOver(async () => {
      calls += 1;
      throw problem;
    });
    await assert.rejects(api.get("/x"), problem);
    assert.equal(calls, 1);
  }
});

test("an outage without an end is told in the end", async () => {
  const { waited, wait } = waits();
  const told = [];
  const api = apiOver(async () => Promise.reject(unavailable()), { wait, onWaiting: (late) => told.push(late) });
  await assert.rejects(api.get("/x"), Unavailable);
  assert.equal(waited.length, 3);
  assert.equal(told.at(-1), false);
  assert.equal(pauseMs(unavailable(503, 600), 1), 8000);
});

test("versions, bodies and keys go where they belong", async () => {
  let sent;
  const api = apiOver(async (path, init) => {
    sent = { path, ...init };
    return answer({ id: 1 }, { ETag: '"v2"' });
  });
  const changed = await api.patch("/things/1", { name: "n" }, { etag: '"v1"' });
  assert.equal(changed.etag, '"v2"');
  assert.equal(sent.headers["If-Match"], '"v1"');
  assert.equal(sent.headers["Content-Type"], "application/json");
  assert.equal(sent.body, '{"name":"n"}');
  assert.ok(sent.path.endsWith("api/things/1"));
  await api.get("/things", { q: "电费", after: null, kind: "" });
  assert.ok(sent.path.endsWith(`/things?q=${encodeURIComponent("电费")}`));
  assert.equal(withQuery("/things", { limit: 3 }), "/things?limit=3");
});

test("one wish has one key until it came true, however often it is sent", async () => {
  const keys = [];
  let fails = true;
  let number = 0;
  const make = wishes(() => `k${(number += 1)}`);
  const post = async (path, body, { key }) => {
    keys.push(key);
    if (fails) throw unavailable();
    return { ok: true };
  };
  await assert.rejects(make(post, "/a", { n: 1 }));
  await assert.rejects(make(post, "/a", { n: 2 }));
  fails = false;
  await make(post, "/a", { n: 1 });
  await make(post, "/a", { n: 1 });
  assert.deepEqual(keys, ["k1", "k2", "k1", "k3"]);
});

test("what is wrong with fields is found by their names", () => {
  const problem = new Problem({ errors: [{ field: "name", code: "taken", message: "…" }] }, 422, null);
  assert.equal(fieldErrors(problem).name.code, "taken");
  assert.deepEqual(fieldErrors(new Problem({}, 422, null)), {});
  assert.equal(tagOf({ version: 3 }), '"v3"');
  assert.equal(tagOf({}), "*");
});
