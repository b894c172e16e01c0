import assert from "node:assert/strict";
import { test } from "node:test";
import { diffLines, linesOf, matches, merge3, mergedText } from "../../../../static/workbench/lib/diff.js";

const joined = (runs, kinds) => runs.filter((run) => kinds.includes(run.kind)).flatMap((run) => run.lines);

// A generator with a seed: the same texts at every run.
function* numbers(seed) {
  for (let n = seed; ; n = (n * 1103515245 + 12345) % 2147483648) yield n;
}
function textOf(source, lines, words = 5) {
  return Array.from({ length: lines }, () => String(source.next().value % words)).join("\n");
}

test("a difference holds both texts whole, whatever they are", () => {
  const source = numbers(7);
  for (let round = 0; round < 200; round += 1) {
    const [a, b] = [textOf(source, round % 13), textOf(source, round % 11)];
    const runs = diffLines(a, b);
    assert.deepEqual(joined(runs, ["same", "removed"]), linesOf(a));
    assert.deepEqual(joined(runs, ["same", "added"]), linesOf(b));
  }
});

test("a difference is as small as it can be", () => {
  const runs = diffLines("a\nb\nc\nd", "a\nx\nc\nd\ne");
  assert.deepEqual(runs.map((run) => [run.kind, run.lines.join()]), [["same", "a"], ["removed", "b"], ["added", "x"], ["same", "c,d"], ["added", "e"]]);
  assert.equal(matches([..."ABCABBA"], [..."CBABAC"]).length, 4);
});

test("texts without a common line are one removal and one addition", () => {
  assert.deepEqual(diffLines("a\nb", "x\ny").map((run) => run.kind), ["removed", "added"]);
});

test("changes in different places are joined without a question", () => {
  const parts = merge3("1\n2\n3\n4", "1\nzwei\n3\n4", "1\n2\n3\nvier");
  assert.ok(parts.every((part) => part.kind !== "conflict"));
  assert.equal(mergedText(parts, () => assert.fail()), "1\nzwei\n3\nvier");
});

test("changes of one place are a question, and each answer is taken", () => {
  const parts = merge3("1\n2\n3", "1\nmine\n3", "1\ntheirs\n3");
  assert.equal(parts.filter((part) => part.kind === "conflict").length, 1);
  assert.equal(mergedText(parts, (part) => part.mine), "1\nmine\n3");
  assert.equal(mergedText(parts, (part) => part.theirs), "1\ntheirs\n3");
});

test("the same change by both is one change", () => {
  const parts = merge3("1\n2", "1\nneu", "1\nneu");
  assert.equal(mergedText(parts, () => assert.fail()), "1\nneu");
});

test("a removal and a change of the same line are a question; a removal alone is none", () => {
  assert.ok(merge3("1\n2\n3", "1\n3", "1\nzwei\n3").some((part) => part.kind === "conflict"));
  assert.equal(mergedText(merge3("1\n2\n3", "1\n3", "1\n2\n3"), () => assert.fail()), "1\n3");
});

test("who changed nothing gets the other's text, to the letter", () => {
  const source = numbers(99);
  for (let round = 0; round < 200; round += 1) {
    const [base, theirs] = [textOf(source, round % 9, 4), textOf(source, round % 7, 4)];
    assert.equal(mergedText(merge3(base, base, theirs), () => assert.fail()), theirs);
    assert.equal(mergedText(merge3(base, theirs, base), () => assert.fail()), theirs);
    assert.equal(mergedText(merge3(base, theirs, theirs), () => assert.fail()), theirs);
  }
});
