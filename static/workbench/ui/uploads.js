// Files on their way up: progress, pause, go on, give up.
import { API } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { sendOctets } from "../lib/octets.js";
import { size } from "../lib/time.js";
import { memoryOf, Upload } from "../lib/upload.js";
import { useApp } from "./context.js";
import { html, useEffect, useReducer, useRef } from "./html.js";
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

/** The files on their way up, of all projects: they go on whatever page is shown meanwhile. */
export function uploadsOver(api, say) {
  const listeners = new Set();
  let [number, rows] = [0, []];
  const warn = (event) => event.preventDefault(); // they would break off with the page
  const tell = (done = null) => {
    const busy = rows.some(({ upload }) => upload.state === "sending");
    (busy ? addEventListener : removeEventListener)("beforeunload", warn);
    for (const listener of listeners) listener(done);
  };
  const heed = ({ project, upload }) => {
    let known = upload.state;
    upload.subscribe(({ state, file }) => {
      if (state === known) return; // only further on
      known = state;
      if (state === "done") say(t("{name} is uploaded.", { name: file.name }));
      tell(state === "done" ? project : null);
    });
  };
  return {
    of: (project) => rows.filter((row) => row.project === project),
    async begin(project, files, parent) {
      const begun = files.map((file) => {
        const upload = new Upload(file, wireOf(api, project, file, parent), memoryOf(globalThis.localStorage, project, file));
        return { key: (number += 1), project, upload };
      });
      rows = [...rows, ...begun];
      begun.forEach(heed);
      tell();
      // One after the other: each then gets the whole line, and the first is there soonest.
      for (const { upload } of begun) await upload.start();
    },
    drop(upload) {
      rows = rows.filter((row) => row.upload !== upload);
      tell();
    },
    /** `listener` is called at each change, with the project where a file has just arrived. */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The uploads into `project`; calls `done` when a file is there. */
export function useUploads(project, done) {
  const { uploads } = useApp();
  const [, redraw] = useReducer((n) => n + 1, 0);
  const latest = useRef(done);
  latest.current = done;
  useEffect(
    () => uploads.subscribe((arrived) => (redraw(), arrived === project && latest.current())),
    [uploads, project],
  );
  return { all: uploads.of(project), begin: (files, parent) => uploads.begin(project, files, parent), drop: uploads.drop };
}

export function Uploads({ uploads }) {
  if (uploads.all.length === 0) return null;
  return html`<section class="uploads" aria-label=${t("Uploads")}><h3>${t("Uploads")}</h3>
    <ul>${uploads.all.map(({ key, upload }) => html`<${Row} key=${key} upload=${upload} drop=${() => uploads.drop(upload)} />`)}</ul></section>`;
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
