// A file: what it is, the way to it, and what is said about it.
import { t } from "../lib/i18n.js";
import { size } from "../lib/time.js";
import { useApp } from "./context.js";
import { html, useState } from "./html.js";
import { NodeComments } from "./comments.js";
import { useRead } from "./load.js";
import { NodeMenu } from "./node-menu.js";
import { Button, Head, nameOf, Read, When } from "./parts.js";
import { Watch } from "./watch.js";

export function FileView({ project, id, node, tree }) {
  const file = useRead(`/files/${id}`);
  return html`<${Read} of=${file}>${(data) => html`
    <${Head} title=${data.name} back=${{ to: `/projects/${project.id}`, name: project.name }}
      actions=${html`<${Download} file=${data} /><${Watch} kind="file" id=${id} /><${NodeMenu} node=${node ?? data} tree=${tree} project=${project} />`}>
      ${size(data.size)} · ${nameOf(data.created_by)} · <${When} at=${data.created_at} /><//>
    <${NodeComments} node=${id} role=${project.role} />`}<//>`;
}

/** Calls carry a header, so that the file comes through the script; the browser keeps it on disk. */
function Download({ file }) {
  const { api, fail } = useApp();
  const [share, setShare] = useState(null);
  const take = async () => {
    setShare(0);
    try {
      const answer = await api.raw(`/files/${file.id}/content`, { headers: { Accept: "*/*" } });
      const counted = answer.body.pipeThrough(counter((bytes) => setShare(Math.round((100 * bytes) / file.size))));
      const blob = await new Response(counted, { headers: { "Content-Type": "application/octet-stream" } }).blob();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = file.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (problem) {
      fail(problem);
    }
    setShare(null);
  };
  return html`<${Button} icon="download" busy=${share !== null} onClick=${take}>${share ? t("Download: {share} %", { share }) : t("Download")}<//>`;
}

function counter(tell) {
  let bytes = 0;
  return new TransformStream({
    transform(piece, out) {
      tell((bytes += piece.byteLength));
      out.enqueue(piece);
    },
  });
}
