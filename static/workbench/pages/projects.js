// The team's projects.
import { t } from "../lib/i18n.js";
import { useApp, useHere, useLive, useTitle } from "../ui/context.js";
import { Dialog } from "../ui/dialog.js";
import { Field, FormProblem, useForm } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { usePages } from "../ui/load.js";
import { Button, Empty, Head, Link, Pages, When } from "../ui/parts.js";

export default function Projects() {
  useTitle(t("Projects"));
  const { team, router } = useApp();
  const { query } = useHere();
  const list = usePages(`/teams/${team.id}/projects`);
  const [making, setMaking] = useState(query.new === "1");
  useLive("feed", (event) => event?.subject?.kind === "project" && list.reload());
  const begin = html`<${Button} icon="plus" onClick=${() => setMaking(true)}>${t("New project")}<//>`;
  return html`<${Head} title=${t("Projects")} actions=${begin}>${t("Documents and files of {team}", { team: team.name })}<//>
    <${Pages} list=${list} empty=${html`<${Empty} icon="projects" title=${t("No project yet")} action=${html`<${Button} onClick=${() => setMaking(true)}>${t("Begin the first")}<//>`}>
        ${t("A project holds documents and files in one tree, for those of the team who work on it.")}<//>`}>
      ${(items) => html`<ul class="grid">${items.map((one) => html`<li key=${one.id}><${Link} class="card tile" to=${`/projects/${one.id}`}>
        <${Icon} name="projects" /><strong>${one.name}</strong>
        ${one.description && html`<p>${one.description}</p>`}
        <span class="fine">${t("Begun")} <${When} at=${one.created_at} /></span><//></li>`)}</ul>`}
    <//>
    <p class="aside"><${Link} class="button plain small" to="/projects/deleted"><${Icon} name="trash" /><span>${t("Deleted projects")}</span><//></p>
    ${making && html`<${NewProject} close=${() => setMaking(false)} done=${(made) => router.go(`/projects/${made.id}`)} />`}`;
}

function NewProject({ close, done }) {
  const { make, team } = useApp();
  const form = useForm({ name: "", description: "" }, async (values) => {
    done(await make(`/teams/${team.id}/projects`, { name: values.name.trim(), description: values.description.trim() }));
  }, ({ name }) => (name.trim() ? {} : { name: t("This must not be empty.") }));
  return html`<${Dialog} title=${t("New project")} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
      <${Field} label=${t("Name")} data-first autocomplete="off" ...${form.field("name")} />
      <${Field} label=${t("What it is about")} multiline rows=${2} ...${form.field("description")} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Begin")}<//></div>
    </form><//>`;
}
