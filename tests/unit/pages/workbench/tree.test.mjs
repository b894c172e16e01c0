import assert from "node:assert/strict";
import { test } from "node:test";
import { drop, liesIn, moved, pathTo, rowsOf, step, treeOf } from "../../../../static/workbench/lib/tree.js";

const node = (id, kind, parent = null) => ({ id, kind, name: id, parent });
const NODES = [node("f", "folder"), node("a", "document", "f"), node("g", "folder", "f"), node("b", "document", "g"), node("c", "document"), node("d", "file")];
const tree = treeOf(NODES);
const shown = (nodes, open) => rowsOf(treeOf(nodes), new Set(open)).map((row) => `${row.level}${row.node.id}`).join(" ");

test("folders that are open show what lies in them", () => {
  assert.equal(shown(NODES, []), "1f 1c 1d");
  assert.equal(shown(NODES, ["f", "g"]), "1f 2a 2g 3b 1c 1d");
  const row = rowsOf(tree, new Set(["f"]))[2];
  assert.deepEqual([row.position, row.count, row.isOpen], [2, 2, false]);
});

test("a thing whose folder is not there stands at the top", () => {
  assert.equal(shown([node("x", "document", "gone")], []), "1x");
});

test("paths and containment", () => {
  assert.deepEqual(pathTo(tree, "b").map((one) => one.id), ["f", "g"]);
  assert.ok(liesIn(tree, "b", "f"));
  assert.ok(!liesIn(tree, "c", "f"));
});

test("steps by keyboard lead where they say, or nowhere", () => {
  assert.deepEqual(step(tree, "c", "up"), { parent: null, before: "f" });
  assert.deepEqual(step(tree, "c", "down"), { parent: null, before: null });
  assert.deepEqual(step(tree, "c", "in"), { parent: "f", before: null });
  assert.deepEqual(step(tree, "b", "out"), { parent: "f", before: null });
  assert.deepEqual(step(tree, "a", "out"), { parent: null, before: "c" });
  for (const [id, direction] of [["f", "up"], ["d", "down"], ["f", "out"], ["d", "in"]]) assert.equal(step(tree, id, direction), null);
});

test("nothing is dropped into itself or into what is no folder", () => {
  assert.equal(drop(tree, "f", "b", "before"), null);
  assert.equal(drop(tree, "f", "f", "into"), null);
  assert.equal(drop(tree, "c", "d", "into"), null);
  assert.deepEqual(drop(tree, "d", "g", "into"), { parent: "g", before: null });
  assert.deepEqual(drop(tree, "d", "f", "after"), { parent: null, before: "c" });
  assert.deepEqual(drop(tree, "c", "f", "after"), { parent: null, before: "d" });
});

test("the page shows a move before the server has answered", () => {
  assert.equal(shown(moved(NODES, "d", { parent: null, before: "f" }), []), "1d 1f 1c");
  assert.equal(shown(moved(NODES, "c", { parent: "g", before: "b" }), ["f", "g"]), "1f 2a 2g 3c 3b 1d");
});
