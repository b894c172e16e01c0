// One project: its tree beside what is chosen in it.
import { t } from "../lib/i18n.js";
import { useApp, useTitle } from "../ui/context.js";
import { Dialog } from "../ui/dialog.js";
import { Field, FormProblem, saveChanges, useForm } from "../ui/form.js";
import { html, useRef, useState } from "../ui/html.js";
import { useRead } from "../ui/load.js";
import { Menu } from "../ui/menu.js";
import { leadsProject, placeIn, writesIn } from "../ui/nodes.js";
import { Button, Empty, Failed, Head, Loading } from "../ui/parts.js";
import { Tree } from "../ui/tree.js";
import { Uploads, useUploads } from "../ui/uploads.js";
import { useTree } from "../ui/use-tree.js";
import { DocumentView } from "../ui/document.js";
import { FileView } from "../ui/file.js";
import { FolderView } from "../ui/folder.js";
import { Watch } from "../ui/watch.js";

const VIEWS = { documents: DocumentView, files: FileView, folders: FolderView };

export default function Project({ project: id, kind, node: selected }) {
  const { router } = useApp();
  const project = useRead(`/projects/${id}`);
  const tree = useTree(id, selected);
  const uploads = useUploads(id, tree.reload);
  const node = tree.nodes.find((one) => one.id === selected);
  useTitle([node?.name, project.data?.name].filter(Boolean).join(" · "));
  if (!project.data) return project.problem ? html`<${Failed} problem=${project.problem} retry=${project.reload} />` : html`<${Loading} />`;
  const Shown = VIEWS[kind];
  const parent = node?.kind === "folder" ? node.id : (node?.parent ?? null);
  return html`<div class=${`project ${selected ? "with-node" : ""}`}>
    <aside class="project-side"><${Side} project=${project} tree=${tree} uploads=${uploads} selected=${selected} parent=${parent} /></aside>
    <section class="project-main" aria-label=${node?.name ?? project.data.name}>
      ${Shown ? html`<${Shown} key=${selected} project=${project.data} id=${selected} node=${node} tree=${tree} uploads=${uploads} choose=${(one) => router.go(placeIn(id, one))} />`
        : html`<${Overview} project=${project} tree=${tree} />`}
    </section>
  </div>`;
}

