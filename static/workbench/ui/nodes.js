// What the tree's things are called and how they look.
import { t } from "../lib/i18n.js";

export const iconOf = (node) => ({ folder: "folder", document: "document", file: "file" })[node.kind] ?? "document";
export const kindName = (kind) => ({ folder: t("Folder"), document: t("Document"), file: t("File"), project: t("Project"), status: t("Status") })[kind] ?? kind;
export const placeIn = (project, node) => `/projects/${project}/${node.kind}s/${node.id}`;

/** Whether the reader arranges a project: its people, its name, its end. */
export const leadsProject = (project) => ["lead", "team_admin"].includes(project?.role);
/** Whether the reader changes what is in a project. */
export const writesIn = (project) => ["lead", "team_admin", "member"].includes(project?.role);
/** What somebody is in a project. */
export const standingName = (role) => ({ lead: t("Lead"), member: t("Member"), reader: t("Reader"), team_admin: t("Admin of the team") })[role] ?? role;
