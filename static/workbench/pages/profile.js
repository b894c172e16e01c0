// The reader's own entry in the directory.
import { LANGUAGES, t } from "../lib/i18n.js";
import { useApp, useTitle } from "../ui/context.js";
import { Avatar } from "../ui/avatar.js";
import { Check, Field, FormProblem, saveChanges, Select, useForm } from "../ui/form.js";
import { html, useRef, useState } from "../ui/html.js";
import { useRead } from "../ui/load.js";
import { Button, Head, nameOf, Read } from "../ui/parts.js";

const FIELDS = ["name", "email", "phone", "bio", "locale"];
const PICTURE_PX = 256;

export default function Profile() {
  useTitle(t("Profile"));
  const entry = useRead("/users/me");
  const [round, setRound] = useState(0);
  return html`<div class="narrow"><${Head} title=${t("Profile")}>${t("Your team sees this.")}<//>
    <${Read} of=${entry}>${(me) => html`<${Picture} me=${me} /><${Form} key=${round} me=${me} read=${entry} done=${() => setRound(round + 1)} />`}<//><${Letters} /></div>`;
}

/** Whether the inbox also comes by e-mail. */
function Letters() {
  const { api, say, fail } = useApp();
  const read = useRead("/notifications/preferences");
  if (!read.data) return null;
  const turn = async (event) => {
    const daily = event.target.checked;
    try {
      const { data } = await api.patch("/notifications/preferences", { daily_email: daily });
      read.set({ data });
      say(daily ? t("Once a day a letter tells what is unread.") : t("No more letters."));
    } catch (problem) {
      read.reload();
      fail(problem);
    }
  };
  return html`<section class="card form"><h2>${t("Letters")}</h2>
    <${Check} label=${t("Once a day, tell me by e-mail what is unread")} checked=${read.data.daily_email} onChange=${turn} /></section>`;
}

function Form({ me, read, done }) {
  const { api, setMe, say } = useApp();
  const [shown] = useState(Object.fromEntries(FIELDS.map((name) => [name, me[name] ?? null])));
  const form = useForm(Object.fromEntries(FIELDS.map((name) => [name, shown[name] ?? ""])), async (written) => {
    const values = Object.fromEntries(FIELDS.map((name) => [name, written[name].trim() || null]));
    setMe(await saveChanges(api, "/users/me", { shown, values, read }));
    say(t("Your profile is saved."));
    done();
  });
  return html`<form class="card form" onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
    <${Field} label=${t("Name")} autocomplete="name" ...${form.field("name")} />
    <${Field} label=${t("E-mail address")} type="email" autocomplete="email" ...${form.field("email")} />
    <${Field} label=${t("Phone")} type="tel" autocomplete="tel" ...${form.field("phone")} />
    <${Field} label=${t("About you")} multiline ...${form.field("bio")} />
    <${Select} label=${t("Language of e-mails")} options=${[["", t("As in the browser")], ...LANGUAGES.map(({ code, name }) => [code, name])]} ...${form.field("locale")} onChange=${form.field("locale").onInput} />
    <div class="form-foot"><${Button} type="submit" busy=${form.busy}>${t("Save")}<//></div>
  </form>`;
}

/** The middle of the picture in `file`, as small as it is shown: whatever a camera made goes up quickly. */
async function square(file) {
  const picture = await createImageBitmap(file);
  const side = Math.min(picture.width, picture.height);
  const canvas = new OffscreenCanvas(PICTURE_PX, PICTURE_PX);
  const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
  canvas.getContext("2d").drawImage(picture, left, top, side, side, 0, 0, PICTURE_PX, PICTURE_PX);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
}

function Picture({ me }) {
  const { api, setMe, say, fail } = useApp();
  const chooser = useRef(null);
  const [busy, setBusy] = useState(false);
  const change = async (deed) => {
    setBusy(true);
    try {
      await deed();
      setMe(await api.get("/users/me"));
      say(t("Your picture is changed."));
    } catch (problem) {
      if (problem instanceof DOMException) say(t("This picture cannot be read. Choose another."), { bad: true });
      else fail(problem);
    }
    setBusy(false);
  };
  const choose = (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    change(async () => {
      const body = await square(file);
      await api.raw("/users/me/avatar", { method: "PUT", headers: { "Content-Type": body.type }, body });
    });
  };
  const { me: shown } = useApp();
  return html`<div class="card picture"><${Avatar} person=${shown ?? me} size="large" />
    <div><strong>${nameOf(shown ?? me)}</strong><p class="fine">${me.username}</p>
      <div class="actions"><input ref=${chooser} class="hush" type="file" accept="image/png,image/jpeg,image/webp" onChange=${choose} tabindex="-1" aria-label=${t("Choose a picture")} />
        <${Button} kind="quiet small" busy=${busy} onClick=${() => chooser.current.click()}>${t("Choose a picture")}<//>
        ${shown?.avatar_url && html`<${Button} kind="quiet small" onClick=${() => change(() => api.delete("/users/me/avatar"))}>${t("Remove it")}<//>`}</div></div></div>`;
}
