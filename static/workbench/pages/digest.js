// A week of the team, person by person: done, problems, next.
import { t } from "../lib/i18n.js";
import { date, weekAfter, weekDays, weekOf, ZONE } from "../lib/time.js";
import { useApp, useHere, useTitle } from "../ui/context.js";
import { Person } from "../ui/avatar.js";
import { html } from "../ui/html.js";
import { useRead } from "../ui/load.js";
import { Button, Empty, Head, Link, nameOf, Read } from "../ui/parts.js";
import { Report } from "../ui/status-card.js";
import { statusSections } from "./statuses.js";

export default function Digest() {
  const { team, router } = useApp();
  const { query } = useHere();
  const thisWeek = weekOf(new Date());
  const week = /^\d{4}-W\d{2}$/.test(query.week ?? "") ? query.week : thisWeek;
  const read = useRead(`/teams/${team.id}/digest`, { week, zone: ZONE });
  useTitle(t("Weekly digest"));
  const [from, to] = weekDays(week);
  const move = (by) => router.setQuery({ week: weekAfter(week, by) });
  const actions = html`<${Button} kind="quiet" icon="back" label=${t("The week before")} onClick=${() => move(-1)} /><${Button} kind="quiet" icon="chevron" label=${t("The week after")} disabled=${week >= thisWeek} onClick=${() => move(1)} />`;
  return html`<div class="narrow"><${Head} title=${t("Weekly digest")} actions=${actions}>${t("{from} to {to}", { from: date(from), to: date(to) })}<//>
    ${statusSections("digest")}
    <${Read} of=${read}>${({ reports, silent, cut }) => html`
      ${reports.length === 0 ? html`<${Empty} icon="digest" title=${t("Nobody posted in this week")} />`
        : html`<div class="stack">${reports.map((one) => html`<${PersonWeek} key=${one.person.id} report=${one} />`)}</div>`}
      ${cut && html`<p class="fine">${t("There were more posts than are shown here.")}</p>`}
      ${reports.length > 0 && silent.length > 0 && html`<p class="silent fine">${t("Not a word from: {names}", { names: silent.map(nameOf).join(t(", ")) })}</p>`}`}<//></div>`;
}

function PersonWeek({ report }) {
  return html`<section class="card digest"><h2><${Person} person=${report.person} /></h2>
    ${report.posts.map((post) => html`<article key=${post.id}><h3 class="digest-title"><${Link} to=${`/statuses/${post.id}`}>${post.title}<//>
      ${post.group && html` <span class="fine">${post.group.name}</span>`}</h3><${Report} of=${post} level=${4} /></article>`)}</section>`;
}
