// Writing Markdown: text and preview side by side where there is room, a draft at each pause.
import { t } from "../lib/i18n.js";
import { useApp } from "./context.js";
import { Toggle } from "./composer.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { useRested } from "./load.js";
import { Markdown } from "./markdown.js";
import { Button, Notice } from "./parts.js";
import { explain } from "./words.js";

const MARKS = [
  { sign: "B", name: () => t("Bold"), wrap: ["**", "**"], key: "b" },
  { sign: "I", name: () => t("Italic"), wrap: ["_", "_"], key: "i" },
  { sign: "H", name: () => t("Heading"), line: "## " },
  { sign: "•", name: () => t("List"), line: "- " },
  { sign: "☑", name: () => t("Tasks"), line: "- [ ] " },
  { sign: "“", name: () => t("Quotation"), line: "> " },
  { sign: "<>", name: () => t("Code"), wrap: ["`", "`"] },
  { sign: "↗", name: () => t("Link"), wrap: ["[", "]()"], key: "k" },
];

export function Editor({ title, start, newer, save, keep, close }) {
  const { ask, router } = useApp();
  const [body, setBody] = useState(start.body);
  const [mode, setMode] = useState("write");
  const [state, setState] = useState({ busy: false, problem: null });
  const area = useRef(null);
  const sending = useRef(false);
  const changed = body !== start.base.body;
  const shown = useRested(body, 200);
  const kept = useRested(body, 600);
  useEffect(() => {
    if (kept !== start.base.body) keep(kept);
  }, [kept]);
  useEffect(() => area.current?.focus(), []);
  const latest = useRef(body);
  latest.current = body;
  const settled = useRef(false); // saved or discarded: nothing is left to keep
  useEffect(() => {
    // Leaving loses nothing, for the draft stays; but nobody should believe that it is saved.
    const guard = async () => {
      if (latest.current === start.base.body) return true;
      keep(latest.current);
      return ask({ title: t("Leave without saving?"), text: t("Your text stays in this browser as a draft, and is not saved for the others."), yes: t("Leave") });
    };
    const unload = (event) => {
      if (latest.current === start.base.body) return;
      keep(latest.current);
      event.preventDefault();
    };
    addEventListener("beforeunload", unload);
    const unguard = router.guard(guard);
    return () => {
      removeEventListener("beforeunload", unload);
      unguard();
      // Gone by the browser's own way back: nobody was asked.
      if (!settled.current && latest.current !== start.base.body) keep(latest.current);
    };
  }, []);
  const submit = async () => {
    if (sending.current) return;
    sending.current = true;
    if (changed) keep(body); // whatever becomes of the answer
    setState({ busy: true, problem: null });
    try {
      settled.current = true;
      await save(body);
      setState({ busy: false, problem: null });
    } catch (problem) {
      settled.current = false;
      setState({ busy: false, problem });
    } finally {
      sending.current = false;
    }
  };
  const cancel = async () => {
    if (!changed || (await ask({ title: t("Discard your changes?"), text: t("The document stays as it was."), yes: t("Discard"), danger: true }))) {
      settled.current = true;
      close();
    }
  };
  const apply = (mark) => setBody(marked(area.current, mark));
  const onKeyDown = (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    const mark = MARKS.find((one) => one.key === event.key.toLowerCase());
    if (event.key === "s") submit();
    else if (mark) apply(mark);
    else return;
    event.preventDefault();
  };
  return html`<div class="editor" onKeyDown=${onKeyDown}>
    <header class="editor-head"><h1 tabindex="-1">${title}</h1><span class="spring"></span>
      <span class="fine" role="status">${changed ? t("Not saved yet; kept as a draft here") : t("No changes")}</span>
      <${Button} kind="quiet" onClick=${cancel}>${t("Cancel")}<//><${Button} busy=${state.busy} onClick=${submit}>${t("Save")}<//></header>
    ${newer && html`<${Notice}><p>${t("Somebody saved a newer text while you write. When you save, you see both and choose.")}</p><//>`}
    ${state.problem && html`<${Notice} kind="bad"><p>${explain(state.problem)}</p><//>`}
    <div class="editor-tools"><div class="marks" role="toolbar" aria-label=${t("Formatting")}>
        ${MARKS.map((mark) => html`<button key=${mark.sign} type="button" title=${mark.name()} aria-label=${mark.name()} onClick=${() => apply(mark)}>${mark.sign}</button>`)}</div>
      <span class="spring"></span><${Toggle} label=${t("View")} value=${mode} onChange=${setMode} options=${[["write", t("Write")], ["preview", t("Preview")]]} /></div>
    <div class=${`editor-panes ${mode}`}>
      <textarea ref=${area} readOnly=${state.busy} aria-label=${t("Text of the document, in Markdown")} value=${body} onInput=${(event) => setBody(event.target.value)} spellcheck="true"></textarea>
      <div class="preview" tabindex="0" role="region" aria-label=${t("Preview")}><${Markdown} source=${shown || t("Nothing to show yet.")} /></div>
    </div></div>`;
}

/** The text of `area` with `mark` around or before what is selected. */
function marked(area, { wrap, line }) {
  const { value, selectionStart: from, selectionEnd: to } = area;
  area.focus();
  if (wrap) {
    const text = value.slice(from, to);
    area.setRangeText(wrap[0] + text + wrap[1], from, to, "end");
    area.setSelectionRange(from + wrap[0].length, from + wrap[0].length + text.length);
  } else {
    const first = value.lastIndexOf("\n", from - 1) + 1;
    const lines = value.slice(first, to).split("\n").map((one) => line + one);
    area.setRangeText(lines.join("\n"), first, to, "end");
  }
  return area.value;
}
