// What happened, in sentences; each names who, and leads to what it was done to.
import { pieces, t } from "../lib/i18n.js";
import { clock } from "../lib/time.js";
import { Avatar } from "./avatar.js";
import { html } from "./html.js";
import { Link, nameOf } from "./parts.js";

// One sentence a verb. `{what}` is what it was done to, `{detail}` one more word.
const s = (sentence) => sentence; // marks it for the list of words
const SENTENCES = {
  "team.created": s("{who} founded the team {what}"),
  "team.changed": s("{who} changed the team {what}"),
  "team.handed_over": s("{who} handed the team over to {detail}"),
  "team.dissolved": s("{who} dissolved the team {what}"),
  "member.joined": s("{what} joined the team"),
  "member.left": s("{what} left the team"),
  "member.removed": s("{who} removed {what} from the team"),
  "member.role_changed": s("{who} changed the role of {what}"),
  "member.moved": s("{who} moved {what} to another group"),
  "group.created": s("{who} added the group {what}"),
  "group.renamed": s("{who} renamed the group {what}"),
  "group.deleted": s("{who} removed the group {what}"),
  "application.sent": s("{who} applied to join"),
  "application.withdrawn": s("{who} withdrew an application"),
  "application.approved": s("{who} accepted an application"),
  "application.refused": s("{who} refused an application"),
  "invitation.created": s("{who} made an invitation"),
  "invitation.revoked": s("{who} revoked an invitation"),
  "profile.changed": s("{who} changed their profile"),
  "project.created": s("{who} began the project {what}"),
  "project.changed": s("{who} changed the project {what}"),
  "project.deleted": s("{who} deleted the project {what}"),
  "project.restored": s("{who} brought the project {what} back"),
  "project.erased": s("{who} deleted the project {what} for good"),
  "project.member_added": s("{who} added {what} to the project"),
  "project.member_removed": s("{who} removed {what} from the project"),
  "folder.created": s("{who} made the folder {what}"),
  "document.created": s("{who} wrote {what}"),
  "document.edited": s("{who} edited {what}"),
  "document.restored": s("{who} restored an older text of {what}"),
  "file.uploaded": s("{who} uploaded {what}"),
  "node.renamed": s("{who} renamed {what}"),
  "node.moved": s("{who} moved {what}"),
  "node.trashed": s("{who} put {what} into the trash"),
  "node.restored": s("{who} brought {what} back from the trash"),
  "node.deleted": s("{who} deleted {what} for good"),
  "status.posted": s("{who} posted {what}"),
  "status.edited": s("{who} edited {what}"),
  "status.deleted": s("{who} deleted {what}"),
  "status.liked": s("{who} likes {what}"),
  "status.unliked": s("{who} no longer likes {what}"),
  "comment.written": s("{who} commented on {what}"),
  "comment.edited": s("{who} edited a comment on {what}"),
  "comment.deleted": s("{who} deleted a comment on {what}"),
};
export const VERBS = Object.keys(SENTENCES);

/** Where what happened can be seen, or null where it cannot be (any more). */
export function placeOf(event) {
  const { kind, id } = event.subject ?? {};
  const project = event.project?.id;
  if (/deleted|erased|dissolved|removed|trashed/.test(event.verb)) return event.verb === "node.trashed" && project ? `/projects/${project}/trash` : null;
  if (kind === "project") return `/projects/${id}`;
  if (["document", "file", "folder"].includes(kind) && project) return `/projects/${project}/${kind}s/${id}`;
  if (kind === "status") return `/statuses/${id}`;
  if (kind === "user") return `/people/${id}`;
  if (kind === "application") return "/teams/applications";
  if (kind === "invitation") return "/teams/invitations";
  if (kind === "group") return "/teams/groups";
  return kind === "team" ? "/teams" : null;
}

/** The sentence of `event`, as vnodes. */
export function Sentence({ event }) {
  const wording = SENTENCES[event.verb] ?? s("{who} changed {what}");
  const place = placeOf(event);
  const title = event.subject.title || t("something");
  const what = place ? html`<${Link} to=${place}>${title}<//>` : html`<strong>${title}</strong>`;
  return pieces(wording, { who: html`<strong>${nameOf(event.actor)}</strong>`, what, detail: html`<strong>${event.detail ?? ""}</strong>` });
}

export function FeedItem({ event, showTeam }) {
  const where = [showTeam && event.team?.name, event.project?.name, event.group?.name].filter(Boolean);
  return html`<li class="event">
    <${Avatar} person=${event.actor} />
    <div><p><${Sentence} event=${event} /></p>
      <p class="fine"><time dateTime=${event.at}>${clock(event.at)}</time>${where.map((one) => html` · ${one}`)}</p></div>
  </li>`;
}
