// What somebody typed and has not saved, kept in this browser until it is.

const PREFIX = "workbench.draft.";
const KEPT_MS = 30 * 86_400_000;

/**
 * Drafts in `storage`, seen by `owner` alone; where it takes none (private windows, no room left),
 * they live as long as the page.
 */
export function draftsIn(storage, { owner = null, now = Date.now } = {}) {
  const own = owner === null ? PREFIX : `${PREFIX}${owner}.`;
  const here = new Map();
  const attempt = (deed, otherwise = () => null) => {
    try {
      return deed();
    } catch {
      return otherwise();
    }
  };
  return {
    /** `{ text, base, at }` or null; `base` is the version that was being edited. */
    find(name) {
      const kept = here.get(name) ?? attempt(() => storage.getItem(own + name));
      const draft = kept ? attempt(() => JSON.parse(kept)) : null;
      return draft && now() - draft.at < KEPT_MS ? draft : null;
    },
    keep(name, text, base = null) {
      const draft = JSON.stringify({ text, base, at: now() });
      here.delete(name);
      attempt(() => storage.setItem(own + name, draft), () => here.set(name, draft));
    },
    forget(name) {
      here.delete(name);
      attempt(() => storage.removeItem(own + name));
    },
    /** Forget all that is theirs; for whoever signs out of a browser that others use. */
    clear() {
      here.clear();
      const isOthers = (key) => key.startsWith(PREFIX) && !key.startsWith(own);
      attempt(() => {
        for (const key of Object.keys(storage)) if (key.startsWith("workbench.") && !isOthers(key)) storage.removeItem(key);
      });
    },
  };
}
