// What was put away in a project: by whom, when, and the ways back and out.
import { t, tn } from "../lib/i18n.js";
import { useApp, useAttempt, useLive, useTitle } from "../ui/context.js";
import { html } from "../ui/html.js";
import { usePages, useRead } from "../ui/load.js";
import { iconOf, leadsProject, writesIn } from "../ui/nodes.js";
import { Empty, Head, Pages } from "../ui/parts.js";
import { PutAway } from "../ui/put-away.js";

export default function Trash({ project: id }) {
  useTitle(t("Trash"));
  const { api, ask } = useApp();
  const project = useRead(`/projects/${id}`);
  const list = usePages(`/projects/${id}/trash`);
  useLive("feed", (event) => event?.project?.id === id && list.reload());
  const leads = leadsProject(project.data);
  const writes = writesIn(project.data);
  const attempt = useAttempt(list.reload);
  const restore = (one) => attempt(() => api.post(`/nodes/${one.id}/restore`), t("{name} is back.", { name: one.name }));
  const erase = async (one) => {
    const yes = await ask({ title: t("Delete {name} for good?", { name: one.name }), text: t("Nobody can bring it back."), yes: t("Delete for good"), danger: true });
    if (yes) attempt(() => api.delete(`/trash/${one.id}`), t("{name} is deleted.", { name: one.name }));
  };
  return html`<div class="narrow"><${Head} title=${t("Trash")} back=${{ to: `/projects/${id}`, name: project.data?.name ?? t("Project") }}>${t("What lies here for long is deleted by itself.")}<//>
    <${Pages} list=${list} empty=${html`<${Empty} icon="trash" title=${t("The trash is empty")} />`}>
      ${(items) => html`<ul class="rows card">${items.map((one) => html`<${PutAway} key=${one.id} icon=${iconOf(one)} name=${one.name} by=${one.trashed_by} at=${one.trashed_at}
        note=${one.items > 1 && tn(one.items - 1, "1 thing in it", "{n} things in it")} restore=${writes && (() => restore(one))} erase=${leads && (() => erase(one))} />`)}</ul>`}<//></div>`;
}
