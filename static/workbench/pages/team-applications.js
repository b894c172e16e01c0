// Who wants to join: said yes or, with a reason, no to.
import { t } from "../lib/i18n.js";
import { useApp, useHere, useLive } from "../ui/context.js";
import { Avatar } from "../ui/avatar.js";
import { Toggle } from "../ui/composer.js";
import { Dialog } from "../ui/dialog.js";
import { Field, FormProblem, useForm } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { usePages } from "../ui/load.js";
import { Button, Empty, nameOf, Pages, When } from "../ui/parts.js";
import { TeamFrame } from "../ui/team-frame.js";

export default function Applications() {
  const { team, router } = useApp();
  const { query } = useHere();
  const state = query.state ?? "open";
  const list = usePages(`/teams/${team.id}/applications`, { state });
  useLive("feed", (event) => event?.verb?.startsWith("application.") && list.reload());
  useLive("inbox", list.reload);
  return html`<${TeamFrame} current="applications">
    <div class="filters"><${Toggle} label=${t("Show")} value=${state} options=${[["open", t("Waiting")], ["approved", t("Accepted")], ["refused", t("Refused")]]} onChange=${(one) => router.setQuery({ state: one })} /></div>
    <${Pages} list=${list} empty=${html`<${Empty} icon="teams" title=${state === "open" ? t("Nobody is waiting") : t("Nobody yet")}>${t("Whoever applies to this team appears here.")}<//>`}>
      ${(items) => html`<ul class="rows card">${items.map((one) => html`<${Application} key=${one.id} application=${one} reload=${list.reload} />`)}</ul>`}<//><//>`;
}

function Application({ application, reload }) {
  const { api, say, fail } = useApp();
  const [refusing, setRefusing] = useState(false);
  const [busy, setBusy] = useState(false);
  const person = application.user;
  const name = nameOf(person);
  const approve = async () => {
    setBusy(true);
    try {
      await api.post(`/applications/${application.id}/approve`);
      say(t("{name} is in the team now.", { name }));
      reload();
    } catch (problem) {
      fail(problem);
    }
    setBusy(false);
  };
  return html`<li class="row-item"><${Avatar} person=${person} />
    <div><strong>${name}</strong><p class="fine"><${When} at=${application.created_at} />${application.group && html` · ${application.group.name}`}</p>
      ${application.message && html`<p class="quote">${application.message}</p>`}${application.reason && html`<p class="fine">${t("Reason: {reason}", { reason: application.reason })}</p>`}</div>
    ${application.state === "open" && html`<div class="actions"><${Button} kind="small" busy=${busy} onClick=${approve} label=${t("Accept {name}", { name })}>${t("Accept")}<//>
      <${Button} kind="quiet small" onClick=${() => setRefusing(true)} label=${t("Refuse {name}", { name })}>${t("Refuse")}<//></div>`}
    ${refusing && html`<${Refuse} application=${application} name=${name} close=${() => setRefusing(false)} done=${reload} />`}</li>`;
}

function Refuse({ application, name, close, done }) {
  const { api, say } = useApp();
  const form = useForm({ reason: "" }, async ({ reason }) => {
    await api.post(`/applications/${application.id}/refuse`, { reason: reason.trim() });
    close();
    say(t("{name} is told.", { name }));
    done();
  }, ({ reason }) => (reason.trim() ? {} : { reason: t("This must not be empty.") }));
  return html`<${Dialog} title=${t("Refuse {name}", { name })} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} /><${Field} label=${t("Reason")} hint=${t("They read it.")} multiline rows=${3} data-first ...${form.field("reason")} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} kind="danger solid" type="submit" busy=${form.busy}>${t("Refuse")}<//></div></form><//>`;
}
