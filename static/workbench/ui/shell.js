// The frame around every page: places to go, what needs attention, and the page itself.
import { t } from "../lib/i18n.js";
import { match } from "../lib/router.js";
import { ROUTES } from "../routes.js";
import { App } from "./context.js";
import { html, useCallback, useEffect, useErrorBoundary, useMemo, useRef, useState } from "./html.js";
import { Bars, DoorDialog } from "./door.js";
import { Question } from "./dialog.js";
import { Frame } from "./frame.js";
import { Failed, Loading } from "./parts.js";
import { Toasts } from "./toasts.js";

const TEAM_KEY = "workbench.team";
const WITHOUT_TEAM = ["welcome", "join", "profile", "inbox"];
const remembered = () => {
  try {
    return localStorage.getItem(TEAM_KEY);
  } catch {
    return null;
  }
};

/** Who is here and in which teams: asked once, and again when that changes. */
function useSelf(api) {
  const [self, setSelf] = useState({ me: null, teams: null, problem: null });
  const [chosen, setChosen] = useState(remembered);
  const load = useCallback(async () => {
    try {
      const me = await api.get("/users/me"); // makes the entry at first sight
      const { items } = await api.get("/teams", { limit: 100 });
      setSelf({ me, teams: items, problem: null });
      return items;
    } catch (problem) {
      setSelf((old) => ({ ...old, problem }));
      return [];
    }
  }, [api]);
  useEffect(() => void load(), [load]);
  const choose = (id) => {
    setChosen(id);
    try {
      localStorage.setItem(TEAM_KEY, id);
    } catch {
      // it is chosen for this page only
    }
  };
  const team = self.teams?.find((one) => one.id === chosen) ?? self.teams?.[0] ?? null;
  return { ...self, team, reloadTeams: load, chooseTeam: choose, setMe: (me) => setSelf((old) => ({ ...old, me })) };
}

function useUnread(api, live, me) {
  const [unread, setUnread] = useState(0);
  const count = useCallback(async () => {
    const answer = await api.get("/notifications/unread").catch(() => null);
    if (answer) setUnread(answer.unread);
  }, [api]);
  useEffect(() => {
    if (!me) return undefined;
    count();
    for (const type of ["inbox", "gap"]) live.addEventListener(type, count);
    return () => {
      for (const type of ["inbox", "gap"]) live.removeEventListener(type, count);
    };
  }, [me?.id, count, live]);
  return [unread, count];
}

export function Shell({ app }) {
  const self = useSelf(app.api);
  const [unread, recount] = useUnread(app.api, app.live, self.me);
  const [here, setHere] = useState(app.router.here);
  const [question, setQuestion] = useState(null);
  useEffect(() => app.router.subscribe((now) => ((document.body.dataset.visited = "yes"), setHere(now))), [app]);
  const ask = useCallback(
    (asked) => new Promise((done) => setQuestion({ ...asked, answer: (yes) => (setQuestion(null), done(yes)) })),
    [],
  );
  const context = useMemo(() => ({ ...app, ...self, unread, recount, ask }), [app, self.me, self.teams, self.team, unread, ask]);
  const found = match(ROUTES, here.path);
  const area = found?.route.area ?? null;
  const isNew = self.teams?.length === 0 && !WITHOUT_TEAM.includes(area) && here.path !== "/devices" && here.path !== "/teams/directory";
  useEffect(() => {
    if (isNew) app.router.go("/welcome", { replace: true });
  }, [isNew]);
  return html`<${App.Provider} value=${context}>
    <a class="skip" href="#content">${t("Skip to the content")}</a>
    <${Frame} area=${area}>
      <${Bars} />
      ${self.me && self.teams
        ? html`<${Page} key=${keyOf(found, here.path)} path=${here.path} found=${found} />`
        : self.problem ? html`<${Failed} problem=${self.problem} retry=${self.reloadTeams} />` : html`<${Loading} />`}
    <//>
    ${question && html`<${Question} question=${question} />`}
    <${DoorDialog} />
    <${Toasts} queue=${app.notices} />
  <//>`;
}

const keyOf = (found, path) => (found?.route.stays ? `${found.route.stays} ${found.params[found.route.stays]}` : path);
const loaded = new Map(); // modules, which never change while the page stands

function Page({ path, found }) {
  const [Shown, setShown] = useState(() => loaded.get(found?.route.load) ?? null);
  const [problem, setProblem] = useState(null);
  const [round, setRound] = useState(0);
  const place = useRef(null);
  const [broken, mend] = useErrorBoundary((error) => reportError(error));
  useEffect(() => {
    if (!found || Shown) return;
    setProblem(null);
    found.route.load().then(
      (module) => {
        loaded.set(found.route.load, module.default);
        setShown(() => module.default);
      },
      () => setProblem({ status: 0, code: "network_failed" }),
    );
  }, [found?.route.load, round]);
  useEffect(() => {
    if (broken) mend();
    if (!Shown) return;
    scrollTo(0, 0);
    // The first page leaves the focus where the browser has it; later ones begin at their name, but
    // for what stays with the focus in it, as the tree does.
    if (!document.body.dataset.visited || place.current?.contains(document.activeElement)) return;
    place.current?.querySelector("[data-focus], h1")?.focus({ preventScroll: true });
  }, [Shown, path]);
  if (!found) return html`<${Failed} problem=${{ status: 404 }} />`;
  if (broken) return html`<${Failed} problem=${{ status: 500 }} retry=${mend} />`;
  if (problem) return html`<${Failed} problem=${problem} retry=${() => setRound(round + 1)} />`;
  return html`<div ref=${place} class="page" data-path=${path}>${Shown ? html`<${Shown} ...${found.params} />` : html`<${Loading} />`}</div>`;
}
