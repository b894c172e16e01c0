// Where this person is signed in: the gateway's own list.
import { BASE, fetch as call } from "../../bff/cloakroom.js";
import { t, tn } from "../lib/i18n.js";
import { useApp, useTitle } from "../ui/context.js";
import { html, useCallback, useEffect, useState } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Button, Failed, Head, Loading, When } from "../ui/parts.js";
import { moment } from "../lib/time.js";

const SESSIONS = `${BASE}bff/sessions`;

export default function Devices() {
  useTitle(t("My devices"));
  const { ask, say, fail, signOut } = useApp();
  const [state, setState] = useState({});
  const load = useCallback(async () => {
    try {
      setState(await (await call(SESSIONS)).json());
    } catch (problem) {
      setState({ problem });
    }
  }, []);
  useEffect(() => void load(), [load]);
  const end = async (one) => {
    const name = one.device ?? t("Unknown device");
    if (!(await ask({ title: t("Sign out {device}?", { device: name }), text: t("It will have to sign in again."), yes: t("Sign it out"), danger: true }))) return;
    await call(`${SESSIONS}/${one.id}`, { method: "DELETE" }).then(() => say(t("{device} is signed out.", { device: name })), fail);
    load();
  };
  const endOthers = async () => {
    if (!(await ask({ title: t("Sign out all other devices?"), text: t("Every device but this one will have to sign in again."), yes: t("Sign them out"), danger: true }))) return;
    try {
      const { revoked } = await (await call(`${SESSIONS}/revoke-others`, { method: "POST" })).json();
      say(tn(revoked, "1 device is signed out.", "{n} devices are signed out."));
    } catch (problem) {
      fail(problem);
    }
    load();
  };
  const { sessions, problem } = state;
  const others = sessions?.some((one) => !one.current);
  return html`<div class="narrow"><${Head} title=${t("My devices")} actions=${others && html`<${Button} kind="danger" onClick=${endOthers}>${t("Sign out all others")}<//>`}>
      ${t("Each place where you are signed in holds a ticket of its own.")}<//>
    ${problem ? html`<${Failed} problem=${problem} retry=${load} />` : !sessions ? html`<${Loading} />`
      : html`<ul class="rows card">${sessions.map((one) => html`<li key=${one.id} class="row-item"><${Icon} name="devices" />
        <div><strong>${one.device ?? t("Unknown device")}</strong>${one.current && html` <span class="badge">${t("This device")}</span>`}
          <p class="fine">${t("Last used")} <${When} at=${one.last_seen_at} />${one.ip && html` · ${one.ip}`}</p>
          <p class="fine">${t("Signed in {when}", { when: moment(one.created_at) })}</p></div>
        ${one.current ? html`<${Button} kind="quiet small" onClick=${signOut}>${t("Sign out")}<//>`
          : html`<${Button} kind="quiet small" onClick=${() => end(one)} label=${t("Sign out {device}", { device: one.device ?? t("Unknown device") })}>${t("Sign out")}<//>`}</li>`)}</ul>
        ${!others && html`<p class="fine">${t("You are signed in nowhere else.")}</p>`}`}
  </div>`;
}
