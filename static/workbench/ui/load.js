// Asking for what a page shows, and for the next page of a long list.
import { useApp } from "./context.js";
import { useCallback, useEffect, useRef, useState } from "./html.js";

const LIMIT = 30;
const LIMIT_MAX = 200; // of the API

/** `{ data, etag, problem, loading, reload, set }` of `path`; nothing is asked while it is null. */
export function useRead(path, query) {
  const { api } = useApp();
  const [state, setState] = useState({ loading: true });
  const [round, setRound] = useState(0);
  const asked = `${path}?${JSON.stringify(query ?? {})}`;
  const shown = useRef(null);
  useEffect(() => {
    if (path === null) return undefined;
    const leaving = new AbortController();
    // What is shown stays while the same thing is asked for again.
    setState((old) => (shown.current === asked ? { ...old, loading: true } : { loading: true }));
    api.read(path, { query, signal: leaving.signal }).then(
      (answer) => {
        shown.current = asked;
        setState({ ...answer, loading: false });
      },
      (problem) => leaving.signal.aborted || setState((old) => ({ ...old, loading: false, problem })),
    );
    return () => leaving.abort();
  }, [asked, round, api]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  const set = useCallback(
    (change) => setState((old) => ({ ...old, ...(typeof change === "function" ? change(old) : change) })),
    [],
  );
  return { ...state, reload, set };
}

/** A list by pages: `{ items, problem, loading, hasMore, more, reload, change }`. */
export function usePages(path, query = {}, { limit = LIMIT } = {}) {
  const { api } = useApp();
  const [state, setState] = useState({ items: null, next: null, loading: true });
  const asked = `${path}?${JSON.stringify(query)}`;
  const latest = useRef(null);
  const count = useRef(0); // what is shown stays shown when the list is asked for again
  const fetchPage = useCallback(
    async (after, least = 0) => {
      if (path === null) return;
      const leaving = new AbortController();
      latest.current?.abort();
      latest.current = leaving;
      setState((old) => ({ ...old, loading: true, problem: null }));
      try {
        const page = await api.get(path, { ...query, limit: Math.min(Math.max(limit, least), LIMIT_MAX), after }, leaving.signal);
        while (page.next && page.items.length < least) {
          const more = await api.get(path, { ...query, limit: LIMIT_MAX, after: page.next }, leaving.signal);
          Object.assign(page, { items: joined(page.items, more.items), next: more.next });
        }
        setState((old) => ({
          items: after ? joined(old.items, page.items) : page.items,
          next: page.next ?? null,
          loading: false,
        }));
      } catch (problem) {
        if (!leaving.signal.aborted) setState((old) => ({ ...old, loading: false, problem }));
      }
    },
    [asked, api, limit],
  );
  count.current = state.items?.length ?? 0;
  useEffect(() => {
    setState({ items: null, next: null, loading: true });
    fetchPage(null);
    return () => latest.current?.abort();
  }, [fetchPage]);
  return {
    ...state,
    hasMore: Boolean(state.next),
    more: () => fetchPage(state.next),
    reload: () => fetchPage(null, count.current),
    change: (change) => setState((old) => ({ ...old, items: change(old.items ?? []) })),
  };
}

// Members are told apart by who they are, versions by their number.
const keyOf = (item) => item.id ?? item.user?.id ?? item.revision;

// A page may begin with what the one before ended with, if something was added meanwhile.
function joined(items, more) {
  const known = new Set(items.map(keyOf));
  return [...items, ...more.filter((item) => !known.has(keyOf(item)))];
}

/** The whole of a list, for choices: `{ items, whole }`; `whole` once nothing is left out. */
export function useAll(path, query = {}) {
  const { items, hasMore, loading, problem, more } = usePages(path, query, { limit: LIMIT_MAX });
  useEffect(() => {
    if (hasMore && !loading && !problem) more();
  });
  return { items: items ?? [], whole: items !== null && !hasMore };
}

/** `value`, once it has rested for `ms`. */
export function useRested(value, ms = 250) {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}

/** The browser's own knowledge of being online. */
export function useOnline() {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  return online;
}
