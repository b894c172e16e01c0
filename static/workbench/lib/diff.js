// Differences of two texts by line, and three-way merging. Pure; Myers 1986.

const STEPS_MAX = 4000;

export const linesOf = (text) => (text === "" ? [] : text.split("\n"));

/**
 * What turns `before` into `after`, as runs `{ kind: "same" | "removed" | "added", lines }`.
 * Texts that have next to nothing in common are one removal and one addition.
 */
export function diffLines(before, after) {
  const [a, b] = [linesOf(before), linesOf(after)];
  const runs = [];
  const push = (kind, lines) => {
    if (lines.length === 0) return;
    if (runs.at(-1)?.kind === kind) runs.at(-1).lines.push(...lines);
    else runs.push({ kind, lines: [...lines] });
  };
  let [atA, atB] = [0, 0];
  for (const [i, j] of [...matches(a, b), [a.length, b.length]]) {
    push("removed", a.slice(atA, i));
    push("added", b.slice(atB, j));
    if (i < a.length) push("same", [a[i]]);
    [atA, atB] = [i + 1, j + 1];
  }
  return runs;
}

/** Pairs of indices of the lines that both have, in order: a longest common subsequence. */
export function matches(a, b) {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const found = middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [
    ...Array.from({ length: head }, (_, i) => [i, i]),
    ...found.map(([i, j]) => [i + head, j + head]),
    ...Array.from({ length: tail }, (_, i) => [a.length - tail + i, b.length - tail + i]),
  ];
}

function middle(a, b) {
  const [n, m] = [a.length, b.length];
  if (n === 0 || m === 0) return [];
  const furthest = new Map([[1, 0]]);
  const trace = [];
  for (let d = 0; d <= Math.min(n + m, STEPS_MAX); d += 1) {
    trace.push(new Map(furthest));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
      let x = down ? furthest.get(k + 1) : furthest.get(k - 1) + 1;
      while (x < n && x - k < m && a[x] === b[x - k]) x += 1;
      furthest.set(k, x);
      if (x >= n && x - k >= m) return walkBack(trace, n, m);
    }
  }
  return []; // too different to be worth the time
}

function walkBack(trace, n, m) {
  const found = [];
  let [x, y] = [n, m];
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const furthest = trace[d];
    const k = x - y;
    const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
    const before = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : furthest.get(before);
    const fromY = d === 0 ? 0 : fromX - before;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      [x, y] = [x - 1, y - 1];
      found.push([x, y]);
    }
    [x, y] = [fromX, fromY];
  }
  return found.reverse();
}

/**
 * Join two changes of one text. Returns parts in order:
 * `{ kind: "same" | "mine" | "theirs" | "both", lines }` (changed by nobody, by one, by both alike)
 * and `{ kind: "conflict", base, mine, theirs }`, where somebody has to choose.
 */
export function merge3(base, mine, theirs) {
  const [o, a, b] = [base, mine, theirs].map(linesOf);
  const inMine = new Map(matches(o, a));
  const inTheirs = new Map(matches(o, b));
  const parts = [];
  let [atO, atA, atB] = [0, 0, 0];
  const settle = (toO, toA, toB) => {
    const part = changed(o.slice(atO, toO), a.slice(atA, toA), b.slice(atB, toB));
    if (part) parts.push(part);
    [atO, atA, atB] = [toO, toA, toB];
  };
  for (let i = 0; i < o.length; i += 1) {
    const [j, k] = [inMine.get(i), inTheirs.get(i)];
    if (j === undefined || k === undefined) continue;
    settle(i, j, k);
    if (parts.at(-1)?.kind === "same") parts.at(-1).lines.push(o[i]);
    else parts.push({ kind: "same", lines: [o[i]] });
    [atO, atA, atB] = [i + 1, j + 1, k + 1];
  }
  settle(o.length, a.length, b.length);
  return parts;
}

function changed(base, mine, theirs) {
  const [o, a, b] = [base, mine, theirs].map((lines) => lines.join("\n"));
  if (base.length + mine.length + theirs.length === 0) return null;
  if (a === b && mine.length === theirs.length) return { kind: "both", lines: mine };
  if (a === o && mine.length === base.length) return { kind: "theirs", lines: theirs };
  if (b === o && theirs.length === base.length) return { kind: "mine", lines: mine };
  return { kind: "conflict", base, mine, theirs };
}

/** The text of merged `parts`; `choose(part, number)` gives the lines of a conflict. */
export function mergedText(parts, choose) {
  let number = -1;
  return parts
    .flatMap((part) => (part.kind === "conflict" ? choose(part, (number += 1)) : part.lines))
    .join("\n");
}
