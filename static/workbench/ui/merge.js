// Two people changed one text. What only one changed is joined already; the rest somebody chooses.
import { merge3, mergedText } from "../lib/diff.js";
import { t, tn } from "../lib/i18n.js";
import { html, useMemo, useState } from "./html.js";
import { Button, Head, nameOf, Notice } from "./parts.js";
import { explain } from "./words.js";

const CHOICES = {
  mine: (part) => part.mine,
  theirs: (part) => part.theirs,
  both: (part) => [...part.theirs, ...part.mine],
};

export function Merge({ title, conflict, save, back }) {
  const parts = useMemo(() => merge3(conflict.base, conflict.mine, conflict.theirs.body), [conflict]);
  const [choices, setChoices] = useState({});
  const [state, setState] = useState({ busy: false, problem: null });
  const total = parts.filter((part) => part.kind === "conflict").length;
  const open = total - Object.keys(choices).length;
  const them = nameOf(conflict.theirs.by);
  const text = () => mergedText(parts, (part, number) => CHOICES[choices[number] ?? "both"](part));
  const submit = async () => {
    setState({ busy: true, problem: null });
    try {
      await save(text());
      setState({ busy: false, problem: null });
    } catch (problem) {
      setState({ busy: false, problem });
    }
  };
  let number = -1;
  const advice = total === 0
    ? t("{name} saved this document while you wrote. Your changes are in different places, and are joined below. Look it over, then save.", { name: them })
    : t("{name} saved this document while you wrote. Where you both changed the same lines, choose what is to stay.", { name: them });
  return html`<div class="merge"><${Head} title=${t("Two versions of {title}", { title })}>${advice}<//>
    ${state.problem && html`<${Notice} kind="bad"><p>${explain(state.problem)}</p><//>`}
    <div class="card merge-parts">${parts.map((part) => {
      if (part.kind !== "conflict") return html`<${Settled} part=${part} them=${them} />`;
      number += 1;
      const at = number;
      return html`<${Choice} part=${part} at=${at} total=${total} them=${them} chosen=${choices[at]} choose=${(one) => setChoices({ ...choices, [at]: one })} />`;
    })}</div>
    <div class="merge-foot"><p role="status">${open > 0 ? tn(open, "1 place is still to be chosen.", "{n} places are still to be chosen.") : t("Everything is joined.")}</p><span class="spring"></span>
      <${Button} kind="quiet" onClick=${() => back(text())}>${t("Edit the joined text")}<//>
      <${Button} disabled=${open > 0} busy=${state.busy} onClick=${submit}>${t("Save the joined text")}<//></div></div>`;
}

const Lines = ({ lines }) => html`<pre tabindex="-1">${lines.length ? lines.join("\n") : html`<em>${t("(nothing)")}</em>`}</pre>`;

function Settled({ part, them }) {
  if (part.kind === "same") {
    const short = part.lines.length > 7;
    return html`<div class="part same">${short ? html`<${Lines} lines=${part.lines.slice(0, 3)} /><p class="fine">${tn(part.lines.length - 6, "1 line alike", "{n} lines alike")}</p><${Lines} lines=${part.lines.slice(-3)} />` : html`<${Lines} lines=${part.lines} />`}</div>`;
  }
  const who = { mine: t("Yours"), theirs: t("By {name}", { name: them }), both: t("Both of you") }[part.kind];
  return html`<div class=${`part ${part.kind}`}><span class="part-who">${who}</span><${Lines} lines=${part.lines} /></div>`;
}

function Choice({ part, at, total, them, chosen, choose }) {
  const options = [
    ["theirs", t("By {name}", { name: them }), part.theirs],
    ["mine", t("Yours"), part.mine],
  ];
  const name = `merge-${at}`;
  return html`<fieldset class="part conflict"><legend>${t("Place {n} of {total}", { n: at + 1, total })}</legend>
    <div class="sides">${options.map(([one, label, lines]) => html`<label class=${`side ${chosen === one ? "chosen" : ""}`}>
      <span class="choice-head"><input type="radio" name=${name} checked=${chosen === one} onChange=${() => choose(one)} /><strong>${label}</strong></span><${Lines} lines=${lines} /></label>`)}</div>
    <label class="choice"><input type="radio" name=${name} checked=${chosen === "both"} onChange=${() => choose("both")} /><span>${t("Keep both, one after the other")}</span></label></fieldset>`;
}
