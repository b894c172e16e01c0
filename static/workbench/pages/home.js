// What happened in the teams, newest first, a day at a time; new things come in by themselves.
import { t, tn } from "../lib/i18n.js";
import { byDay, dayName } from "../lib/time.js";
import { useApp, useHere, useLive, useTitle } from "../ui/context.js";
import { FeedItem } from "../ui/feed.js";
import { Select } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { useAll, usePages } from "../ui/load.js";
import { Button, ButtonLink, Empty, Head, nameOf, Pages } from "../ui/parts.js";

export default function Home() {
  useTitle(t("Home"));
  const { team, teams, router } = useApp();
  const { query } = useHere();
  const wanted = { team: query.team ?? team.id, project: query.project, group: query.group, person: query.person };
  const list = usePages("/feed", wanted);
  const [waiting, setWaiting] = useState(0);
  const isFiltered = Boolean(query.project || query.group || query.person);
  const show = () => {
    setWaiting(0);
    list.reload();
  };
  useLive("feed", () => {
    // At the top of the page news simply appears; further down it must not move what is read.
    if (scrollY < 80) list.reload();
    else setWaiting((n) => n + 1);
  });
  useLive("gap", list.reload);
  return html`<${Head} title=${t("Home")} actions=${html`<${ButtonLink} to="/statuses?new=1" icon="edit">${t("Post a status")}<//>`}>
      ${t("What happened in {team}", { team: team.name })}<//>
    <${Filters} query=${query} teams=${teams} team=${team} set=${(more) => router.setQuery(more)} />
    ${waiting > 0 && html`<div class="news"><${Button} kind="small" onClick=${show}>${tn(waiting, "Show 1 new thing", "Show {n} new things")}<//></div>`}
    <${Pages} list=${list} lines=${6} empty=${html`<${Nothing} isFiltered=${isFiltered} clear=${() => router.setQuery({ project: "", group: "", person: "" })} />`}>
      ${(items) => byDay(items).map((day) => html`<section class="day" key=${day.key}>
        <h2>${dayName(day.at)}</h2>
        <ul class="events card">${day.items.map((event) => html`<${FeedItem} key=${event.id} event=${event} />`)}</ul>
      </section>`)}
    <//>`;
}

function Nothing({ isFiltered, clear }) {
  if (isFiltered) {
    return html`<${Empty} icon="search" title=${t("Nothing fits these filters")} action=${html`<${Button} kind="quiet" onClick=${clear}>${t("Show everything")}<//>`} />`;
  }
  return html`<${Empty} icon="home" title=${t("It is still quiet here")} action=${html`<${ButtonLink} to="/projects">${t("Begin a project")}<//>`}>
    ${t("Documents, files, statuses and comments of your team show up here as they happen.")}<//>`;
}

function Filters({ query, team, set }) {
  const projects = useAll(`/teams/${team.id}/projects`).items;
  const groups = useAll(`/teams/${team.id}/groups`).items;
  const members = useAll(`/teams/${team.id}/members`).items;
  const choice = (name, label, all, options) => html`<${Select} label=${label} hideLabel name=${name} value=${query[name] ?? ""}
    options=${[["", all], ...options]} onChange=${(event) => set({ [name]: event.target.value })} />`;
  return html`<div class="filters home-filters" role="group" aria-label=${t("Filters")}>
    ${choice("project", t("Project"), t("All projects"), projects.map((one) => [one.id, one.name]))}
    ${choice("group", t("Group"), t("All groups"), groups.map((one) => [one.id, one.name]))}
    ${choice("person", t("Person"), t("Everybody"), members.map(({ user }) => [user.id, nameOf(user)]))}
  </div>`;
}
