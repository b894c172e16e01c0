// Write or change a progress post; the text is kept until it is sent.
import { tagOf } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { Field, FormProblem, Select, useForm } from "./form.js";
import { html } from "./html.js";
import { useAll } from "./load.js";
import { Button } from "./parts.js";

const PARTS = ["title", "done", "problems", "next", "body"];
const text = (value) => value?.trim() || null;

export function StatusForm({ status = null, close, done }) {
  const { api, make, team, drafts, say } = useApp();
  const name = status ? `status.${status.id}` : `status.new.${team.id}`;
  const groups = useAll(`/teams/${team.id}/groups`).items;
  const initial = { ...Object.fromEntries(PARTS.map((part) => [part, status?.[part] ?? ""])), group: status?.group?.id ?? "" };
  const kept = drafts.find(name)?.text;
  const form = useForm(kept ? { ...initial, ...JSON.parse(kept) } : initial, async (values) => {
    const said = { title: values.title.trim(), body: values.body.trim(), group: values.group || null };
    for (const part of ["done", "problems", "next"]) said[part] = text(values[part]);
    const answer = status
      ? (await api.patch(`/statuses/${status.id}`, said, { etag: tagOf(status) })).data
      : await make(`/teams/${team.id}/statuses`, said);
    drafts.forget(name);
    close();
    say(status ? t("Saved.") : t("Your status is posted."));
    done(answer);
  }, ({ title }) => (title.trim() ? {} : { title: t("This must not be empty.") }));
  const field = (part) => ({
    ...form.field(part),
    onInput: (event) => {
      form.set({ [part]: event.target.value });
      drafts.keep(name, JSON.stringify({ ...form.values, [part]: event.target.value }));
    },
  });
  return html`<${Dialog} wide title=${status ? t("Edit the status") : t("Post a status")} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
      <${Field} label=${t("Title")} data-first autocomplete="off" ...${field("title")} />
      ${groups.length > 0 && html`<${Select} label=${t("Group")} name="group" value=${form.values.group} error=${form.errors.group} options=${[["", t("No group")], ...groups.map((one) => [one.id, one.name])]} onChange=${(event) => form.set({ group: event.target.value })} />`}
      <${Field} label=${t("Done")} multiline rows=${3} ...${field("done")} />
      <${Field} label=${t("Problems")} multiline rows=${2} ...${field("problems")} />
      <${Field} label=${t("Next")} multiline rows=${2} ...${field("next")} />
      <${Field} label=${t("Anything else")} hint=${t("Markdown works in all of these; @name calls somebody.")} multiline rows=${3} ...${field("body")} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${status ? t("Save") : t("Post")}<//></div>
    </form><//>`;
}
