// What was put away in a project: by whom, when, and the ways back and out.
import { t, tn } from "../lib/i18n.js";
import { useApp, useLive, useTitle } from "../ui/context.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { usePages, useRead } from "../ui/load.js";
import { iconOf, leadsProject } from "../ui/nodes.js";
import { Button, Empty, Head, nameOf, Pages, When } from "../ui/parts.js";

export default function Trash({ project: id }) {
  useTitle(t("Trash"));
  const { api, ask, say, fail } = useApp();
  const project = useRead(`/projects/${id}`);
  const list = usePages(`/projects/${id}/trash`);
  useLive("feed", (event) => event?.project?.id === id && list.reload());
  const leads = leadsProject(project.data);
  const attempt = async (deed, done) => {
    try {
      await deed();
      list.reload();
      say(done);
    } catch (problem) {
      fail(problem);
    }
  };
  const restore = (one) => attempt(() => api.post(`/nodes/${one.id}/restore`), t("{name} is back.", { name: one.name }));
  const erase = async (one) => {
    const yes = await ask({ title: t("Delete {name} for good?", { name: one.name }), text: t("Nobody can bring it back."), yes: t("Delete for good"), danger: true });
    if (yes) attempt(() => api.delete(`/trash/${one.id}`), t("{name} is deleted.", { name: one.name }));
  };
  return html`<div class="narrow"><${Head} title=${t("Trash")} back=${{ to: `/projects/${id}`, name: project.data?.name ?? t("Project") }}>${t("What lies here for long is deleted by itself.")}<//>
    <${Pages} list=${list} empty=${html`<${Empty} icon="trash" title=${t("The trash is empty")} />`}>
      ${(items) => html`<ul class="rows card">${items.map((one) => html`<li key=${one.id} class="row-item"><${Icon} name=${iconOf(one)} />
        <div><strong>${one.name}</strong><p class="fine">${nameOf(one.trashed_by)} · <${When} at=${one.trashed_at} />${one.items > 1 && html` · ${tn(one.items - 1, "1 thing in it", "{n} things in it")}`}</p></div>
        <div class="actions"><${Button} kind="quiet small" onClick=${() => restore(one)} label=${t("Restore {name}", { name: one.name })}>${t("Restore")}<//>
          ${leads && html`<${Button} kind="danger small" onClick=${() => erase(one)} label=${t("Delete {name} for good", { name: one.name })}>${t("Delete")}<//>`}</div></li>`)}</ul>`}<//></div>`;
}
