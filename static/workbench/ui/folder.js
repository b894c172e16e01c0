// What lies in a folder, as a list; also what a project begins with.
import { t } from "../lib/i18n.js";
import { size } from "../lib/time.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { NodeMenu } from "./node-menu.js";
import { iconOf, kindName, placeIn, writesIn } from "./nodes.js";
import { Empty, Failed, Head, Link, Loading, When } from "./parts.js";

export function FolderView({ project, id, node, tree }) {
  const children = tree.nodes.filter((one) => (one.parent ?? null) === id);
  if (id && !node) return tree.data ? html`<${Failed} problem=${{ status: 404 }} />` : html`<${Loading} />`;
  return html`${id && html`<${Head} title=${node.name} back=${{ to: `/projects/${project.id}`, name: project.name }} actions=${html`<${NodeMenu} node=${node} tree=${tree} project=${project} />`} />`}
    ${children.length === 0 ? html`<${Empty} icon="folder" title=${t("An empty folder")}>${writesIn(project) && t("Drag something into it, or add a document with the plus sign.")}<//>`
      : html`<ul class="rows card">${children.map((one) => html`<li key=${one.id} class="row-item"><${Icon} name=${iconOf(one)} />
        <div><${Link} to=${placeIn(project.id, one)}>${one.name}<//><p class="fine">${kindName(one.kind)}
          ${one.kind === "file" && ` · ${size(one.size)}`} · <${When} at=${one.updated_at} /></p></div></li>`)}</ul>`}`;
}
