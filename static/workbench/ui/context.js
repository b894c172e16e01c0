// What every part of the page can reach: one object, made once in main.js and handed down.
import { createContext, useContext, useEffect, useState } from "./html.js";

/**
 * `{ api, make, router, me, setMe, teams, reloadTeams, team, chooseTeam, say, ask, live, drafts }`
 */
export const App = createContext(null);
export const useApp = () => useContext(App);

/** Where we are; renders anew when that changes. */
export function useHere() {
  const { router } = useApp();
  const [here, setHere] = useState(router.here);
  useEffect(() => router.subscribe(setHere), [router]);
  return here;
}

/** Hear of live events of `type` while the part is shown. */
export function useLive(type, listener) {
  const { live } = useApp();
  useEffect(() => {
    const hear = ({ detail }) => listener(detail);
    live.addEventListener(type, hear);
    return () => live.removeEventListener(type, hear);
  });
}

/** `attempt(deed, done)`: do it, ask for the list again and say `done`; or say what went wrong. */
export function useAttempt(reload) {
  const { say, fail } = useApp();
  return async (deed, done) => {
    try {
      await deed();
      reload();
      say(done);
    } catch (problem) {
      fail(problem);
    }
  };
}

/** The page's title, and the name of the place for screen readers. */
export function useTitle(title) {
  useEffect(() => {
    if (title) document.title = `${title} · Cloakroom`;
  }, [title]);
}
