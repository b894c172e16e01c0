// The first steps of somebody without a team, and the way to a further one.
import { t } from "../lib/i18n.js";
import { decoded } from "../lib/router.js";
import { useApp, useTitle } from "../ui/context.js";
import { Field, FormProblem, useForm } from "../ui/form.js";
import { html } from "../ui/html.js";
import { Button, ButtonLink, Head, nameOf } from "../ui/parts.js";
import { MyApplications } from "../ui/applications.js";

export default function Welcome() {
  const { me, teams } = useApp();
  const isNew = teams.length === 0;
  const title = isNew ? t("Welcome, {name}", { name: nameOf(me) }) : t("Another team");
  useTitle(title);
  return html`<div class="narrow"><${Head} title=${title}>${isNew ? t("You are not in a team yet. There are three ways into one.") : t("You can be in several teams at once.")}<//>
    <${MyApplications} />
    <div class="ways">
      <section class="card way"><h2>${t("Join a team that is here")}</h2>
        <p>${t("Find your team, write a line about yourself, and somebody of theirs decides.")}</p>
        <${ButtonLink} to="/teams/directory" kind="quiet" icon="search">${t("Find a team")}<//></section>
      <section class="card way"><h2>${t("Accept an invitation")}</h2>
        <p>${t("Open the link that somebody sent you, or paste it here.")}</p><${Code} /></section>
      <section class="card way"><h2>${t("Found a team")}</h2>
        <p>${t("You become its owner, and invite the others.")}</p><${Found} /></section>
    </div></div>`;
}

function Code() {
  const { router } = useApp();
  const form = useForm({ code: "" }, ({ code }) => router.go(`/join#${encodeURIComponent(codeIn(code))}`),
    ({ code }) => (code.trim() ? {} : { code: t("This must not be empty.") }));
  return html`<form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
    <${Field} label=${t("Link or code")} ...${form.field("code")} autocomplete="off" />
    <${Button} kind="quiet" type="submit">${t("Look at the invitation")}<//></form>`;
}

const codeIn = (text) => {
  const given = text.trim().split("#").at(-1);
  return decoded(given) ?? given;
};

function Found() {
  const { make, reloadTeams, chooseTeam, router, say } = useApp();
  const form = useForm({ name: "" }, async ({ name }) => {
    const team = await make("/teams", { name: name.trim() });
    chooseTeam(team.id);
    await reloadTeams();
    say(t("The team {name} is there.", { name: team.name }));
    router.go("/teams/invitations");
  }, ({ name }) => (name.trim() ? {} : { name: t("This must not be empty.") }));
  return html`<form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
    <${Field} label=${t("Name of the team")} ...${form.field("name")} autocomplete="off" maxLength="80" />
    <${Button} type="submit" busy=${form.busy}>${t("Found the team")}<//></form>`;
}
