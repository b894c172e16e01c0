// The people of a team: found, moved between groups, appointed, removed.
import { t } from "../lib/i18n.js";
import { useApp, useAttempt, useHere, useLive } from "../ui/context.js";
import { Avatar } from "../ui/avatar.js";
import { Field, Select } from "../ui/form.js";
import { html, useEffect } from "../ui/html.js";
import { useAll, usePages } from "../ui/load.js";
import { Menu } from "../ui/menu.js";
import { ButtonLink, Empty, Link, nameOf, Pages } from "../ui/parts.js";
import { leads, roleName, ROLES, TeamFrame } from "../ui/team-frame.js";

export default function Team() {
  const { team, router } = useApp();
  const { query } = useHere();
  const groups = useAll(`/teams/${team.id}/groups`).items;
  const list = usePages(`/teams/${team.id}/members`, { group: query.group }, { limit: 50 });
  useLive("feed", (event) => /^(member|application)\./.test(event?.verb ?? "") && list.reload());
  const wanted = (query.q ?? "").toLocaleLowerCase();
  const fits = ({ user }) => !wanted || `${user.name ?? ""} ${user.username ?? ""}`.toLocaleLowerCase().includes(wanted);
  useEffect(() => {
    if (wanted && list.hasMore && !list.loading && !list.problem) list.more(); // they may be further down
  });
  const change = (name) => (event) => router.setQuery({ [name]: event.target.value });
  const actions = leads(team) && html`<${ButtonLink} to="/teams/invitations" icon="plus">${t("Invite people")}<//>`;
  return html`<${TeamFrame} current="members" actions=${actions}>
    <div class="filters" role="group" aria-label=${t("Filters")}>
      <${Field} label=${t("Find somebody")} hideLabel type="search" placeholder=${t("Find somebody")} value=${query.q ?? ""} onInput=${change("q")} />
      <${Select} label=${t("Group")} hideLabel value=${query.group ?? ""} options=${[["", t("All groups")], ...groups.map((one) => [one.id, one.name]), ["none", t("No group")]]} onChange=${change("group")} /></div>
    <${Pages} list=${list} empty=${html`<${Empty} icon="teams" title=${t("Nobody in this group")} />`}>
      ${(items) => items.some(fits)
        ? html`<ul class="rows card people">${items.filter(fits).map((member) => html`<${Member} key=${member.user.id} member=${member} groups=${groups} reload=${list.reload} />`)}</ul>`
        : !list.hasMore && html`<${Empty} icon="search" title=${t("Nobody of that name")} />`}<//>
  <//>`;
}

function Member({ member, groups, reload }) {
  const { api, team, me, ask, reloadTeams, router } = useApp();
  const { user, role, group } = member;
  const path = `/teams/${team.id}/members/${user.id}`;
  const name = nameOf(user);
  const isMe = user.id === me.id;
  const attempt = useAttempt(reload);
  const move = (to) => attempt(() => api.patch(path, { group: to?.id ?? null }, { etag: "*" }), to ? t("{name} is in {group} now.", { name, group: to.name }) : t("{name} is in no group now.", { name }));
  const appoint = async (to) => {
    if (!(await ask({ title: t("Make {name} {role}?", { name, role: roleName(to) }), yes: t("Change the role") }))) return;
    attempt(() => api.patch(path, { role: to }, { etag: "*" }), t("The role of {name} is changed.", { name }));
  };
  const remove = async () => {
    const question = isMe ? { title: t("Leave {team}?", { team: team.name }), yes: t("Leave") } : { title: t("Remove {name} from the team?", { name }), yes: t("Remove") };
    if (!(await ask({ ...question, text: isMe ? t("What you made stays with the team.") : t("What they made stays with the team."), danger: true }))) return;
    await attempt(() => api.delete(path), isMe ? t("You have left {team}.", { team: team.name }) : t("{name} is no longer in the team.", { name }));
    if (isMe) {
      await reloadTeams();
      router.go("/");
    }
  };
  const lead = leads(team);
  const mayRemove = isMe || team.role === "owner" || (team.role === "admin" && role === "member");
  const items = [
    ...(lead ? groups.filter((one) => one.id !== group?.id).map((one) => ({ name: t("Move to {group}", { group: one.name }), deed: () => move(one) })) : []),
    lead && group && { name: t("Take out of the group"), deed: () => move(null) },
    ...(team.role === "owner" && !isMe ? ROLES.filter((one) => one !== role).map((one) => ({ name: t("Make {role}", { role: roleName(one) }), deed: () => appoint(one) })) : []),
    mayRemove && { name: isMe ? t("Leave the team") : t("Remove from the team"), danger: true, deed: remove },
  ];
  return html`<li class="row-item"><${Avatar} person=${user} />
    <div><${Link} to=${`/people/${user.id}`}>${name}<//>${isMe && html` <span class="fine">${t("(you)")}</span>`}<p class="fine">${group?.name ?? t("No group")}</p></div>
    ${role !== "member" && html`<span class="badge">${roleName(role)}</span>`}
    <${Menu} label=${t("More about {name}", { name })} items=${items} /></li>`;
}
