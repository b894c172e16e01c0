// Links that let people join: made, shown once, revoked.
import { t, tn } from "../lib/i18n.js";
import { useApp } from "../ui/context.js";
import { Dialog } from "../ui/dialog.js";
import { Field, FormProblem, Select, useForm } from "../ui/form.js";
import { html, useState } from "../ui/html.js";
import { useAll, usePages } from "../ui/load.js";
import { Button, Empty, Pages, When } from "../ui/parts.js";
import { moment } from "../lib/time.js";
import { roleName, TeamFrame } from "../ui/team-frame.js";

const DAY_S = 86_400;

export default function Invitations() {
  const { team, api, ask, say, fail } = useApp();
  const list = usePages(`/teams/${team.id}/invitations`);
  const [making, setMaking] = useState(false);
  const revoke = async (one) => {
    if (!(await ask({ title: t("Revoke this invitation?"), text: t("Its link no longer lets anybody in. Who has joined stays."), yes: t("Revoke"), danger: true }))) return;
    try {
      await api.delete(`/teams/${team.id}/invitations/${one.id}`);
      say(t("The invitation is revoked."));
      list.reload();
    } catch (problem) {
      fail(problem);
    }
  };
  const alive = { ...list, items: list.items && list.items.filter((one) => !one.revoked_at) };
  const actions = html`<${Button} icon="plus" onClick=${() => setMaking(true)}>${t("New invitation")}<//>`;
  return html`<${TeamFrame} current="invitations" actions=${actions}>
    <${Pages} list=${alive} empty=${html`<${Empty} icon="link" title=${t("No invitations")} action=${html`<${Button} onClick=${() => setMaking(true)}>${t("Invite people")}<//>`}>${t("An invitation is a link: whoever opens it can join.")}<//>`}>
      ${(items) => html`<ul class="rows card">${items.map((one) => html`<li key=${one.id} class="row-item">
        <div><strong>${t("{used} of {uses} used", { used: one.used, uses: one.uses })}</strong><p class="fine">${roleName(one.role)}${one.group && html` · ${one.group.name}`} · ${new Date(one.expires_at) < new Date() ? t("Expired") : t("Valid until {when}", { when: moment(one.expires_at) })} · <${When} at=${one.created_at} /></p></div>
        <${Button} kind="quiet small" onClick=${() => revoke(one)}>${t("Revoke")}<//></li>`)}</ul>`}<//>
    ${making && html`<${Make} close=${() => setMaking(false)} done=${list.reload} />`}<//>`;
}

function Make({ close, done }) {
  const { team, make } = useApp();
  const groups = useAll(`/teams/${team.id}/groups`).items;
  const [code, setCode] = useState(null);
  const form = useForm({ days: "7", uses: "10", role: "member", group: "" }, async ({ days, uses, role, group }) => {
    const made = await make(`/teams/${team.id}/invitations`, { expires_in_s: Number(days) * DAY_S, uses: Number(uses), role, group: group || null });
    setCode(made.code);
    done();
  }, ({ uses }) => (Number(uses) >= 1 ? {} : { uses: t("Write 1 or more.") }));
  if (code) return html`<${Made} code=${code} close=${close} />`;
  const pick = (name) => ({ name, value: form.values[name], error: form.errors[name], onChange: form.field(name).onInput });
  const roles = [["member", roleName("member")], ...(team.role === "owner" ? [["admin", roleName("admin")]] : [])];
  return html`<${Dialog} title=${t("New invitation")} onClose=${close}>
    <form onSubmit=${form.submit} noValidate><${FormProblem} form=${form} />
      <${Select} label=${t("Valid for")} options=${[1, 7, 30].map((n) => [String(n), tn(n, "1 day", "{n} days")])} ...${pick("days")} />
      <${Field} label=${t("For how many people")} type="number" min="1" max="1000" ...${form.field("uses")} />
      <${Select} label=${t("They join as")} options=${roles} ...${pick("role")} />
      <${Select} label=${t("Group")} options=${[["", t("No group")], ...groups.map((one) => [one.id, one.name])]} ...${pick("group")} />
      <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Cancel")}<//><${Button} type="submit" busy=${form.busy}>${t("Make the link")}<//></div></form><//>`;
}

function Made({ code, close }) {
  const { router, say } = useApp();
  const link = `${location.origin}${router.href("/join")}#${encodeURIComponent(code)}`;
  const copy = async (event) => {
    const field = event.target.closest(".dialog").querySelector("input");
    field.select();
    try {
      await navigator.clipboard.writeText(link);
      say(t("The link is copied."));
    } catch {
      // it is selected; the person copies it by hand
    }
  };
  return html`<${Dialog} title=${t("The invitation is ready")} onClose=${close}><p>${t("Send this link to those who are to join. It is shown only now.")}</p>
    <${Field} label=${t("Link")} readOnly value=${link} data-first onFocus=${(event) => event.target.select()} />
    <div class="dialog-foot"><${Button} kind="quiet" onClick=${close}>${t("Close")}<//><${Button} icon="link" onClick=${copy}>${t("Copy the link")}<//></div><//>`;
}
