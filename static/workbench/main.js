// The workbench: starts, learns who is here, and draws the page.
import { BASE, fetch as call, logout, user } from "../bff/cloakroom.js";
import { hearSignedIn, holding } from "../bff/hold.js";
import { watch } from "../bff/watch.js";
import { apiOver, wishes } from "./lib/api.js";
import { draftsIn } from "./lib/drafts.js";
import { t } from "./lib/i18n.js";
import { followTogether } from "./lib/live.js";
import { Router } from "./lib/router.js";
import { pictures } from "./ui/avatar.js";
import { html, render } from "./ui/html.js";
import { Shell } from "./ui/shell.js";
import { noticeQueue } from "./ui/toasts.js";
import { uploadsOver } from "./ui/uploads.js";
import { explain } from "./ui/words.js";

function build(sub) {
  const door = new EventTarget(); // what the sign-in says: needed, back again, ended
  const live = new EventTarget();
  const tell = (target, type, detail) => target.dispatchEvent(new CustomEvent(type, { detail }));
  const send = holding((start, cancel, problem) => tell(door, "needed", { start, cancel, problem }));
  const api = apiOver(send, { onWaiting: (late) => tell(door, "late", late) });
  const notices = noticeQueue();
  const drafts = draftsIn(globalThis.localStorage, { owner: sub });
  const app = {
    api,
    door,
    live,
    notices,
    drafts,
    make: wishes().bind(null, api.post),
    router: new Router(BASE),
    picture: pictures(api),
    uploads: uploadsOver(api, notices.say),
    say: notices.say,
    /** Tell what went wrong with a deed that has no form of its own. */
    fail: (problem) => {
      if (problem.status === undefined) throw problem;
      notices.say(explain(problem), { bad: true });
    },
    signOut: async () => {
      app.hush(); // the stream would break off with the session
      try {
        await logout();
        drafts.clear();
      } catch (problem) {
        hearNews(app);
        app.fail(problem);
      }
    },
    /** Somebody is signed in again: go on if it is the same person. */
    comeBack: async () => {
      const now = await user().catch(() => null);
      if (now && now.sub !== sub) location.reload();
      else tell(door, "back");
    },
  };
  return app;
}

/** Live news, until `app.hush()`. */
function hearNews(app) {
  const leaving = new AbortController();
  app.hush = () => leaving.abort();
  const open = (lastId, signal) => {
    const headers = { Accept: "text/event-stream", ...(lastId && { "Last-Event-ID": lastId }) };
    return call(`${BASE}api/feed/live`, { headers, signal, signIn: false });
  };
  const hear = ({ type, data }) => app.live.dispatchEvent(new CustomEvent(type === "reset" ? "gap" : type, { detail: data }));
  followTogether(open, hear, leaving.signal);
}

/** Live news, and the session's own, for as long as the page stands. */
function listen(app) {
  hearNews(app);
  addEventListener("pagehide", () => app.hush());
  // From the browser's memory the page would be deaf, and may show somebody who has left.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  let watched = false;
  const heed = () => {
    if (watched) return;
    watched = true;
    watch(({ state }) => {
      if (state !== "ended") return;
      watched = false; // an ended session says no more; the next one is watched anew
      app.door.dispatchEvent(new CustomEvent("ended"));
    });
  };
  heed();
  app.door.addEventListener("back", () => {
    heed();
    app.live.dispatchEvent(new CustomEvent("gap"));
  });
  // Whoever signed in again in a window beside this one may be somebody else.
  hearSignedIn(app.comeBack);
}

async function start() {
  const root = document.getElementById("workbench");
  forgetLanguageInAddress();
  const who = await user().catch(() => null);
  const app = build(who?.sub ?? null);
  render(html`<${Shell} app=${app} />`, root);
  listen(app);
}

function forgetLanguageInAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("ui_locales")) return;
  address.searchParams.delete("ui_locales");
  history.replaceState(null, "", address.pathname + address.search + address.hash);
}

start().catch((error) => {
  document.getElementById("workbench").textContent = t("Something went wrong on our side. Try again in a moment.");
  throw error;
});
