// A field for Markdown with its preview; what is typed is kept until it is sent.
import { t } from "../lib/i18n.js";
import { useApp } from "./context.js";
import { Field, FormProblem, useForm } from "./form.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Markdown } from "./markdown.js";
import { Button } from "./parts.js";

/** Two buttons of which one is pressed. */
export function Toggle({ label, value, options, onChange }) {
  return html`<div class="toggle" role="group" aria-label=${label}>${options.map(
    ([one, name]) => html`<button key=${one} type="button" aria-pressed=${one === value ? "true" : "false"} onClick=${() => onChange(one)}>${name}</button>`,
  )}</div>`;
}

/** `send(body)` may throw a problem; `draft` names where the text is kept meanwhile. */
export function Composer({ label, draft, send, sendName, initial = "", onCancel, rows = 3, hideLabel = true, focus = false }) {
  const { drafts } = useApp();
  const [mode, setMode] = useState("write");
  const kept = drafts.find(draft)?.text;
  const empty = { body: t("This must not be empty.") };
  const form = useForm({ body: kept ?? initial }, async ({ body }) => {
    await send(body.trim());
    drafts.forget(draft);
    form.set({ body: "" });
    setMode("write");
  }, ({ body }) => (body.trim() ? {} : empty));
  const place = useRef(null);
  useEffect(() => {
    if (focus) place.current.querySelector("textarea").focus();
  }, []);
  const onInput = (event) => {
    form.set({ body: event.target.value });
    drafts.keep(draft, event.target.value);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.submit(event);
  };
  const cancel = () => {
    drafts.forget(draft);
    onCancel();
  };
  return html`<form class="composer" ref=${place} onSubmit=${form.submit} noValidate>
    <${FormProblem} form=${form} />
    ${mode === "write"
      ? html`<${Field} ...${form.field("body")} label=${label} hideLabel=${hideLabel} multiline rows=${rows} readOnly=${form.busy} onInput=${onInput} onKeyDown=${onKeyDown} />`
      : html`<div class="preview" aria-label=${t("Preview")} role="group"><${Markdown} source=${form.values.body || t("Nothing to show yet.")} compact /></div>`}
    <div class="composer-foot">
      <${Toggle} label=${t("View")} value=${mode} onChange=${setMode} options=${[["write", t("Write")], ["preview", t("Preview")]]} />
      <span class="spring"></span>
      ${onCancel && html`<${Button} kind="quiet small" onClick=${cancel}>${t("Cancel")}<//>`}
      <${Button} kind="small" type="submit" busy=${form.busy}>${sendName}<//>
    </div>
  </form>`;
}
