// The team's deleted projects, for those who led them: the ways back and out.
import { t } from "../lib/i18n.js";
import { useApp, useAttempt, useLive, useTitle } from "../ui/context.js";
import { html } from "../ui/html.js";
import { usePages } from "../ui/load.js";
import { Empty, Head, Pages } from "../ui/parts.js";
import { PutAway } from "../ui/put-away.js";

export default function DeletedProjects() {
  useTitle(t("Deleted projects"));
  const { api, ask, team } = useApp();
  const path = `/teams/${team.id}/projects/deleted`;
  const list = usePages(path);
  useLive("feed", (event) => event?.subject?.kind === "project" && list.reload());
  const attempt = useAttempt(list.reload);
  const restore = (one) => attempt(() => api.post(`/projects/${one.id}/restore`), t("The project {name} is back.", { name: one.name }));
  const erase = async (one) => {
    const text = t("Its documents, files and comments go with it. Nobody can bring them back.");
    const yes = await ask({ title: t("Delete {name} for good?", { name: one.name }), text, yes: t("Delete for good"), danger: true });
    if (yes) attempt(() => api.delete(`${path}/${one.id}`), t("{name} is deleted.", { name: one.name }));
  };
  return html`<div class="narrow"><${Head} title=${t("Deleted projects")} back=${{ to: "/projects", name: t("Projects") }}>${t("What lies here for long is deleted by itself.")}<//>
    <${Pages} list=${list} empty=${html`<${Empty} icon="trash" title=${t("No deleted projects")}>${t("A project that you led and that was deleted can be brought back from here.")}<//>`}>
      ${(items) => html`<ul class="rows card">${items.map((one) => html`<${PutAway} key=${one.id} icon="projects" name=${one.name} by=${one.deleted_by} at=${one.deleted_at}
        restore=${() => restore(one)} erase=${() => erase(one)} />`)}</ul>`}<//></div>`;
}
