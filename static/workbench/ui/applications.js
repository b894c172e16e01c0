// Somebody's own applications, as they see them.
import { t } from "../lib/i18n.js";
import { useApp, useLive } from "./context.js";
import { html } from "./html.js";
import { usePages } from "./load.js";
import { Button, When } from "./parts.js";

const stateName = (state) =>
  ({
    open: t("Waiting for an answer"),
    refused: t("Refused"),
  })[state] ?? state;

export function MyApplications() {
  const { api, ask, say, fail, teams, reloadTeams, router } = useApp();
  const list = usePages("/applications");
  const news = async () => {
    list.reload();
    const now = await reloadTeams();
    const joined = now.find((one) => !teams.some((old) => old.id === one.id));
    if (!joined) return;
    say(t("You are in {team} now.", { team: joined.name }));
    if (teams.length === 0) router.go("/");
  };
  useLive("inbox", news);
  useLive("gap", news);
  const withdraw = async (one) => {
    const yes = await ask({ title: t("Withdraw your application to {team}?", { team: one.team.name }), text: t("You can apply again later."), yes: t("Withdraw"), danger: true });
    if (!yes) return;
    try {
      await api.post(`/applications/${one.id}/withdraw`);
      say(t("The application is withdrawn."));
      list.reload();
    } catch (problem) {
      fail(problem);
    }
  };
  const shown = (list.items ?? []).filter((one) => one.state === "open" || one.state === "refused");
  if (shown.length === 0) return null;
  return html`<section class="card"><h2>${t("Your applications")}</h2><ul class="rows">
    ${shown.map((one) => html`<li key=${one.id} class="row-item"><div><strong>${one.team.name}</strong>
      <p class="fine">${stateName(one.state)} · <${When} at=${one.created_at} /></p>
      ${one.reason && html`<p>${t("Their reason: {reason}", { reason: one.reason })}</p>`}</div>
      ${one.state === "open" && html`<${Button} kind="quiet small" onClick=${() => withdraw(one)}>${t("Withdraw")}<//>`}</li>`)}
  </ul></section>`;
}
