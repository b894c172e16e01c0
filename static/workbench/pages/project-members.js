// Who of the team works on a project.
import { t } from "../lib/i18n.js";
import { useApp, useTitle } from "../ui/context.js";
import { Person } from "../ui/avatar.js";
import { Select } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { usePages, useRead } from "../ui/load.js";
import { Button, Empty, Head, nameOf, Pages } from "../ui/parts.js";

export default function ProjectMembers({ project: id }) {
  useTitle(t("Members"));
  const { api, team, ask, say, fail } = useApp();
  const project = useRead(`/projects/${id}`);
  const list = usePages(`/projects/${id}/members`, {}, { limit: 100 });
  const everybody = useRead(`/teams/${team.id}/members`, { limit: 100 });
  const [chosen, setChosen] = useState("");
  const within = new Set((list.items ?? []).map((one) => personOf(one).id));
  const others = (everybody.data?.items ?? []).map(personOf).filter((one) => !within.has(one.id));
  const attempt = async (deed, done) => {
    try {
      await deed();
      list.reload();
      say(done);
    } catch (problem) {
      fail(problem);
    }
  };
  const add = async () => {
    const person = others.find((one) => one.id === chosen);
    if (!person) return;
    await attempt(() => api.put(`/projects/${id}/members/${person.id}`, {}), t("{name} is in the project now.", { name: nameOf(person) }));
    setChosen("");
  };
  const remove = async (person) => {
    const name = nameOf(person);
    if (await ask({ title: t("Take {name} out of the project?", { name }), text: t("What they made stays."), yes: t("Take out"), danger: true })) {
      attempt(() => api.delete(`/projects/${id}/members/${person.id}`), t("{name} is no longer in the project.", { name }));
    }
  };
  return html`<div class="narrow"><${Head} title=${t("Members")} back=${{ to: `/projects/${id}`, name: project.data?.name ?? t("Project") }}>${t("They see the project, and hear of it in their feed.")}<//>
    ${others.length > 0 && html`<div class="card add-row"><${Select} label=${t("Add somebody of the team")} value=${chosen} options=${[["", t("Choose a person")], ...others.map((one) => [one.id, nameOf(one)])]} onChange=${(event) => setChosen(event.target.value)} />
      <${Button} disabled=${!chosen} onClick=${add}>${t("Add")}<//></div>`}
    <${Pages} list=${list} empty=${html`<${Empty} icon="teams" title=${t("Nobody yet")} />`}>
      ${(items) => html`<ul class="rows card">${items.map(personOf).map((person) => html`<li key=${person.id} class="row-item"><${Person} person=${person} />
        <${Button} kind="quiet small" onClick=${() => remove(person)} label=${t("Take {name} out", { name: nameOf(person) })}>${t("Take out")}<//></li>`)}</ul>`}<//></div>`;
}
const personOf = (member) => member.user ?? member;
