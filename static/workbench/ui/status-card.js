// A progress post, as it stands in lists and on its own page.
import { t, tn } from "../lib/i18n.js";
import { useApp } from "./context.js";
import { Avatar } from "./avatar.js";
import { html, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Markdown } from "./markdown.js";
import { Menu } from "./menu.js";
import { Link, nameOf, When } from "./parts.js";
import { StatusForm } from "./status-form.js";
import { leads } from "./team-frame.js";

export function StatusCard({ status, whole = false, changed, removed }) {
  const { me, team, api, ask, say, fail } = useApp();
  const [editing, setEditing] = useState(false);
  const isMine = status.author?.id === me.id;
  const remove = async () => {
    if (!(await ask({ title: t("Delete {name}?", { name: status.title }), text: t("Its comments and likes go with it."), yes: t("Delete"), danger: true }))) return;
    try {
      await api.delete(`/statuses/${status.id}`);
      say(t("{name} is deleted.", { name: status.title }));
      removed();
    } catch (problem) {
      fail(problem);
    }
  };
  const items = [
    isMine && { name: t("Edit"), icon: "edit", deed: () => setEditing(true) },
    (isMine || leads(team)) && { name: t("Delete"), icon: "trash", danger: true, deed: remove },
  ];
  const comments = status.comments;
  const heading = html`<${Link} to=${`/statuses/${status.id}`}>${status.title}<//>`;
  return html`<article class="card status"><header><${Avatar} person=${status.author} />
      <div><strong>${nameOf(status.author)}</strong><p class="fine"><${When} at=${status.created_at} />${status.group && html` · ${status.group.name}`}${status.edited_at && html` · ${t("edited")}`}</p></div>
      <span class="spring"></span><${Menu} label=${t("More")} items=${items} /></header>
    ${whole ? null : html`<h2>${heading}</h2>`}<${Report} of=${status} level=${whole ? 2 : 3} />
    ${status.body && html`<${Markdown} source=${status.body} level=${whole ? 2 : 3} />`}
    <footer><${Like} status=${status} changed=${changed} />
      <${Link} class="button plain small" to=${`/statuses/${status.id}`}><${Icon} name="comment" /><span>${tn(comments, "1 comment", "{n} comments")}</span><//></footer>
    ${editing && html`<${StatusForm} status=${status} close=${() => setEditing(false)} done=${changed} />`}</article>`;
}

const PARTS = [
  ["done", () => t("Done")],
  ["problems", () => t("Problems")],
  ["next", () => t("Next")],
];

/** The three parts of a report; what was not said is not shown. */
export function Report({ of, level = 3 }) {
  const heading = `h${level}`;
  const said = PARTS.filter(([name]) => of[name]);
  if (said.length === 0) return null;
  return html`<div class="report">${said.map(([name, title]) => html`<section key=${name} class=${name}><${heading} class="report-title">${title()}<//><${Markdown} source=${of[name]} compact level=${level + 1} /></section>`)}</div>`;
}

/** Shown at once, taken back when it was refused. */
function Like({ status, changed }) {
  const { api, fail } = useApp();
  const liked = status.liked;
  const likes = status.likes;
  const turn = async () => {
    const path = `/statuses/${status.id}/like`;
    changed({ ...status, liked: !liked, likes: likes + (liked ? -1 : 1) });
    try {
      await (liked ? api.delete(path) : api.put(path));
    } catch (problem) {
      changed(status);
      fail(problem);
    }
  };
  return html`<button type="button" class=${`button plain small like ${liked ? "on" : ""}`} aria-pressed=${liked ? "true" : "false"} onClick=${turn}>
    <${Icon} name="heart" /><span><span class="hush">${t("Like")} </span>${tn(likes, "1 like", "{n} likes")}</span></button>`;
}
