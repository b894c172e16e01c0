// A team's name and words, and the deeds that cannot be undone.
import { t } from "../lib/i18n.js";
import { useApp } from "../ui/context.js";
import { Check, Field, FormProblem, saveChanges, Select, useForm } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { useAll, useRead } from "../ui/load.js";
import { Button, nameOf, Read } from "../ui/parts.js";
import { leads, TeamFrame } from "../ui/team-frame.js";

export default function Settings() {
  const { team, me } = useApp();
  const read = useRead(`/teams/${team.id}`);
  const [round, setRound] = useState(0);
  return html`<${TeamFrame} current="settings"><${Read} of=${read}>${(data) => html`
    ${leads(team) && html`<${Words} key=${round} team=${data} read=${read} done=${() => setRound(round + 1)} />`}
    ${team.role === "owner" && html`<${HandOver} team=${data} me=${me} />`}<${Leave} team=${data} isOwner=${team.role === "owner"} etag=${read.etag} />`}<//><//>`;
}

function Words({ team, read, done }) {
  const { api, say, reloadTeams } = useApp();
  const [shown] = useState({ name: team.name, description: team.description ?? "", listed: team.listed });
  const form = useForm(shown, async ({ name, description, listed }) => {
    await saveChanges(api, `/teams/${team.id}`, { shown, read, values: { name: name.trim(), description: description.trim(), listed } });
    say(t("Saved."));
    done();
    reloadTeams();
  });
  return html`<form class="card form" onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
    <${Field} label=${t("Name")} ...${form.field("name")} /><${Field} label=${t("What it is about")} multiline rows=${2} ...${form.field("description")} />
    <${Check} label=${t("People can find this team and apply to it")} checked=${form.values.listed} onChange=${(event) => form.set({ listed: event.target.checked })} />
    <div class="form-foot"><${Button} type="submit" busy=${form.busy}>${t("Save")}<//></div></form>`;
}

function HandOver({ team, me }) {
  const { api, ask, say, fail, reloadTeams } = useApp();
  const members = useAll(`/teams/${team.id}/members`).items.map((one) => one.user).filter((one) => one.id !== me.id);
  const [to, setTo] = useState("");
  if (members.length === 0) return null;
  const hand = async () => {
    const person = members.find((one) => one.id === to);
    if (!person || !(await ask({ title: t("Hand the team over to {name}?", { name: nameOf(person) }), text: t("They become its owner, and you an admin."), yes: t("Hand over"), danger: true }))) return;
    try {
      await api.post(`/teams/${team.id}/hand-over`, { to });
      say(t("{name} owns the team now.", { name: nameOf(person) }));
      reloadTeams();
    } catch (problem) {
      fail(problem);
    }
  };
  return html`<section class="card form"><h2>${t("Hand the team over")}</h2><p>${t("Somebody else becomes its owner.")}</p>
    <${Select} label=${t("To")} value=${to} options=${[["", t("Choose a person")], ...members.map((one) => [one.id, nameOf(one)])]} onChange=${(event) => setTo(event.target.value)} />
    <div class="form-foot"><${Button} kind="quiet" disabled=${!to} onClick=${hand}>${t("Hand over")}<//></div></section>`;
}

function Leave({ team, isOwner, etag }) {
  const { api, me, ask, say, fail, reloadTeams, router } = useApp();
  const attempt = async (question, deed, done) => {
    if (!(await ask({ ...question, danger: true }))) return;
    try {
      await deed();
      await reloadTeams();
      say(done);
      router.go("/");
    } catch (problem) {
      fail(problem);
    }
  };
  const leave = () => attempt({ title: t("Leave {team}?", { team: team.name }), text: t("What you made stays with the team."), yes: t("Leave") },
    () => api.delete(`/teams/${team.id}/members/${me.id}`), t("You have left {team}.", { team: team.name }));
  const dissolve = () => attempt({ title: t("Dissolve {team}?", { team: team.name }), text: t("Nobody will see its projects, statuses and files any more."), yes: t("Dissolve") },
    () => api.delete(`/teams/${team.id}`, { etag }), t("{team} is dissolved.", { team: team.name }));
  return html`<section class="card form"><h2>${isOwner ? t("Dissolve the team") : t("Leave the team")}</h2>
    <p>${isOwner ? t("For everybody, and for good.") : t("What you made stays with the team.")}</p>
    <div class="form-foot">${isOwner ? html`<${Button} kind="danger" onClick=${dissolve}>${t("Dissolve the team")}<//>` : html`<${Button} kind="danger" onClick=${leave}>${t("Leave the team")}<//>`}</div></section>`;
}