function Side({ project, tree, uploads, selected, parent }) {
  const { router } = useApp();
  const [adding, setAdding] = useState(null);
  const chooser = useRef(null);
  const { data } = project;
  const writes = writesIn(data);
  const items = [
    { name: t("New document"), icon: "document", deed: () => setAdding("document") },
    { name: t("New folder"), icon: "folder", deed: () => setAdding("folder") },
    { name: t("Upload files"), icon: "upload", deed: () => chooser.current.click() },
  ];
  const chosen = (event) => {
    uploads.begin([...event.target.files], parent);
    event.target.value = "";
  };
  const dropped = (event) => {
    if (!writes || event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    uploads.begin([...event.dataTransfer.files], parent);
  };
  return html`<div class="side-head"><h2><a href=${router.href(`/projects/${data.id}`)}>${data.name}</a></h2>
      ${writes && html`<${Menu} label=${t("Add")} icon="plus" items=${items} kind="small" />`}</div>
    <input ref=${chooser} class="hush" type="file" multiple onChange=${chosen} tabindex="-1" aria-label=${t("Upload files")} />
    <div onDragOver=${(event) => writes && event.dataTransfer.types.includes("Files") && event.preventDefault()} onDrop=${dropped}>
      ${tree.data ? (tree.nodes.length > 0
          ? html`<${Tree} nodes=${tree.nodes} selected=${selected} open=${tree.open} setOpen=${tree.setOpen} move=${writes ? tree.move : null} label=${t("Contents of {project}", { project: data.name })}
              choose=${(node) => router.go(placeIn(data.id, node))} />
            ${writes && html`<p class="fine tree-hint">${t("Drag to move, or Alt with the arrow keys.")}</p>`}`
          : html`<p class="fine">${writes ? t("Nothing in it yet. Add a document, or drop files here.") : t("Nothing in it yet.")}</p>`)
        : tree.problem ? html`<${Failed} problem=${tree.problem} retry=${tree.reload} />` : html`<${Loading} lines=${5} />`}
    </div>
    <${Uploads} uploads=${uploads} />
    ${adding && html`<${Add} kind=${adding} close=${() => setAdding(null)} add=${(name) => tree.add(adding, name, parent)} into=${tree.nodes.find((one) => one.id === parent)} />`}`;
}

function Add({ kind, into, add, close }) {
  const field = kind === "folder" ? "name" : "title"; // what the API calls it
  const form = useForm({ [field]: "" }, async (values) => {
    await add(values[field].trim());
    close();
  }, ({ [field]: name }) => (name.trim() ? {} : { [field]: t("This must not be empty.") }));
  return html`<${Dialog} title=${kind === "folder" ? t("New folder") : t("New document")} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
      <${Field} label=${kind === "folder" ? t("Name") : t("Title")} hint=${into ? t("In {folder}", { folder: into.name }) : undefined} data-first autocomplete="off" ...${form.field(field)} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Add")}<//></div>
    </form><//>`;
}

function Overview({ project, tree }) {
  const { data } = project;
  const { router, ask, api, fail, say } = useApp();
  const [editing, setEditing] = useState(false);
  const remove = async () => {
    if (!(await ask({ title: t("Delete the project {name}?", { name: data.name }), text: t("Its documents, files and comments go with it, for everybody. For some weeks it can be brought back."), yes: t("Delete"), danger: true }))) return;
    try {
      await api.delete(`/projects/${data.id}`);
      const undo = () => api.post(`/projects/${data.id}/restore`).then(() => router.go(`/projects/${data.id}`), fail);
      say(t("The project {name} is deleted.", { name: data.name }), { undo });
      router.go("/projects", { force: true });
    } catch (problem) {
      fail(problem);
    }
  };
  const lead = leadsProject(data);
  const items = [
    { name: t("Members"), icon: "teams", deed: () => router.go(`/projects/${data.id}/members`) },
    { name: t("Trash"), icon: "trash", deed: () => router.go(`/projects/${data.id}/trash`) },
    lead && { name: t("Rename or describe"), icon: "edit", deed: () => setEditing(true) },
    lead && { name: t("Delete the project"), icon: "trash", danger: true, deed: remove },
  ];
  const actions = html`<${Watch} kind="project" id=${data.id} /><${Menu} label=${t("More")} items=${items} kind="quiet" />`;
  return html`<${Head} title=${data.name} back=${{ to: "/projects", name: t("Projects") }} actions=${actions}>${data.description}<//>
    ${tree.data && (tree.nodes.length === 0
      ? html`<${Empty} icon="document" title=${t("An empty project")}>${writesIn(data) && t("Add the first document with the plus sign, or drop files on the tree.")}<//>`
      : html`<${FolderView} project=${data} tree=${tree} id=${null} choose=${(node) => router.go(placeIn(data.id, node))} />`)}
    ${editing && html`<${EditProject} project=${project} close=${() => setEditing(false)} />`}`;
}

function EditProject({ project, close }) {
  const { api } = useApp();
  const { data } = project;
  const [shown] = useState({ name: data.name, description: data.description ?? "" });
  const form = useForm(shown, async ({ name, description }) => {
    await saveChanges(api, `/projects/${data.id}`, { shown, read: project, values: { name: name.trim(), description: description.trim() } });
    close();
  });
  return html`<${Dialog} title=${t("Rename or describe")} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
      <${Field} label=${t("Name")} data-first ...${form.field("name")} />
      <${Field} label=${t("What it is about")} multiline rows=${2} ...${form.field("description")} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Save")}<//></div>
    </form><//>`;
}
