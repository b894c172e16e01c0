// A project's tree as data: what is shown in which order, and where a move leads. Pure.
// Nodes are `{ id, kind, name, parent }` in their order; `parent` is null at the top.

/** The children of each parent, in order, and each node by its id. */
export function treeOf(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const children = new Map([[null, []]]);
  for (const node of nodes) {
    const parent = byId.has(node.parent) ? node.parent : null;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(node);
  }
  return { byId, children };
}

const under = (tree, parent) => tree.children.get(parent) ?? [];
const parentOf = (tree, node) => (tree.byId.has(node.parent) ? node.parent : null);

/** The rows to show, folders in `open` unfolded; each with what assistive technology is told. */
export function rowsOf(tree, open, parent = null, level = 1) {
  return under(tree, parent).flatMap((node, index, siblings) => {
    const isFolder = node.kind === "folder";
    const row = { node, level, isFolder, isOpen: isFolder && open.has(node.id), position: index + 1, count: siblings.length };
    return row.isOpen ? [row, ...rowsOf(tree, open, node.id, level + 1)] : [row];
  });
}

/** The folders that a node lies in, outermost first. */
export function pathTo(tree, id) {
  const path = [];
  for (let node = tree.byId.get(id); node; node = tree.byId.get(node.parent)) path.unshift(node);
  return path.slice(0, -1);
}

/** Whether `id` is `folder` itself or lies in it. */
export function liesIn(tree, id, folder) {
  return id === folder || pathTo(tree, id).some((node) => node.id === folder);
}

/** Where a step by keyboard leads: `{ parent, before }`, or null where it leads nowhere. */
export function step(tree, id, direction) {
  const node = tree.byId.get(id);
  const parent = parentOf(tree, node);
  const siblings = under(tree, parent);
  const at = siblings.indexOf(node);
  const next = (index) => siblings[index]?.id ?? null;
  if (direction === "up") return at > 0 ? { parent, before: next(at - 1) } : null;
  if (direction === "down") return at < siblings.length - 1 ? { parent, before: next(at + 2) } : null;
  if (direction === "in") {
    const folder = siblings[at - 1];
    return folder?.kind === "folder" ? { parent: folder.id, before: null } : null;
  }
  if (parent === null) return null;
  const grandparent = parentOf(tree, tree.byId.get(parent));
  const uncles = under(tree, grandparent);
  return { parent: grandparent, before: uncles[uncles.findIndex((one) => one.id === parent) + 1]?.id ?? null };
}

/** Where dropping `id` `zone` (before, into, after) of `target` leads, or null. */
export function drop(tree, id, target, zone) {
  const onto = tree.byId.get(target);
  if (!onto || liesIn(tree, target, id)) return null;
  if (zone === "into") return onto.kind === "folder" ? { parent: target, before: null } : null;
  const parent = parentOf(tree, onto);
  if (zone === "before") return { parent, before: target };
  const siblings = under(tree, parent).filter((one) => one.id !== id);
  return { parent, before: siblings[siblings.indexOf(onto) + 1]?.id ?? null };
}

/** `nodes` as they are after the move, so that the page need not wait for the answer. */
export function moved(nodes, id, { parent, before }) {
  const node = { ...nodes.find((one) => one.id === id), parent };
  const rest = nodes.filter((one) => one.id !== id);
  const at = before === null ? rest.length : rest.findIndex((one) => one.id === before);
  return [...rest.slice(0, at), node, ...rest.slice(at)];
}
