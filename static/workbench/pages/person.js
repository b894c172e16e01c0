// Somebody of one's teams, and what they did.
import { t } from "../lib/i18n.js";
import { byDay, dayName } from "../lib/time.js";
import { useApp, useTitle } from "../ui/context.js";
import { Avatar } from "../ui/avatar.js";
import { FeedItem } from "../ui/feed.js";
import { html } from "../ui/html.js";
import { usePages, useRead } from "../ui/load.js";
import { ButtonLink, Empty, Head, nameOf, Pages, Read } from "../ui/parts.js";

export default function PersonPage({ user }) {
  const { me } = useApp();
  const read = useRead(`/users/${user}`);
  const list = usePages("/feed", { person: user });
  useTitle(read.data && nameOf(read.data));
  return html`<div class="narrow"><${Read} of=${read}>${(person) => html`
    <${Head} title=${nameOf(person)} back=${{ to: "/teams", name: t("Team") }} actions=${person.id === me.id && html`<${ButtonLink} to="/profile" kind="quiet" icon="edit">${t("Edit your profile")}<//>`}>${person.username && `@${person.username}`}<//>
    <section class="card picture"><${Avatar} person=${person} size="large" /><dl class="facts">
      ${person.bio && html`<div><dt>${t("About")}</dt><dd>${person.bio}</dd></div>`}
      ${person.contact?.email && html`<div><dt>${t("E-mail address")}</dt><dd><a href=${`mailto:${person.contact.email}`}>${person.contact.email}</a></dd></div>`}
      ${person.contact?.phone && html`<div><dt>${t("Phone")}</dt><dd><a href=${`tel:${person.contact.phone}`}>${person.contact.phone}</a></dd></div>`}
      ${!person.bio && !person.contact?.email && !person.contact?.phone && html`<div><dt class="hush">${t("About")}</dt><dd class="fine">${t("Nothing told yet.")}</dd></div>`}</dl></section>`}<//>
    <${Pages} list=${list} empty=${html`<${Empty} icon="home" title=${t("Nothing done yet that you may see")} />`}>
      ${(items) => byDay(items).map((day) => html`<section class="day" key=${day.key}><h2>${dayName(day.at)}</h2><ul class="events card">${day.items.map((event) => html`<${FeedItem} key=${event.id} event=${event} showTeam />`)}</ul></section>`)}<//></div>`;
}
