// The groups of a team.
import { t, tn } from "../lib/i18n.js";
import { useApp } from "../ui/context.js";
import { Dialog } from "../ui/dialog.js";
import { Field, FormProblem, useForm } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { useRead } from "../ui/load.js";
import { Button, Empty, Link, Read } from "../ui/parts.js";
import { leads, TeamFrame } from "../ui/team-frame.js";

export default function Groups() {
  const { team, api, ask, say, fail } = useApp();
  const read = useRead(`/teams/${team.id}/groups`);
  const [open, setOpen] = useState(null);
  const lead = leads(team);
  const remove = async (group) => {
    if (!(await ask({ title: t("Remove the group {name}?", { name: group.name }), text: t("Its members stay in the team."), yes: t("Remove"), danger: true }))) return;
    try {
      await api.delete(`/teams/${team.id}/groups/${group.id}`);
      read.reload();
      say(t("The group {name} is removed.", { name: group.name }));
    } catch (problem) {
      fail(problem);
    }
  };
  const actions = lead && html`<${Button} icon="plus" onClick=${() => setOpen({})}>${t("New group")}<//>`;
  return html`<${TeamFrame} current="groups" actions=${actions}><${Read} of=${read}>${({ items }) => items.length === 0
    ? html`<${Empty} icon="teams" title=${t("No groups yet")}>${t("Groups are parts of a team, such as design or front end.")}<//>`
    : html`<ul class="rows card">${items.map((group) => html`<li key=${group.id} class="row-item"><div><${Link} to=${`/teams?group=${group.id}`}>${group.name}<//><p class="fine">${tn(group.members, "1 member", "{n} members")}</p></div>
      ${lead && html`<div class="actions"><${Button} kind="quiet small" onClick=${() => setOpen(group)} label=${t("Rename {name}", { name: group.name })}>${t("Rename")}<//>
        <${Button} kind="danger small" onClick=${() => remove(group)} label=${t("Remove {name}", { name: group.name })}>${t("Remove")}<//></div>`}</li>`)}</ul>`}<//>
    ${open && html`<${GroupForm} group=${open} close=${() => setOpen(null)} done=${read.reload} />`}<//>`;
}

function GroupForm({ group, close, done }) {
  const { team, api, make } = useApp();
  const form = useForm({ name: group.name ?? "" }, async ({ name }) => {
    const path = `/teams/${team.id}/groups`;
    await (group.id ? api.patch(`${path}/${group.id}`, { name: name.trim() }, { etag: group.etag }) : make(path, { name: name.trim() }));
    close();
    done();
  }, ({ name }) => (name.trim() ? {} : { name: t("This must not be empty.") }));
  return html`<${Dialog} title=${group.id ? t("Rename {name}", { name: group.name }) : t("New group")} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} /><${Field} label=${t("Name")} data-first autocomplete="off" ...${form.field("name")} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Save")}<//></div></form><//>`;
}
