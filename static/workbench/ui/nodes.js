// What the tree's things are called and how they look.
import { t } from "../lib/i18n.js";

export const iconOf = (node) => ({ folder: "folder", document: "document", file: "file" })[node.kind] ?? "document";
export const kindName = (kind) => ({ folder: t("Folder"), document: t("Document"), file: t("File"), project: t("Project"), status: t("Status") })[kind] ?? kind;
export const placeIn = (project, node) => `/projects/${project}/${node.kind}s/${node.id}`;
