import assert from "node:assert/strict";
import { test } from "node:test";
import { draftsIn } from "../../../../static/workbench/lib/drafts.js";
import { eventReader, follow } from "../../../../static/workbench/lib/live.js";
import { markdown, safeHref } from "../../../../static/workbench/lib/markdown.js";
import { match } from "../../../../static/workbench/lib/router.js";
import { ago, byDay, dayName, size, weekAfter, weekDays, weekOf } from "../../../../static/workbench/lib/time.js";

const h = (tag, props, ...children) => ({ tag, ...props, children: children.flat(Infinity).filter((one) => one !== null) });
const tags = (vnode) => (typeof vnode === "string" ? [] : [vnode.tag, ...vnode.children.flatMap(tags)]);
const textOf = (vnode) => (typeof vnode === "string" ? vnode : vnode.children.map(textOf).join(""));
const drawn = (source) => markdown(source, h).filter(Boolean);

test("headings go on where the page's own end, and none is left out", () => {
  const levels = (source, level) => markdown(source, h, level).filter(Boolean).flatMap(tags).filter((tag) => /^h\d/.test(tag)).join();
  assert.equal(levels("# A\n\n## B\n\n# C", 2), "h2,h3,h2");
  assert.equal(levels("## A\n\n### B", 2), "h2,h3");
  assert.equal(levels("### A\n\n###### B", 4), "h4,h6");
});

test("markdown is drawn, below the page's own heading", () => {
  const source = "# A\n\n- [x] done\n- *b*\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n```js\nx < 1 && y\n```\n\n> q\n\n1. one";
  const found = drawn(source).flatMap(tags);
  for (const tag of ["h2", "ul", "input", "em", "table", "th", "pre", "code", "blockquote", "ol"]) assert.ok(found.includes(tag), tag);
  assert.ok(!found.includes("h1"));
});

test("nothing in a document becomes an element of ours that it should not", () => {
  const attack = '<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> a <b onclick="x">b</b>\n\n<style>*{}</style>\n\n![x](https://evil.example/p.png)';
  const vnodes = drawn(attack);
  const found = vnodes.flatMap(tags);
  for (const tag of ["script", "img", "style", "b", "iframe"]) assert.ok(!found.includes(tag), tag);
  assert.ok(vnodes.map(textOf).join("").includes("<script>alert(1)</script>"), "it is shown as the text it is");
  assert.ok(!JSON.stringify(vnodes).includes("dangerously"));
});

test("text that is in itself without end is shown, and nothing breaks", () => {
  for (const source of [">".repeat(8000), "> ".repeat(4000) + "x", "- ".repeat(300) + "x"]) {
    const vnodes = drawn(source);
    const depth = (vnode) => (typeof vnode === "string" ? 0 : 1 + Math.max(0, ...vnode.children.map(depth)));
    assert.ok(vnodes.length > 0);
    assert.ok(Math.max(...vnodes.map(depth)) < 60, source.slice(0, 4));
  }
});

test("links lead only where links may lead", () => {
  for (const href of ["javascript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example", "/\\evil.example", "file:///etc", "java\nscript:x"]) assert.equal(safeHref(href), null, href);
  for (const href of ["https://a.example", "mailto:a@b.example", "/projects/p_1", "#top"]) assert.equal(safeHref(href), href);
  const [paragraph] = drawn("[a](javascript:alert(1)) [b](https://b.example)");
  assert.deepEqual(paragraph.children.filter((one) => one.tag === "a").map((one) => [one.href, one.rel]), [["https://b.example", "noopener noreferrer nofollow"]]);
});

test("entities and mentions are text", () => {
  const [paragraph] = drawn("a < b & c, \"d\" &copy @ada, mail@host.example `@x`");
  assert.ok(textOf(paragraph).startsWith('a < b & c, "d"'));
  assert.deepEqual(paragraph.children.filter((one) => one.class === "mention").map(textOf), ["@ada"]);
});

test("addresses find their pages", () => {
  const routes = [{ path: "/" }, { path: "/projects/:project" }, { path: "/projects/:project/:kind/:node" }];
  assert.deepEqual(match(routes, "/projects/p_1/").params, { project: "p_1" });
  assert.deepEqual(match(routes, "/projects/p_1/files/%E7%94%B5").params.node, "电");
  assert.equal(match(routes, "/projects/%zz"), null);
  assert.equal(match(routes, "/nowhere"), null);
  assert.equal(match(routes, "/").route.path, "/");
});

