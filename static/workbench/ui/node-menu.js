// The deeds on one thing of the tree.
import { t } from "../lib/i18n.js";
import { liesIn, moved, step, treeOf } from "../lib/tree.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { Field, FormProblem, Select, useForm } from "./form.js";
import { html, useState } from "./html.js";
import { Menu } from "./menu.js";
import { placeIn, writesIn } from "./nodes.js";
import { Button } from "./parts.js";

export function NodeMenu({ node, tree, project }) {
  const { router } = useApp();
  const [dialog, setDialog] = useState(null);
  const known = treeOf(tree.nodes);
  const stepTo = (direction) => {
    const to = known.byId.has(node.id) ? step(known, node.id, direction) : null;
    return to && (() => tree.move(node.id, to, moved(tree.nodes, node.id, to)));
  };
  const writes = writesIn(project);
  const [up, down] = writes ? [stepTo("up"), stepTo("down")] : [];
  const items = [
    writes && { name: t("Rename"), icon: "edit", deed: () => setDialog("rename") },
    writes && { name: t("Move to another folder"), icon: "folder", deed: () => setDialog("move") },
    up && { name: t("Move up"), icon: "chevron", deed: up },
    down && { name: t("Move down"), icon: "down", deed: down },
    node.kind === "document" && { name: t("History"), icon: "history", deed: () => router.go(`${placeIn(project.id, node)}/history`) },
    writes && { name: t("Into the trash"), icon: "trash", danger: true, deed: () => tree.trash(node) },
  ];
  return html`<${Menu} label=${t("More")} items=${items} kind="quiet" />
    ${dialog === "rename" && html`<${Rename} node=${node} tree=${tree} close=${() => setDialog(null)} />`}
    ${dialog === "move" && html`<${Move} node=${node} tree=${tree} known=${known} close=${() => setDialog(null)} />`}`;
}

function Rename({ node, tree, close }) {
  const form = useForm({ name: node.name }, async ({ name }) => {
    await tree.rename(node, name.trim());
    close();
  }, ({ name }) => (name.trim() ? {} : { name: t("This must not be empty.") }));
  return html`<${Dialog} title=${t("Rename {name}", { name: node.name })} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
      <${Field} label=${t("Name")} data-first autocomplete="off" ...${form.field("name")} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Rename")}<//></div>
    </form><//>`;
}

function Move({ node, tree, known, close }) {
  const folders = tree.nodes.filter((one) => one.kind === "folder" && !liesIn(known, one.id, node.id));
  const form = useForm({ parent: node.parent ?? "" }, async ({ parent }) => {
    const to = { parent: parent || null, before: null };
    await tree.move(node.id, to, moved(tree.nodes, node.id, to));
    close();
  });
  const field = form.field("parent");
  return html`<${Dialog} title=${t("Move {name}", { name: node.name })} onClose=${close}>
    <form onSubmit=${form.submit}><${FormProblem} form=${form} />
      <${Select} label=${t("Folder")} options=${[["", t("At the top")], ...folders.map((one) => [one.id, one.name])]} name="parent" value=${field.value} onChange=${field.onInput} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Move")}<//></div>
    </form><//>`;
}
