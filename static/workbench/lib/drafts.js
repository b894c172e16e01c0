// What somebody typed and has not saved, kept in this browser until it is.

const PREFIX = "workbench.draft.";
const KEPT_MS = 30 * 86_400_000;

/** Drafts in `storage`; where there is none (private windows), they live as long as the page. */
export function draftsIn(storage, now = Date.now) {
  const here = new Map();
  const attempt = (deed, otherwise) => {
    try {
      return deed();
    } catch {
      return otherwise();
    }
  };
  return {
    /** `{ text, base, at }` or null; `base` is the version that was being edited. */
    find(name) {
      const kept = attempt(() => storage.getItem(PREFIX + name), () => here.get(name));
      const draft = kept ? attempt(() => JSON.parse(kept), () => null) : null;
      return draft && now() - draft.at < KEPT_MS ? draft : null;
    },
    keep(name, text, base = null) {
      const draft = JSON.stringify({ text, base, at: now() });
      attempt(() => storage.setItem(PREFIX + name, draft), () => here.set(name, draft));
    },
    forget(name) {
      here.delete(name);
      attempt(() => storage.removeItem(PREFIX + name), () => {});
    },
    /** Forget all; for whoever signs out of a browser that others use. */
    clear() {
      here.clear();
      attempt(() => {
        for (const key of Object.keys(storage)) if (key.startsWith("workbench.")) storage.removeItem(key);
      }, () => {});
    },
  };
}
