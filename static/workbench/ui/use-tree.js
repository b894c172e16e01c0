// A project's tree as the server has it, kept up to date, with the deeds on it.
import { tagOf } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { pathTo, treeOf } from "../lib/tree.js";
import { useApp, useLive } from "./context.js";
import { useEffect, useMemo, useState } from "./html.js";
import { useRead } from "./load.js";
import { placeIn } from "./nodes.js";

export function useTree(project, selected) {
  const { api, make, fail, say, ask, router } = useApp();
  const read = useRead(`/projects/${project}/tree`);
  const [mine, setMine] = useState(null); // an order that is on its way to the server
  const [open, setOpen] = useState(() => new Set());
  const nodes = useMemo(() => mine ?? read.data?.items ?? [], [mine, read.data]);
  useEffect(() => setMine(null), [read.data]);
  const refresh = (event) => (event === null || !event?.project || event.project.id === project) && read.reload();
  useLive("feed", refresh);
  useLive("gap", () => read.reload());
  useEffect(() => {
    const folders = selected ? pathTo(treeOf(nodes), selected).map((node) => node.id) : [];
    if (folders.some((id) => !open.has(id))) setOpen(new Set([...open, ...folders]));
  }, [selected, nodes.length]);

  const attempt = async (deed) => {
    try {
      return await deed();
    } catch (problem) {
      setMine(null);
      read.reload();
      fail(problem);
      return null;
    }
  };
  const move = (id, to, order) => {
    setMine(order);
    return attempt(async () => {
      // A place is relative to what is there; who came second simply moves it again.
      await api.patch(`/nodes/${id}`, to, { etag: "*" });
      read.reload();
    });
  };
  const rename = (node, name) => api.patch(`/nodes/${node.id}`, { name }, { etag: tagOf(node) }).then(read.reload);
  const add = async (kind, name, parent) => {
    const body = kind === "folder" ? { name, parent } : { title: name, body: "", parent };
    const made = await make(`/projects/${project}/${kind}s`, body);
    if (parent) setOpen(new Set([...open, parent]));
    read.reload();
    if (kind === "document") router.go(`${placeIn(project, { kind, id: made.id })}?edit=1`);
    return made;
  };
  const restore = (node) =>
    attempt(async () => {
      await api.post(`/nodes/${node.id}/restore`);
      read.reload();
      say(t("{name} is back.", { name: node.name }));
    });
  const trash = async (node) => {
    const text = node.kind === "folder" ? t("Everything in it goes along. You can bring it back from the trash.") : t("You can bring it back from the trash.");
    if (!(await ask({ title: t("Put {name} into the trash?", { name: node.name }), text, yes: t("Into the trash"), danger: true }))) return;
    await attempt(async () => {
      await api.delete(`/nodes/${node.id}`);
      read.reload();
      router.go(`/projects/${project}`);
      say(t("{name} is in the trash.", { name: node.name }), { undo: () => restore(node) });
    });
  };
  return { ...read, nodes, open, setOpen, move, rename, add, trash };
}
