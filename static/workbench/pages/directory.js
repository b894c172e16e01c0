// Teams by name, to apply to.
import { t } from "../lib/i18n.js";
import { useApp, useHere, useTitle } from "../ui/context.js";
import { Dialog } from "../ui/dialog.js";
import { Field, FormProblem, Select, useForm } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { usePages, useRested } from "../ui/load.js";
import { Button, Empty, Head, Pages } from "../ui/parts.js";

export default function TeamDirectory() {
  useTitle(t("Find a team"));
  const { teams, router } = useApp();
  const { query } = useHere();
  const [wanted, setWanted] = useState(query.q ?? "");
  const list = usePages("/teams/directory", { q: useRested(wanted.trim()) });
  const [chosen, setChosen] = useState(null);
  const mine = new Set(teams.map((one) => one.id));
  return html`<div class="narrow"><${Head} title=${t("Find a team")} back=${{ to: "/welcome", name: t("Other ways") }} />
    <${Field} label=${t("Name of the team")} type="search" value=${wanted} onInput=${(event) => setWanted(event.target.value)} autocomplete="off" />
    <${Pages} list=${list} empty=${html`<${Empty} icon="teams" title=${t("No team of that name")}>${t("Ask for an invitation, or found the team yourself.")}<//>`}>
      ${(items) => html`<ul class="rows card">${items.map((team) => html`<li key=${team.id} class="row-item">
        <div><strong>${team.name}</strong>${team.description && html`<p class="fine">${team.description}</p>`}</div>
        ${mine.has(team.id) ? html`<span class="badge">${t("You are in it")}</span>`
          : html`<${Button} kind="quiet small" onClick=${() => setChosen(team)} label=${t("Apply to {team}", { team: team.name })}>${t("Apply")}<//>`}</li>`)}</ul>`}
    <//></div>
    ${chosen && html`<${Apply} team=${chosen} close=${() => setChosen(null)} done=${() => router.go("/welcome")} />`}`;
}

function Apply({ team, close, done }) {
  const { make, say } = useApp();
  const form = useForm({ message: "", group: "" }, async ({ message, group }) => {
    await make(`/teams/${team.id}/applications`, { message: message.trim(), group: group || null });
    close();
    say(t("Your application to {team} is sent.", { team: team.name }));
    done();
  });
  return html`<${Dialog} title=${t("Apply to {team}", { team: team.name })} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
      <${Field} label=${t("A line about yourself")} hint=${t("Who you are, and what you would like to do.")} multiline rows=${3} maxLength="500" data-first ...${form.field("message")} />
      ${team.groups.length > 0 && html`<${Select} label=${t("Group")} name="group" value=${form.values.group} error=${form.errors.group} options=${[["", t("No group")], ...team.groups.map((one) => [one.id, one.name])]} onChange=${form.field("group").onInput} />`}
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Send")}<//></div>
    </form><//>`;
}
