// The small parts that every page is made of.
import { t } from "../lib/i18n.js";
import { ago, moment } from "../lib/time.js";
import { useApp } from "./context.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { explain } from "./words.js";

/** A button that keeps its width and its place while its deed is under way. */
export function Button({ kind = "", busy = false, icon, children, onClick, type = "button", label, disabled, ...rest }) {
  const press = (event) => {
    if (busy || disabled) event.preventDefault();
    else onClick?.(event);
  };
  const square = icon && !children;
  return html`<button ...${rest} type=${type} onClick=${press} aria-label=${label} title=${square ? label : undefined}
    class=${`button ${kind} ${square ? "square" : ""}`} aria-disabled=${busy || disabled ? "true" : undefined}>
    ${icon && html`<${Icon} name=${icon} />`}${children && html`<span>${children}</span>`}
    ${busy && html`<span class="spinner" aria-hidden="true"></span>`}
  </button>`;
}

/** A link that looks like a button. */
export function ButtonLink({ to, kind = "", icon, children }) {
  const { router } = useApp();
  return html`<a class=${`button ${kind}`} href=${router.href(to)}>${icon && html`<${Icon} name=${icon} />`}<span>${children}</span></a>`;
}

export function Link({ to, children, ...rest }) {
  const { router } = useApp();
  return html`<a href=${router.href(to)} ...${rest}>${children}</a>`;
}

/** A moment as people say it; moves on by itself. */
export function When({ at }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return html`<time dateTime=${at} title=${moment(at)}>${ago(at, now)}</time>`;
}

export const nameOf = (person) => person?.name || person?.username || t("Somebody who left");

/** A page's head: its name, a line beneath, and what can be done here. */
export function Head({ title, children, actions, back }) {
  const heading = useRef(null);
  useEffect(() => {
    // What was pressed to come here is gone, and the focus with it: the page begins at its name.
    if (document.body.dataset.visited && document.activeElement === document.body) heading.current.focus({ preventScroll: true });
  }, []);
  return html`<header class="head">
    ${back && html`<${Link} class="back" to=${back.to}><${Icon} name="back" />${back.name}<//>`}
    <div class="head-row">
      <div><h1 ref=${heading} tabindex="-1">${title}</h1>${children && html`<div class="lead">${children}</div>`}</div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </div>
  </header>`;
}

/** Grey lines in the place of what is on its way. */
export function Loading({ lines = 3 }) {
  return html`<div class="loading" role="status"><span class="hush">${t("Loading…")}</span>
    ${Array.from({ length: lines }, () => html`<div class="bone" aria-hidden="true"></div>`)}
  </div>`;
}

export function Empty({ icon = "document", title, children, action }) {
  return html`<div class="empty"><${Icon} name=${icon} /><h2>${title}</h2>${children && html`<p>${children}</p>`}${action}</div>`;
}

/** What is shown in the place of what could not be had. */
export function Failed({ problem, retry }) {
  return html`<div class="failed" role="alert">
    <h2>${problem.status === 404 ? t("There is nothing here") : t("This could not be loaded")}</h2>
    <p>${explain(problem)}</p>
    ${retry && problem.status !== 404 && html`<${Button} kind="quiet small" onClick=${retry}>${t("Try again")}<//>`}
    ${problem.requestId && html`<p class="fine">${t("If you ask for help, say this code: {code}", { code: problem.requestId })}</p>`}
  </div>`;
}

/** A list by pages in each of its states; `children` is what draws the items. */
export function Pages({ list, empty, children, lines }) {
  if (list.items === null) {
    return list.problem ? html`<${Failed} problem=${list.problem} retry=${list.reload} />` : html`<${Loading} lines=${lines} />`;
  }
  if (list.items.length === 0) return empty;
  return html`${children(list.items)}
    ${list.problem && html`<p class="wrong" role="alert">${explain(list.problem)}</p>`}
    ${list.hasMore && html`<div class="more"><${Button} kind="quiet" busy=${list.loading} onClick=${list.more}>${t("Show more")}<//></div>`}`;
}

/** Something read once, in each of its states. */
export function Read({ of, children, lines }) {
  if (of.data) return children(of.data);
  return of.problem ? html`<${Failed} problem=${of.problem} retry=${of.reload} />` : html`<${Loading} lines=${lines} />`;
}

/** Places beside each other, as links. */
export function Sections({ label, items }) {
  const bar = useRef(null);
  useEffect(() => {
    const [shown, current] = [bar.current, bar.current.querySelector("[aria-current]")];
    if (current) shown.scrollLeft = current.offsetLeft + current.offsetWidth - shown.clientWidth; // on a telephone
  }, []);
  return html`<nav ref=${bar} class="sections-bar" aria-label=${label}><ul>
    ${items.map(({ to, name, current, count }) => html`<li key=${to}><${Link} to=${to} aria-current=${current ? "page" : undefined}>${name}
      ${count ? html` <span class="count">${count}</span>` : null}<//></li>`)}
  </ul></nav>`;
}

export function Notice({ kind = "", title, children }) {
  return html`<div class=${`notice ${kind}`} role=${kind === "bad" ? "alert" : "note"}>${title && html`<h2>${title}</h2>`}${children}</div>`;
}

/** A number for the eye, `label` for who only hears it. */
export function Badge({ n, label }) {
  if (!n) return null;
  return html`<span class="unread"><span aria-hidden="true">${n > 99 ? "99+" : n}</span><span class="hush">${label}</span></span>`;
}
