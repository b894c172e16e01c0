// What the pages of a team have in common: its name and their list.
import { t } from "../lib/i18n.js";
import { useApp, useTitle } from "./context.js";
import { html } from "./html.js";
import { Head, Sections } from "./parts.js";

export const ROLES = ["owner", "admin", "member"];
export const roleName = (role) => ({ owner: t("Owner"), admin: t("Admin"), member: t("Member") })[role] ?? role;
export const leads = (team) => team.role === "owner" || team.role === "admin";

export function TeamFrame({ current, actions, children }) {
  const { team } = useApp();
  useTitle(team.name);
  const lead = leads(team);
  const section = (name, to, title) => ({ to, name: title, current: current === name });
  const items = [
    section("members", "/teams", t("Members")),
    section("groups", "/teams/groups", t("Groups")),
    lead && section("applications", "/teams/applications", t("Applications")),
    lead && section("invitations", "/teams/invitations", t("Invitations")),
    section("settings", "/teams/settings", t("Settings")),
  ].filter(Boolean);
  return html`<div class="narrow"><${Head} title=${team.name} actions=${actions}>${team.description}<//>
    <${Sections} label=${t("Team")} items=${items} />${children}</div>`;
}
