// What concerns the reader alone: mentions, replies, and what they watch.
import { t } from "../lib/i18n.js";
import { byDay, clock, dayName } from "../lib/time.js";
import { useApp, useHere, useLive, useTitle } from "../ui/context.js";
import { Avatar } from "../ui/avatar.js";
import { Sentence } from "../ui/feed.js";
import { html } from "../ui/html.js";
import { Toggle } from "../ui/composer.js";
import { usePages } from "../ui/load.js";
import { Button, Empty, Head, Pages } from "../ui/parts.js";

const REASONS = {
  mention: () => t("You are mentioned."),
  reply: () => t("It is an answer to you."),
};

export default function Inbox() {
  useTitle(t("Inbox"));
  const { api, router, recount, fail, unread } = useApp();
  const { query } = useHere();
  const onlyUnread = query.unread === "1";
  const list = usePages("/notifications", { unread: onlyUnread ? "true" : "" });
  useLive("inbox", list.reload);
  useLive("gap", list.reload);
  const mark = async (body, fits) => {
    try {
      await api.post("/notifications/read", body);
      list.change((items) => items.map((one) => (fits(one) ? { ...one, read_at: new Date().toISOString() } : one)));
      recount();
    } catch (problem) {
      fail(problem);
    }
  };
  const newest = list.items?.[0];
  const all = newest && unread > 0 && html`<${Button} kind="quiet" icon="check" onClick=${() => mark({ up_to: newest.id }, () => true)}>${t("Mark all as read")}<//>`;
  return html`<${Head} title=${t("Inbox")} actions=${all}>${t("Mentions, replies, and news of what you watch")}<//>
    <div class="filters"><${Toggle} label=${t("Show")} value=${onlyUnread ? "1" : ""} onChange=${(unread) => router.setQuery({ unread })}
      options=${[["", t("All")], ["1", t("Unread")]]} /></div>
    <${Pages} list=${list} empty=${html`<${Empty} icon="inbox" title=${onlyUnread ? t("Nothing unread") : t("Nothing here yet")}>
        ${t("When somebody mentions you with @, replies to you or changes what you watch, you read of it here.")}<//>`}>
      ${(items) => byDay(items, (one) => one.event.at).map((day) => html`<section class="day" key=${day.key}>
        <h2>${dayName(day.at)}</h2>
        <ul class="events card">${day.items.map((one) => html`<${Item} key=${one.id} notification=${one} read=${() => mark({ ids: [one.id] }, (other) => other.id === one.id)} />`)}</ul>
      </section>`)}
    <//>`;
}

function Item({ notification, read }) {
  const { event } = notification;
  const isNew = !notification.read_at;
  const open = ({ target }) => target.closest("a") && isNew && read();
  return html`<li class=${`event ${isNew ? "new" : ""}`} onClick=${open}>
    <${Avatar} person=${event.actor} />
    <div><p><${Sentence} event=${event} />${isNew && html`<span class="hush"> ${t("(unread)")}</span>`}</p>
      ${REASONS[notification.reason] && html`<p class="fine">${REASONS[notification.reason]()}</p>`}
      <p class="fine"><time dateTime=${event.at}>${clock(event.at)}</time>${event.project && html` · ${event.project.name}`}</p></div>
    ${isNew && html`<${Button} kind="plain" icon="check" label=${t("Mark as read")} onClick=${read} />`}
  </li>`;
}
