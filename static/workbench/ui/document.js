// A document: read it, edit it, and join two edits where two people wrote at once.
import { tagOf } from "../lib/api.js";
import { tn, t } from "../lib/i18n.js";
import { useApp, useHere, useLive } from "./context.js";
import { NodeComments } from "./comments.js";
import { Editor } from "./editor.js";
import { html, useEffect, useState } from "./html.js";
import { useRead } from "./load.js";
import { Markdown } from "./markdown.js";
import { Merge } from "./merge.js";
import { NodeMenu } from "./node-menu.js";
import { writesIn } from "./nodes.js";
import { Button, Empty, Head, nameOf, Notice, Read, When } from "./parts.js";
import { Watch } from "./watch.js";

const NEW_TEXT = ["document.edited", "document.restored"];

export function DocumentView({ project, id, node, tree }) {
  const read = useRead(`/documents/${id}`);
  return html`<${Read} of=${read} lines=${8}>${(data) => html`<${Open} key=${id} project=${project} id=${id} node=${node} tree=${tree} read=${read} data=${data} />`}<//>`;
}

function Open({ project, id, node, tree, read, data }) {
  const { api, drafts, me, router, say } = useApp();
  const { query } = useHere();
  const [edit, setEdit] = useState(null); // { body, base, etag } while somebody writes
  const [conflict, setConflict] = useState(null);
  const [newer, setNewer] = useState(false);
  const draft = drafts.find(`document.${id}`);
  const title = data.name;

  const begin = (body = data.body, base = { body: data.body, etag: read.etag }) => setEdit({ body, base });
  useEffect(() => {
    if (query.edit !== "1") return;
    router.setQuery({ edit: "" });
    begin();
  }, []);
  useLive("feed", (event) => {
    if (event?.subject?.id !== id) return;
    if (!edit) read.reload();
    else if (NEW_TEXT.includes(event.verb) && event.actor?.id !== me.id) setNewer(true);
  });
  useLive("gap", () => edit || read.reload());

  const close = () => {
    drafts.forget(`document.${id}`);
    setEdit(null);
    setConflict(null);
    setNewer(false);
  };
  const saved = (answer) => {
    close();
    read.set({ data: { ...data, ...answer.data }, etag: answer.etag });
    read.reload();
    say(t("Saved."));
  };
  /** Save `body` over the version `etag`; somebody else's newer text opens the merge view. */
  const save = async (body, base) => {
    try {
      saved(await api.put(`/documents/${id}`, { body }, { etag: base.etag }));
    } catch (problem) {
      if (problem.status !== 412) throw problem;
      drafts.keep(`document.${id}`, body, base); // until they are joined
      const { current, base: common } = problem.document;
      const theirs = { body: current.body, etag: tagOf({ version: current.revision }), by: current.author };
      setConflict({ mine: body, base: common?.body ?? base.body, theirs });
    }
  };
  if (conflict) {
    return html`<${Merge} key=${conflict.theirs.etag} title=${title} conflict=${conflict} save=${(body) => save(body, conflict.theirs)}
      back=${(body) => (setEdit({ body, base: conflict.theirs }), setConflict(null))} />`;
  }
  if (edit) {
    return html`<${Editor} title=${title} start=${edit} newer=${newer} save=${(body) => save(body, edit.base)}
      keep=${(body) => drafts.keep(`document.${id}`, body, edit.base)} close=${close} />`;
  }
  const writes = writesIn(project);
  const actions = html`${writes && html`<${Button} icon="edit" onClick=${() => begin()}>${t("Edit")}<//>`}<${Watch} kind="document" id=${id} />
    <${NodeMenu} node=${node ?? { id, kind: "document", name: title, parent: null }} tree=${tree} project=${project} />`;
  return html`<${Head} title=${title} back=${{ to: `/projects/${project.id}`, name: project.name }} actions=${actions}>
      ${nameOf(data.author)} · <${When} at=${data.saved_at ?? data.updated_at} />
      ${data.revision > 1 && html` · ${tn(data.revision, "1 version", "{n} versions")}`}<//>
    ${draft && draft.text !== data.body && html`<${Notice} title=${t("You have text here that is not saved")}>
      <p><${When} at=${new Date(draft.at).toISOString()} /></p><div class="actions">
      <${Button} kind="small" onClick=${() => begin(draft.text, draft.base ?? undefined)}>${t("Go on writing")}<//>
      <${Button} kind="quiet small" onClick=${() => (drafts.forget(`document.${id}`), read.reload())}>${t("Discard it")}<//></div><//>`}
    ${data.body?.trim() ? html`<article class="card sheet"><${Markdown} source=${data.body} /></article>`
      : html`<${Empty} icon="document" title=${t("An empty document")} action=${writes && html`<${Button} onClick=${() => begin()}>${t("Write something")}<//>`} />`}
    <${NodeComments} node=${id} role=${project.role} />`;
}
