// Talk under a document, a file or a status: threads one level deep, by pages, live.
import { tagOf } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { useApp, useLive } from "./context.js";
import { Avatar } from "./avatar.js";
import { Composer } from "./composer.js";
import { html, useState } from "./html.js";
import { usePages } from "./load.js";
import { Markdown } from "./markdown.js";
import { Menu } from "./menu.js";
import { leadsProject, writesIn } from "./nodes.js";
import { Button, nameOf, Pages, When } from "./parts.js";

export const NodeComments = ({ node, role }) => html`<${Comments} list=${`/nodes/${node}/comments`} one=${(id) => `/comments/${id}`} subject=${node}
  writes=${writesIn({ role })} leads=${leadsProject({ role })} />`;
export const StatusComments = ({ status, leads }) => html`<${Comments} list=${`/statuses/${status}/comments`} one=${(id) => `/status-comments/${id}`} subject=${status} writes leads=${leads} />`;

/** Comments with the replies to each, in the order they were written; some lists come as threads. */
export function threads(items) {
  if (items.some((one) => one.replies)) return items.map((root) => ({ root, replies: root.replies }));
  const known = new Set(items.map((one) => one.id));
  const roots = items.filter((one) => !one.reply_to || !known.has(one.reply_to));
  const top = (comment) => {
    let at = comment;
    for (let parent = at; parent; parent = items.find((one) => one.id === at.reply_to)) at = parent;
    return at.id;
  };
  return roots.map((root) => ({ root, replies: items.filter((one) => one.id !== root.id && known.has(one.reply_to) && top(one) === root.id) }));
}

function Comments({ list: path, one, subject, writes, leads }) {
  const { make, api, ask, say, fail } = useApp();
  const list = usePages(path, {}, { limit: 100 });
  useLive("feed", (event) => event?.subject?.id === subject && list.reload());
  useLive("gap", list.reload);
  const write = async (body, reply_to) => {
    await make(path, reply_to ? { body, reply_to } : { body });
    list.reload();
  };
  const edit = async (comment, body) => {
    await api.patch(one(comment.id), { body }, { etag: tagOf(comment) });
    list.reload();
  };
  const remove = async (comment) => {
    if (!(await ask({ title: t("Delete this comment?"), text: t("Replies to it stay."), yes: t("Delete"), danger: true }))) return;
    try {
      await api.delete(one(comment.id));
      list.reload();
      say(t("The comment is deleted."));
    } catch (problem) {
      fail(problem);
    }
  };
  const deeds = { write, edit, remove, writes, leads };
  return html`<section class="comments" aria-labelledby=${`comments-${subject}`}><h2 id=${`comments-${subject}`}>${t("Comments")}</h2>
    <${Pages} list=${list} lines=${2} empty=${html`<p class="fine">${t("No comments yet.")}</p>`}>
      ${(items) => html`<ul class="threads">${threads(items).map(({ root, replies }) => html`<li key=${root.id}>
        <${Comment} comment=${root} deeds=${deeds} thread=${root.id} />
        ${replies.length > 0 && html`<ul class="replies">${replies.map((reply) => html`<li key=${reply.id}><${Comment} comment=${reply} deeds=${deeds} thread=${root.id} /></li>`)}</ul>`}</li>`)}</ul>`}
    <//>
    ${writes && html`<${Composer} label=${t("Write a comment")} draft=${`comment.${subject}`} send=${(body) => write(body)} sendName=${t("Comment")} />`}</section>`;
}

function Comment({ comment, deeds, thread }) {
  const { me } = useApp();
  const [mode, setMode] = useState(null);
  const isGone = comment.body === null;
  const isMine = comment.author?.id === me.id;
  const close = () => setMode(null);
  const items = [isMine && { name: t("Edit"), icon: "edit", deed: () => setMode("edit") }, (isMine || deeds.leads) && { name: t("Delete"), icon: "trash", danger: true, deed: () => deeds.remove(comment) }];
  return html`<article class="comment" id=${comment.id}><${Avatar} person=${comment.author} />
    <div><header>${comment.author && html`<strong>${nameOf(comment.author)}</strong>`} <span class="fine"><${When} at=${comment.created_at} />${comment.edited_at && html` · ${t("edited")}`}</span><span class="spring"></span>
      ${!isGone && html`<${Menu} label=${t("More")} items=${items} />`}</header>
      ${isGone ? html`<p class="fine">${t("This comment was deleted.")}</p>`
        : mode === "edit" ? html`<${Composer} label=${t("Edit the comment")} draft=${`edit.${comment.id}`} initial=${comment.body} focus send=${(body) => deeds.edit(comment, body).then(close)} sendName=${t("Save")} onCancel=${close} />`
        : html`<${Markdown} source=${comment.body} compact level=${3} />`}
      ${!isGone && deeds.writes && mode !== "reply" && html`<${Button} kind="plain small reply" onClick=${() => setMode("reply")}>${t("Reply")}<//>`}
      ${mode === "reply" && html`<${Composer} label=${t("Write a reply")} draft=${`reply.${comment.id}`} focus send=${(body) => deeds.write(body, thread).then(close)} sendName=${t("Reply")} onCancel=${close} />`}
    </div></article>`;
}
