// Places to go: at the side where there is room, at the foot on a telephone.
import { BASE } from "../../bff/cloakroom.js";
import { LANGUAGE, LANGUAGES, t, tn } from "../lib/i18n.js";
import { Avatar } from "./avatar.js";
import { useApp } from "./context.js";
import { html, useState } from "./html.js";
import { Icon } from "./icons.js";
import { Menu } from "./menu.js";
import { Badge, Link, nameOf } from "./parts.js";

const PLACES = [
  { area: "home", to: "/", icon: "home", name: () => t("Home") },
  { area: "projects", to: "/projects", icon: "projects", name: () => t("Projects") },
  { area: "statuses", to: "/statuses", icon: "statuses", name: () => t("Statuses") },
  { area: "teams", to: "/teams", icon: "teams", name: () => t("Team") },
  { area: "inbox", to: "/inbox", icon: "inbox", name: () => t("Inbox") },
];

export function Frame({ area, children }) {
  const { me, teams } = useApp();
  const alone = !teams?.length;
  return html`<div class="frame">
    <header class="topbar">
      <a class="mark" href=${BASE}><img src=${`${BASE}static/shared/mark.svg`} alt="" width="28" height="28" />Cloakroom</a>
      ${!alone && html`<${TeamChoice} area=${area} />`}
      <span class="spring"></span>
      ${!alone && html`<${SearchBox} />`}
      ${me && html`<${Account} />`}
    </header>
    ${!alone && html`<nav class="places" aria-label=${t("Places")}><ul>
      ${PLACES.map((place) => html`<${Place} key=${place.area} place=${place} current=${place.area === area} />`)}
    </ul></nav>`}
    <main id="content" tabindex="-1">${children}</main>
  </div>`;
}

function Place({ place, current }) {
  const { unread } = useApp();
  return html`<li><${Link} to=${place.to} aria-current=${current ? "page" : undefined}>
    <span class="place-icon"><${Icon} name=${place.icon} />
    ${place.area === "inbox" && html`<${Badge} n=${unread} label=${tn(unread, "1 unread", "{n} unread")} />`}</span>
    <span>${place.name()}</span>
  <//></li>`;
}

function TeamChoice({ area }) {
  const { teams, team, chooseTeam, router } = useApp();
  // What is shown of one team, and chosen by its groups and people, is nothing to another.
  const root = PLACES.find((place) => place.area === area && area !== "inbox")?.to;
  const change = async (id) => {
    if (!root || (await router.go(root))) chooseTeam(id);
  };
  const items = [
    ...teams.map((one) => ({ name: one.name, icon: one.id === team.id ? "check" : "teams", deed: () => change(one.id) })),
    { name: t("Join or found another team"), icon: "plus", deed: () => router.go("/welcome") },
  ];
  return html`<${Menu} label=${t("Choose a team")} items=${items} icon="down" kind="plain team-choice">${team.name}<//>`;
}

function SearchBox() {
  const { router } = useApp();
  const [wanted, setWanted] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (wanted.trim()) router.go(`/search?q=${encodeURIComponent(wanted.trim())}`);
  };
  return html`<form class="searchbox" role="search" onSubmit=${submit}>
      <label class="hush" for="search-box">${t("Search in the team")}</label><${Icon} name="search" />
      <input id="search-box" type="search" value=${wanted} onInput=${(event) => setWanted(event.target.value)} placeholder=${t("Search")} />
    </form>
    <${Link} class="button plain square search-link" to="/search" aria-label=${t("Search")}><${Icon} name="search" /><//>`;
}

function Account() {
  const { me, router, signOut } = useApp();
  const speak = (tag) => {
    const address = new URL(location.href);
    address.searchParams.set("ui_locales", tag);
    location.assign(address);
  };
  const items = [
    { name: t("Profile"), icon: "edit", deed: () => router.go("/profile") },
    { name: t("My devices"), icon: "devices", deed: () => router.go("/devices") },
    ...LANGUAGES.filter(({ code }) => code !== LANGUAGE).map(({ tag, name }) => ({ name, icon: "eye", deed: () => speak(tag) })),
    { name: t("Sign out"), icon: "back", deed: signOut },
  ];
  return html`<div class="account"><${Menu} label=${t("Account of {name}", { name: nameOf(me) })} items=${items} face=${html`<${Avatar} person=${me} />`} /></div>`;
}
