// Dialogs by the browser's own element: focus stays inside, Escape closes, focus comes back.
import { t } from "../lib/i18n.js";
import { html, useEffect, useId, useRef } from "./html.js";
import { Button } from "./parts.js";

export function Dialog({ title, onClose, children, wide = false }) {
  const element = useRef(null);
  const heading = useId();
  useEffect(() => {
    const came = document.activeElement;
    const dialog = element.current;
    dialog.showModal();
    dialog.querySelector("[data-first]")?.focus();
    return () => {
      dialog.close();
      if (came?.isConnected) came.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  const beside = (event) => event.target === element.current && onClose();
  return html`<dialog ref=${element} class=${wide ? "wide" : ""} aria-labelledby=${heading} onCancel=${cancel} onMouseDown=${beside}>
    <div class="dialog">
      <div class="dialog-head"><h2 id=${heading}>${title}</h2>
        <${Button} kind="plain" icon="close" label=${t("Close")} onClick=${onClose} /></div>
      ${children}
    </div>
  </dialog>`;
}

/** A question with a yes that says what it does. `question` is `{ title, text, yes, danger, answer }`. */
export function Question({ question }) {
  const { title, text, yes, danger, answer } = question;
  return html`<${Dialog} title=${title} onClose=${() => answer(false)}>
    ${text && html`<p>${text}</p>`}
    <div class="dialog-foot">
      <${Button} kind="quiet" data-first onClick=${() => answer(false)}>${t("Cancel")}<//>
      <${Button} kind=${danger ? "danger solid" : ""} onClick=${() => answer(true)}>${yes}<//>
    </div>
  <//>`;
}