test("moments are said as people say them", () => {
  const now = Date.UTC(2026, 10, 22, 12);
  const before = (seconds) => new Date(now - 1000 * seconds).toISOString();
  assert.equal(ago(before(10), now), "just now");
  assert.equal(ago(before(50), now, "en"), "1 minute ago");
  assert.equal(ago(before(7200), now, "en"), "2 hours ago");
  assert.equal(ago(before(86_400), now, "en"), "yesterday");
  assert.match(ago(before(86_400 * 400), now, "en"), /2025/);
  assert.equal(dayName(before(0), now), "Today");
  assert.deepEqual(byDay([{ at: before(0) }, { at: before(60) }, { at: before(90_000) }]).map((day) => day.items.length), [2, 1]);
  assert.equal(size(48_318_022, "en"), "48.3 MB");
  assert.equal(size(999, "en"), "999 byte");
});

test("weeks are those of ISO 8601", () => {
  assert.equal(weekOf(new Date(2026, 10, 22)), "2026-W47");
  assert.equal(weekOf(new Date(2027, 0, 1)), "2026-W53");
  assert.equal(weekOf(new Date(2024, 11, 30)), "2025-W01");
  assert.deepEqual(weekDays("2026-W47").map((day) => day.toISOString().slice(0, 10)), ["2026-11-16", "2026-11-22"]);
  assert.equal(weekAfter("2026-W53", 1), "2027-W01");
  assert.equal(weekAfter("2026-W01", -1), "2025-W52");
});

test("events are read whole, however they are cut", () => {
  const text = "retry: 1\n\nid: 7\r\nevent: feed\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n: still here\n\nevent: inbox\ndata: x\n\n";
  for (const step of [1, 3, 1000]) {
    const read = eventReader();
    const events = [];
    for (let at = 0; at < text.length; at += step) events.push(...read(text.slice(at, at + step)));
    assert.deepEqual(events, [{ type: "feed", data: '{"a":\n1}', id: "7" }, { type: "inbox", data: "x", id: "7" }]);
  }
});

test("a stream that breaks goes on after the last event, and says that there was a gap", async () => {
  const leaving = new AbortController();
  const asked = [];
  const heard = [];
  const streams = ["id: 1\nevent: feed\ndata: {\"n\":1}\n\n", "id: 2\nevent: feed\ndata: {\"n\":2}\n\n"];
  const open = async (lastId) => {
    asked.push(lastId);
    return new Response(streams.shift());
  };
  const listener = (event) => {
    heard.push(event.type + (event.data?.n ?? ""));
    if (event.data?.n === 2) leaving.abort();
  };
  await follow(open, listener, leaving.signal, async () => {});
  assert.deepEqual(asked, [null, "1"]);
  assert.deepEqual(heard, ["gap", "feed1", "feed2"]);
});

test("who is signed out hears no more", async () => {
  let asked = 0;
  const open = async () => {
    asked += 1;
    throw Object.assign(new Error("no"), { status: 401 });
  };
  await follow(open, assert.fail, new AbortController().signal, async () => {});
  assert.equal(asked, 1);
});

test("drafts are kept, lapse, and are forgotten at the sign-out", () => {
  const kept = new Map();
  const storage = new Proxy({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) }, { ownKeys: () => [...kept.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) });
  let now = 1000;
  const drafts = draftsIn(storage, { now: () => now });
  drafts.keep("document.n_1", "text", { etag: '"v1"' });
  assert.equal(drafts.find("document.n_1").text, "text");
  now += 31 * 86_400_000;
  assert.equal(drafts.find("document.n_1"), null);
  drafts.keep("a", "b");
  kept.set("language", "of somebody else");
  drafts.clear();
  assert.deepEqual([...kept.keys()], ["language"]);
});

test("a draft that finds no room is the newest all the same, and one's own alone", () => {
  const kept = new Map();
  let room = true;
  const storage = { getItem: (key) => kept.get(key) ?? null, removeItem: (key) => kept.delete(key) };
  storage.setItem = (key, value) => {
    if (!room) throw new Error("QuotaExceededError");
    kept.set(key, value);
  };
  const ada = draftsIn(storage, { owner: "ada" });
  ada.keep("document.n_1", "first");
  room = false;
  ada.keep("document.n_1", "second");
  assert.equal(ada.find("document.n_1").text, "second");
  room = true;
  ada.keep("document.n_1", "third");
  assert.equal(draftsIn(storage, { owner: "ada" }).find("document.n_1").text, "third");
  const bo = draftsIn(storage, { owner: "bo" });
  assert.equal(bo.find("document.n_1"), null, "whoever comes to the browser next reads nothing");
});

test("drafts live as long as the page where there is no storage", () => {
  const drafts = draftsIn({ getItem: () => { throw new Error("private"); }, setItem: () => { throw new Error("private"); } });
  drafts.keep("a", "b");
  assert.equal(drafts.find("a").text, "b");
});
