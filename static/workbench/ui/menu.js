// A button that unfolds a few deeds. Arrow keys move, Escape closes, focus comes back.
import { html, useEffect, useId, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";

const MARGIN_PX = 8;

/** `items` are `{ name, deed, danger, icon }`; falsy ones are left out. */
export function Menu({ label, items, icon = "more", face, children, kind = "plain" }) {
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  const id = useId();
  const shown = items.filter(Boolean);
  useEffect(() => {
    if (!open) return undefined;
    const list = root.current.querySelector("[role=menu]");
    const beyond = MARGIN_PX - list.getBoundingClientRect().left;
    if (beyond > 0) list.style.transform = `translateX(${beyond}px)`; // near the left edge
    list.scrollIntoView({ block: "nearest" });
    list.querySelector("[role=menuitem]")?.focus({ preventScroll: true });
    const away = (event) => root.current?.contains(event.target) || setOpen(false);
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);
  const close = () => {
    setOpen(false);
    root.current.querySelector("button").focus();
  };
  const onKeyDown = (event) => {
    if (!open) return;
    const all = [...root.current.querySelectorAll("[role=menuitem]")];
    const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (to) all[(all.indexOf(document.activeElement) + to + all.length) % all.length].focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };
  const choose = (item) => {
    close();
    item.deed();
  };
  if (shown.length === 0) return null;
  return html`<div class="menu" ref=${root} onKeyDown=${onKeyDown}>
    <button type="button" class=${`button ${kind} ${children ? "" : "square"}`} aria-haspopup="menu" aria-expanded=${open ? "true" : "false"} aria-controls=${open ? id : undefined}
      aria-label=${children ? undefined : label} title=${children ? undefined : label} onClick=${() => setOpen(!open)}>
      ${children && html`<span>${children}</span>`}${face ?? html`<${Icon} name=${icon} />`}</button>
    ${open && html`<div class="menu-list" role="menu" id=${id} aria-label=${label}>
      ${shown.map((item) => html`<button key=${item.name} type="button" role="menuitem" tabindex="-1" class=${item.danger ? "danger" : ""}
        onClick=${() => choose(item)}>${item.icon && html`<${Icon} name=${item.icon} />`}${item.name}</button>`)}
    </div>`}
  </div>`;
}
