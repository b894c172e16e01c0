// One progress post with its talk.
import { t } from "../lib/i18n.js";
import { useApp, useLive, useTitle } from "../ui/context.js";
import { StatusComments } from "../ui/comments.js";
import { html } from "../ui/html.js";
import { useRead } from "../ui/load.js";
import { Head, Read } from "../ui/parts.js";
import { StatusCard } from "../ui/status-card.js";
import { leads } from "../ui/team-frame.js";

export default function Status({ status: id }) {
  const { router, team } = useApp();
  const read = useRead(`/statuses/${id}`);
  useTitle(read.data?.title);
  useLive("feed", (event) => event?.subject?.id === id && read.reload());
  useLive("gap", read.reload);
  return html`<div class="narrow"><${Read} of=${read}>${(status) => html`<${Head} title=${status.title} back=${{ to: "/statuses", name: t("Statuses") }} />
    <${StatusCard} whole status=${status} changed=${(changed) => read.set({ data: { ...status, ...changed } })} removed=${() => router.go("/statuses")} />
    <${StatusComments} status=${id} leads=${leads(team)} />`}<//></div>`;
}
