// A document's past: every version, what changed between two, and the way back.
import { diffLines } from "../lib/diff.js";
import { t, tn } from "../lib/i18n.js";
import { useApp, useTitle } from "../ui/context.js";
import { Avatar } from "../ui/avatar.js";
import { html, useState } from "../ui/html.js";
import { usePages, useRead } from "../ui/load.js";
import { writesIn } from "../ui/nodes.js";
import { Button, Empty, Failed, Head, Loading, nameOf, Pages, Read, When } from "../ui/parts.js";

export default function History({ project, node }) {
  const document = useRead(`/documents/${node}`);
  const writes = writesIn(useRead(`/projects/${project}`).data);
  const list = usePages(`/documents/${node}/revisions`);
  const [chosen, setChosen] = useState(null);
  const title = document.data?.name ?? "";
  useTitle(t("History of {title}", { title }));
  const newest = list.items?.[0] ? list.items[0].revision : null;
  const shown = chosen ?? newest;
  const back = { to: `/projects/${project}/documents/${node}`, name: title };
  return html`<${Head} title=${t("History of {title}", { title })} back=${back} />
    <div class="history"><div class="history-list"><${Pages} list=${list} empty=${html`<${Empty} icon="history" title=${t("No versions yet")} />`}>
      ${(items) => html`<ol class="card versions" reversed>${items.map((one) => html`<li key=${one.revision}>
        <button type="button" aria-pressed=${shown === one.revision ? "true" : "false"} onClick=${() => setChosen(one.revision)}>
          <${Avatar} person=${one.author} size="small" /><span><strong>${t("Version {n}", { n: one.revision })}</strong><span class="fine">${nameOf(one.author)} · <${When} at=${one.saved_at} /></span></span></button></li>`)}</ol>`}<//></div>
      <div class="history-main">${shown && html`<${Version} key=${shown} node=${node} number=${shown} restores=${writes && shown !== newest} etag=${document.etag} done=${() => (setChosen(null), list.reload(), document.reload())} />`}</div></div>`;
}

function Version({ node, number, restores, etag, done }) {
  const { api, ask, say, fail } = useApp();
  const now = useRead(`/documents/${node}/revisions/${number}`);
  const before = useRead(number > 1 ? `/documents/${node}/revisions/${number - 1}` : null);
  const [busy, setBusy] = useState(false);
  const restore = async () => {
    if (!(await ask({ title: t("Restore version {n}?", { n: number }), text: t("It becomes the newest version. The versions after it stay in the history."), yes: t("Restore") }))) return;
    setBusy(true);
    try {
      await api.post(`/documents/${node}/restore`, { revision: number }, { etag });
      say(t("Version {n} is the newest again.", { n: number }));
      done();
    } catch (problem) {
      fail(problem);
    }
    setBusy(false);
  };
  return html`<${Read} of=${now}>${(revision) => {
    if (number > 1 && !before.data) return before.problem ? html`<${Failed} problem=${before.problem} retry=${before.reload} />` : html`<${Loading} />`;
    const runs = diffLines(before.data?.body ?? "", revision.body);
    return html`<div class="history-head"><h2>${number > 1 ? t("Changes from version {before} to {after}", { before: number - 1, after: number }) : t("The first version")}</h2>
      ${restores && html`<${Button} kind="quiet small" icon="history" busy=${busy} onClick=${restore}>${t("Restore this version")}<//>`}</div><${Diff} runs=${runs} />`;
  }}<//>`;
}

export function Diff({ runs }) {
  if (runs.every((run) => run.kind === "same")) return html`<p class="fine">${t("The text is the same.")}</p>`;
  return html`<div class="card diff" role="region" tabindex="0" aria-label=${t("Differences")}>${runs.map((run) => html`<${Run} run=${run} />`)}</div>`;
}

function Run({ run }) {
  const [whole, setWhole] = useState(false);
  const { kind, lines } = run;
  const row = (line) => html`<div class=${`line ${kind}`}><span aria-hidden="true">${{ added: "+", removed: "−", same: " " }[kind]}</span>
    ${kind === "added" ? html`<ins>${line || "\u00a0"}</ins>` : kind === "removed" ? html`<del>${line || "\u00a0"}</del>` : html`<span>${line || "\u00a0"}</span>`}</div>`;
  if (kind !== "same" || whole || lines.length < 9) return lines.map(row);
  return html`${lines.slice(0, 3).map(row)}
    <${Button} kind="plain small fold" onClick=${() => setWhole(true)}>${tn(lines.length - 6, "Show 1 unchanged line", "Show {n} unchanged lines")}<//>${lines.slice(-3).map(row)}`;
}
