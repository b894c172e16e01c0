// Who of the team works on a project, and as what.
import { t } from "../lib/i18n.js";
import { useApp, useAttempt, useTitle } from "../ui/context.js";
import { Person } from "../ui/avatar.js";
import { Select } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { useAll, usePages, useRead } from "../ui/load.js";
import { leadsProject, standingName } from "../ui/nodes.js";
import { Button, Empty, Head, nameOf, Pages } from "../ui/parts.js";

const ROLES = ["lead", "member", "reader"];

export default function ProjectMembers({ project: id }) {
  useTitle(t("Members"));
  const { api, team, me, ask } = useApp();
  const project = useRead(`/projects/${id}`);
  const list = usePages(`/projects/${id}/members`, {}, { limit: 100 });
  const everybody = useAll(`/teams/${project.data?.team.id ?? team.id}/members`);
  const lead = leadsProject(project.data);
  const within = new Set((list.items ?? []).map((one) => one.user.id));
  const others = everybody.items.map((one) => one.user).filter((one) => !within.has(one.id));
  const attempt = useAttempt(list.reload);
  const put = (person, role, done) => attempt(() => api.put(`/projects/${id}/members/${person.id}`, { role }), done);
  const add = (person) => put(person, "member", t("{name} is in the project now.", { name: nameOf(person) }));
  const appoint = (person, role) => put(person, role, t("The role of {name} is changed.", { name: nameOf(person) }));
  const remove = async (person) => {
    const name = nameOf(person);
    if (await ask({ title: t("Take {name} out of the project?", { name }), text: t("What they made stays."), yes: t("Take out"), danger: true })) {
      attempt(() => api.delete(`/projects/${id}/members/${person.id}`), t("{name} is no longer in the project.", { name }));
    }
  };
  return html`<div class="narrow"><${Head} title=${t("Members")} back=${{ to: `/projects/${id}`, name: project.data?.name ?? t("Project") }}>${t("They see the project, and hear of it in their feed.")}<//>
    ${lead && others.length > 0 && html`<${Add} others=${others} add=${add} />`}
    <${Pages} list=${list} empty=${html`<${Empty} icon="teams" title=${t("Nobody yet")} />`}>
      ${(items) => html`<ul class="rows card">${items.map(({ user, role }) => html`<li key=${user.id} class="row-item"><${Person} person=${user} />
        ${lead ? html`<${Select} label=${t("In the project as")} hideLabel value=${role} options=${ROLES.map((one) => [one, standingName(one)])} onChange=${(event) => appoint(user, event.target.value)} />`
          : html`<span class="badge">${standingName(role)}</span>`}
        ${(lead || user.id === me.id) && html`<${Button} kind="quiet small" onClick=${() => remove(user)} label=${t("Take out {name}", { name: nameOf(user) })}>${t("Take out")}<//>`}</li>`)}</ul>`}<//></div>`;
}

function Add({ others, add }) {
  const [chosen, setChosen] = useState("");
  const person = others.find((one) => one.id === chosen);
  const press = async () => {
    await add(person);
    setChosen("");
  };
  return html`<div class="card add-row"><${Select} label=${t("Add somebody of the team")} value=${chosen} options=${[["", t("Choose a person")], ...others.map((one) => [one.id, nameOf(one)])]} onChange=${(event) => setChosen(event.target.value)} />
    <${Button} disabled=${!person} onClick=${press}>${t("Add")}<//></div>`;
}
