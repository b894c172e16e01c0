// Short notices at the edge, with a way back where there is one.
import { t } from "../lib/i18n.js";
import { html, useEffect, useState } from "./html.js";
import { Button } from "./parts.js";
import { Icon } from "./icons.js";

const SHOWN_MS = 6000;
const WITH_UNDO_MS = 12_000;

/** A queue of notices: `say(text, { undo, bad })`. */
export function noticeQueue() {
  const listeners = new Set();
  let [number, notices] = [0, []];
  const tell = (changed) => {
    notices = changed;
    for (const listener of listeners) listener(notices);
  };
  return {
    say(text, { undo = null, bad = false } = {}) {
      tell([...notices.slice(-2), { id: (number += 1), text, undo, bad }]);
    },
    drop: (id) => tell(notices.filter((notice) => notice.id !== id)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function Toasts({ queue }) {
  const [notices, setNotices] = useState([]);
  useEffect(() => queue.subscribe(setNotices), [queue]);
  return html`<div class="toasts" role="region" aria-label=${t("Notices")}>
    <div role="status" aria-live="polite">${notices.map((one) => html`<${Toast} key=${one.id} notice=${one} drop=${() => queue.drop(one.id)} />`)}</div>
  </div>`;
}

function Toast({ notice, drop }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(drop, notice.undo ? WITH_UNDO_MS : SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held]);
  const undo = () => {
    drop();
    notice.undo();
  };
  return html`<div class=${`toast ${notice.bad ? "bad" : ""}`} onMouseEnter=${() => setHeld(true)} onMouseLeave=${() => setHeld(false)}
      onFocusIn=${() => setHeld(true)} onFocusOut=${() => setHeld(false)}>
    <${Icon} name=${notice.bad ? "close" : "check"} /><p>${notice.text}</p>
    ${notice.undo && html`<${Button} kind="plain small" onClick=${undo}>${t("Undo")}<//>`}
    <${Button} kind="plain small" icon="close" label=${t("Dismiss")} onClick=${drop} />
  </div>`;
}
