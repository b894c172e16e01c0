// An invitation's link: what it leads to, and the yes to it. The code is behind the #, so that no
// server, log or referrer ever holds it.
import { t } from "../lib/i18n.js";
import { decoded } from "../lib/router.js";
import { useApp, useHere, useTitle } from "../ui/context.js";
import { html, useEffect, useState } from "../ui/html.js";
import { Button, ButtonLink, Failed, Head, Loading, nameOf, Notice, When } from "../ui/parts.js";
import { explain } from "../ui/words.js";

const OVER = [400, 404, 410, 422]; // what the code itself is to blame for

export default function Join() {
  useTitle(t("Invitation"));
  const { api, teams, reloadTeams, chooseTeam, router, say } = useApp();
  const { hash } = useHere();
  const code = decoded(hash);
  const [state, setState] = useState({});
  const [busy, setBusy] = useState(false);
  const look = () => {
    setState({});
    if (code) api.post("/invitations/look", { code }).then((invitation) => setState({ invitation }), (problem) => setState({ problem }));
  };
  useEffect(look, [code]);
  const accept = async () => {
    setBusy(true);
    try {
      const answer = await api.post("/invitations/accept", { code });
      const { team } = answer;
      chooseTeam(team.id);
      await reloadTeams();
      say(t("You are in {team} now.", { team: team.name }));
      router.go("/", { replace: true });
    } catch (problem) {
      setState({ ...state, problem });
      setBusy(false);
    }
  };
  if (!code || OVER.includes(state.problem?.status)) {
    return html`<${Head} title=${t("Invitation")} />
      <${Notice} kind="bad" title=${t("This invitation is not valid")}><p>${t("It may have expired, been used up or revoked. Ask for a new one.")}</p><//>
      <p><${ButtonLink} to="/welcome" kind="quiet">${t("Other ways")}<//></p>`;
  }
  if (!state.invitation) return html`<${Head} title=${t("Invitation")} />${state.problem ? html`<${Failed} problem=${state.problem} retry=${look} />` : html`<${Loading} />`}`;
  const { team, group, member: isIn, expires_at: until, invited_by: by } = state.invitation;
  return html`<div class="narrow"><${Head} title=${t("You are invited to {team}", { team: team.name })} />
    ${state.problem && html`<${Notice} kind="bad"><p>${explain(state.problem)}</p><//>`}
    <section class="card way">
      <p>${group ? t("{name} invites you, into the group {group}.", { name: nameOf(by), group: group.name }) : t("{name} invites you.", { name: nameOf(by) })}</p>
      <p>${t("As a member you see the team's projects, statuses and people, and they see your profile.")}</p>
      ${until && html`<p class="fine">${t("Valid until")} <${When} at=${until} /></p>`}
      <div class="pair">${isIn ? html`<${ButtonLink} to="/">${t("You are in it already")}<//>` : html`<${Button} busy=${busy} onClick=${accept}>${t("Join the team")}<//>`}
        ${!isIn && html`<${ButtonLink} to=${teams.length ? "/" : "/welcome"} kind="quiet">${t("Not now")}<//>`}</div>
    </section></div>`;
}
