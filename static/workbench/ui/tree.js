// A project's tree: one stop of the keyboard, arrows within it, Alt and arrows to move, and drag.
import { t } from "../lib/i18n.js";
import { drop, moved, rowsOf, step, treeOf } from "../lib/tree.js";
import { useApp } from "./context.js";
import { html, useLayoutEffect, useMemo, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { iconOf, kindName } from "./nodes.js";

const STEPS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "out", ArrowRight: "in" };

/** The third of a row that the pointer is in. */
function zoneAt(event, isFolder) {
  const box = event.currentTarget.getBoundingClientRect();
  const part = (event.clientY - box.top) / box.height;
  if (!isFolder) return part < 0.5 ? "before" : "after";
  if (part < 0.25) return "before";
  return part > 0.75 ? "after" : "into";
}

/** `move(id, to, nodes)` shows the new order at once and asks the server for it; null for who only reads. */
export function Tree({ nodes, selected, open, setOpen, choose, move, label }) {
  const { say } = useApp();
  const tree = useMemo(() => treeOf(nodes), [nodes]);
  const rows = rowsOf(tree, open);
  const [walked, setWalked] = useState({ from: selected, to: selected });
  const active = walked.from === selected ? walked.to : selected;
  const [target, setTarget] = useState(null);
  const root = useRef(null);
  const wantsFocus = useRef(false);
  const stop = rows.some((row) => row.node.id === active) ? active : (rows.find((row) => row.node.id === selected) ?? rows[0])?.node.id;
  // Before the next key: after the paint the wish of a second one would be spent on the first row.
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    root.current.querySelector("[tabindex='0']")?.focus();
  });

  const go = (id) => {
    wantsFocus.current = true;
    setWalked({ from: selected, to: id });
  };
  const unfold = (id, yes) => {
    const next = new Set(open);
    if (yes) next.add(id);
    else next.delete(id);
    setOpen(next);
  };
  const bring = (id, to) => {
    if (!to || !move) return;
    if (to.parent) unfold(to.parent, true);
    move(id, to, moved(nodes, id, to));
    say(t("{name} is moved.", { name: tree.byId.get(id).name }));
  };
  const onKeyDown = (event) => {
    const at = rows.findIndex((row) => row.node.id === stop);
    const row = rows[at];
    if (!row) return;
    if (event.altKey && STEPS[event.key]) {
      wantsFocus.current = true;
      bring(row.node.id, step(tree, row.node.id, STEPS[event.key]));
    } else if (event.key === "ArrowDown") go(rows[Math.min(at + 1, rows.length - 1)].node.id);
    else if (event.key === "ArrowUp") go(rows[Math.max(at - 1, 0)].node.id);
    else if (event.key === "Home") go(rows[0].node.id);
    else if (event.key === "End") go(rows.at(-1).node.id);
    else if (event.key === "ArrowRight" && row.isFolder) row.isOpen ? go(rows[at + 1]?.level > row.level ? rows[at + 1].node.id : stop) : unfold(row.node.id, true);
    else if (event.key === "ArrowLeft") row.isOpen ? unfold(row.node.id, false) : row.node.parent && tree.byId.has(row.node.parent) && go(row.node.parent);
    else if (event.key === "Enter" || event.key === " ") press(row);
    else return;
    event.preventDefault();
  };
  const press = (row) => {
    go(row.node.id);
    if (row.isFolder) unfold(row.node.id, !row.isOpen);
    choose(row.node);
  };
  const onDrop = (event) => {
    event.preventDefault();
    const id = event.dataTransfer.getData("text/x-node");
    if (id && target) bring(id, drop(tree, id, target.id, target.zone));
    setTarget(null);
  };
  return html`<div class="tree" role="tree" aria-label=${label} ref=${root} onKeyDown=${onKeyDown} onDrop=${onDrop}
      onDragOver=${(event) => event.preventDefault()} onDragLeave=${(event) => event.currentTarget.contains(event.relatedTarget) || setTarget(null)}>
    ${rows.map((row) => html`<${Row} key=${row.node.id} row=${row} isStop=${row.node.id === stop} isSelected=${row.node.id === selected} moves=${move !== null}
      zone=${target?.id === row.node.id ? target.zone : ""} press=${() => press(row)}
      over=${(event) => setTarget({ id: row.node.id, zone: zoneAt(event, row.isFolder) })} />`)}
  </div>`;
}

function Row({ row, isStop, isSelected, moves, zone, press, over }) {
  const { node, level, isFolder, isOpen } = row;
  const take = (event) => {
    event.dataTransfer.setData("text/x-node", node.id);
    event.dataTransfer.effectAllowed = "move";
  };
  return html`<div role="treeitem" class=${`tree-row level-${Math.min(level, 8)} ${zone && `drop-${zone}`}`} draggable=${moves ? "true" : undefined} tabindex=${isStop ? 0 : -1}
      aria-level=${level} aria-posinset=${row.position} aria-setsize=${row.count} aria-expanded=${isFolder ? String(isOpen) : undefined}
      aria-selected=${isSelected ? "true" : "false"} aria-label=${`${node.name}, ${kindName(node.kind)}`}
      onClick=${press} onDragStart=${take} onDragOver=${over} data-node=${node.id}>
    <span class=${`twist ${isOpen ? "open" : ""}`}>${isFolder && html`<${Icon} name="chevron" />`}</span>
    <${Icon} name=${iconOf(node)} /><span class="tree-name">${node.name}</span>
  </div>`;
}
