// Files on their way up: progress, pause, go on, give up.
import { API } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { sendOctets } from "../lib/octets.js";
import { size } from "../lib/time.js";
import { memoryOf, Upload } from "../lib/upload.js";
import { useApp } from "./context.js";
import { html, useEffect, useReducer, useRef, useState } from "./html.js";
import { Button } from "./parts.js";
import { explain } from "./words.js";

const OCTETS = "application/octet-stream";

/** How one file talks to the API. A missing sign-in is asked for by `find`, which waits for it. */
function wireOf(api, project, file, parent) {
  const key = crypto.randomUUID();
  return {
    create: () => api.post(`/projects/${project}/uploads`, { name: file.name, size: file.size, type: file.type, parent }, { key }),
    find: (id) => api.get(`/uploads/${id}`),
    send: (id, offset, blob, signal, tell) =>
      sendOctets(`${API}/uploads/${id}`, { headers: { "Content-Type": OCTETS, "Upload-Offset": String(offset) }, blob, signal, tell }),
    discard: (id) => api.delete(`/uploads/${id}`),
  };
}

export function useUploads(project, done) {
  const { api, say } = useApp();
  const [all, setAll] = useState([]);
  const finished = useRef(done);
  finished.current = done;
  const begin = (files, parent) => {
    const begun = files.map((file) => new Upload(file, wireOf(api, project, file, parent), memoryOf(globalThis.localStorage, project, file)));
    setAll((old) => [...old, ...begun]);
    run(begun);
  };
  // One after the other: each then gets the whole line, and the first is there soonest.
  const run = async (begun) => {
    for (const upload of begun) {
      upload.subscribe((one) => one.state === "done" && (finished.current(), say(t("{name} is uploaded.", { name: one.file.name }))));
      await upload.start();
    }
  };
  const drop = (upload) => setAll((old) => old.filter((one) => one !== upload));
  const busy = all.some((one) => one.state === "sending");
  useEffect(() => {
    if (!busy) return undefined;
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [busy]);
  useEffect(() => () => all.forEach((one) => one.pause()), [project]);
  return { all, begin, drop };
}

export function Uploads({ uploads }) {
  if (uploads.all.length === 0) return null;
  return html`<section class="uploads" aria-label=${t("Uploads")}><h3>${t("Uploads")}</h3>
    <ul>${uploads.all.map((one) => html`<${Row} key=${`${one.file.name}${one.file.lastModified}`} upload=${one} drop=${() => uploads.drop(one)} />`)}</ul></section>`;
}

function Row({ upload, drop }) {
  const [, redraw] = useReducer((n) => n + 1, 0);
  useEffect(() => upload.subscribe(redraw), [upload]);
  const { file, sent, state, problem } = upload;
  const share = file.size ? Math.round((100 * sent) / file.size) : 100;
  const said = {
    waiting: t("Waiting"),
    sending: t("{sent} of {size}", { sent: size(sent), size: size(file.size) }),
    paused: t("Paused at {sent} of {size}", { sent: size(sent), size: size(file.size) }),
    failed: problem && explain(problem),
    done: t("Uploaded, {size}", { size: size(file.size) }),
  }[state];
  const discard = async () => {
    if (state !== "done") await upload.discard();
    drop();
  };
  const name = { name: file.name };
  return html`<li class=${`upload ${state}`}>
    <span class="upload-name">${file.name}</span>
    <progress max="100" value=${share} aria-label=${t("Progress of {name}", name)}></progress>
    <span class="fine" role=${state === "failed" ? "alert" : undefined}>${said}</span>
    <span class="actions">
      ${state === "sending" && html`<${Button} kind="plain small" icon="pause" label=${t("Pause {name}", name)} onClick=${() => upload.pause()} />`}
      ${["paused", "failed"].includes(state) && html`<${Button} kind="plain small" icon="play" label=${t("Go on with {name}", name)} onClick=${() => upload.start()} />`}
      <${Button} kind="plain small" icon="close" label=${state === "done" ? t("Dismiss {name}", name) : t("Give up {name}", name)} onClick=${discard} />
    </span></li>`;
}
