// The team's progress posts, newest first, by their words, group, author and day.
import { t } from "../lib/i18n.js";
import { ZONE } from "../lib/time.js";
import { useApp, useHere, useLive, useTitle } from "../ui/context.js";
import { Field, Select } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { useAll, usePages, useRested } from "../ui/load.js";
import { Button, Empty, Head, nameOf, Pages, Sections } from "../ui/parts.js";
import { StatusCard } from "../ui/status-card.js";
import { StatusForm } from "../ui/status-form.js";

export const statusSections = (current) => html`<${Sections} label=${t("Statuses")} items=${[
  { to: "/statuses", name: t("Posts"), current: current === "posts" },
  { to: "/statuses/digest", name: t("Weekly digest"), current: current === "digest" },
]} />`;

export default function Statuses() {
  useTitle(t("Statuses"));
  const { team, router } = useApp();
  const { query } = useHere();
  const [writing, setWriting] = useState(query.new === "1");
  const { group, author, from, to } = query;
  const q = useRested((query.q ?? "").trim(), 300);
  const wanted = { q, group, author, from, to };
  const isFiltered = Object.values(wanted).some(Boolean);
  const list = usePages(`/teams/${team.id}/statuses`, { ...wanted, zone: ZONE }, { limit: 20 });
  const put = (changed) => list.change((items) => items.map((one) => (one.id === changed.id ? { ...one, ...changed } : one)));
  useLive("feed", (event) => event?.subject?.kind === "status" && list.reload());
  useLive("gap", list.reload);
  const everything = () => router.setQuery(Object.fromEntries(Object.keys(wanted).map((name) => [name, ""])));
  const close = () => {
    setWriting(false);
    if (query.new) router.setQuery({ new: "" });
  };
  return html`<div class="narrow"><${Head} title=${t("Statuses")} actions=${html`<${Button} icon="edit" onClick=${() => setWriting(true)}>${t("Post a status")}<//>`}>${t("What everybody in {team} is at", { team: team.name })}<//>
    ${statusSections("posts")}<${Filters} query=${query} team=${team} set=${(more) => router.setQuery(more)} />
    <${Pages} list=${list} empty=${isFiltered ? html`<${Empty} icon="search" title=${t("Nothing fits these filters")} action=${html`<${Button} kind="quiet" onClick=${everything}>${t("Show everything")}<//>`} />`
      : html`<${Empty} icon="statuses" title=${t("No status yet")} action=${html`<${Button} onClick=${() => setWriting(true)}>${t("Post the first")}<//>`}>${t("Say in a few lines what is done, what is in the way, and what comes next.")}<//>`}>
      ${(items) => html`<div class="stack">${items.map((one) => html`<${StatusCard} key=${one.id} status=${one} changed=${put} removed=${list.reload} />`)}</div>`}<//></div>
    ${writing && html`<${StatusForm} close=${close} done=${list.reload} />`}`;
}

function Filters({ query, team, set }) {
  const groups = useAll(`/teams/${team.id}/groups`).items;
  const members = useAll(`/teams/${team.id}/members`).items;
  const change = (name) => (event) => set({ [name]: event.target.value });
  return html`<div class="filters" role="group" aria-label=${t("Filters")}>
    <${Field} label=${t("Words to look for")} hideLabel type="search" placeholder=${t("Words in titles and texts")} maxLength="100" value=${query.q ?? ""} onInput=${change("q")} />
    <${Select} label=${t("Group")} hideLabel value=${query.group ?? ""} options=${[["", t("All groups")], ...groups.map((one) => [one.id, one.name])]} onChange=${change("group")} />
    <${Select} label=${t("Person")} hideLabel value=${query.author ?? ""} options=${[["", t("Everybody")], ...members.map(({ user }) => [user.id, nameOf(user)])]} onChange=${change("author")} />
    <${Field} label=${t("From")} type="date" value=${query.from ?? ""} onChange=${change("from")} /><${Field} label=${t("Until")} type="date" value=${query.to ?? ""} onChange=${change("to")} /></div>`;
}
