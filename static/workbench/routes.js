// Where each page lives. bff/pages/views.py knows the first parts of these addresses. A page that
// `stays` is the same one as long as that part of its address is: a project with its tree.

const page = (path, load, area, stays = null) => ({ path, load, area, stays });
const project = () => import("./pages/project.js");

export const ROUTES = [
  page("/", () => import("./pages/home.js"), "home"),
  page("/projects", () => import("./pages/projects.js"), "projects"),
  page("/projects/deleted", () => import("./pages/deleted-projects.js"), "projects"),
  page("/projects/:project", project, "projects", "project"),
  page("/projects/:project/members", () => import("./pages/project-members.js"), "projects"),
  page("/projects/:project/trash", () => import("./pages/trash.js"), "projects"),
  page("/projects/:project/:kind/:node", project, "projects", "project"),
  page("/projects/:project/:kind/:node/history", () => import("./pages/history.js"), "projects"),
  page("/statuses", () => import("./pages/statuses.js"), "statuses"),
  page("/statuses/digest", () => import("./pages/digest.js"), "statuses"),
  page("/statuses/:status", () => import("./pages/status.js"), "statuses"),
  page("/teams", () => import("./pages/team.js"), "teams"),
  page("/teams/groups", () => import("./pages/team-groups.js"), "teams"),
  page("/teams/applications", () => import("./pages/team-applications.js"), "teams"),
  page("/teams/invitations", () => import("./pages/team-invitations.js"), "teams"),
  page("/teams/settings", () => import("./pages/team-settings.js"), "teams"),
  page("/teams/directory", () => import("./pages/directory.js"), "teams"),
  page("/people/:user", () => import("./pages/person.js"), "teams"),
  page("/inbox", () => import("./pages/inbox.js"), "inbox"),
  page("/search", () => import("./pages/search.js"), "search"),
  page("/profile", () => import("./pages/profile.js"), "profile"),
  page("/devices", () => import("./pages/devices.js"), "profile"),
  page("/join", () => import("./pages/join.js"), "join"),
  page("/welcome", () => import("./pages/welcome.js"), "welcome"),
];
