// Addresses and pages. Each page's module is loaded when it is first needed.

/** Match `path` (below the base, begins with a slash) against `routes`; returns `{ route, params }`. */
export function match(routes, path) {
  const parts = split(path);
  for (const route of routes) {
    const wanted = split(route.path);
    if (wanted.length !== parts.length) continue;
    const params = {};
    const fits = wanted.every((part, index) => {
      if (!part.startsWith(":")) return part === parts[index];
      params[part.slice(1)] = decoded(parts[index]);
      return params[part.slice(1)] !== null;
    });
    if (fits) return { route, params };
  }
  return null;
}

const split = (path) => path.split("/").filter(Boolean);

/** `part` without its percent signs, or null where they mean nothing. */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/**
 * The browser's address as a source of `{ path, query, hash }`. `guard()` may refuse to leave, by
 * answering false (or a promise of it): for pages with unsaved work.
 */
export class Router {
  #base;
  #window;
  #listeners = new Set();
  #guards = new Set();

  constructor(base, view = globalThis.window) {
    this.#base = base.replace(/\/$/, "");
    this.#window = view;
    view.addEventListener("popstate", () => this.#tell());
    view.document.addEventListener("click", (event) => this.#click(event));
  }

  /** Where we are. */
  get here() {
    const { pathname, search, hash } = this.#window.location;
    const path = pathname.slice(this.#base.length) || "/";
    return { path, query: Object.fromEntries(new URLSearchParams(search)), hash: hash.slice(1) };
  }

  href(path) {
    return this.#base + path;
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  guard(guard) {
    this.#guards.add(guard);
    return () => this.#guards.delete(guard);
  }

  /** Go to `path`; answers whether it was left for. */
  async go(path, { replace = false, force = false } = {}) {
    if (!force) {
      for (const guard of this.#guards) if (!(await guard())) return false;
    }
    this.#window.history[replace ? "replaceState" : "pushState"](null, "", this.href(path));
    this.#tell();
    return true;
  }

  /** Change the query of the page at hand, without leaving it. */
  setQuery(query) {
    const all = { ...this.here.query, ...query };
    const said = Object.entries(all).filter(([, value]) => value);
    const text = new URLSearchParams(said).toString();
    this.#window.history.replaceState(null, "", this.href(this.here.path) + (text ? `?${text}` : ""));
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener(this.here);
  }

  #click(event) {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== this.#window.location.origin) return;
    const { pathname, search, hash } = link;
    const path = pathname.slice(this.#base.length);
    if (!pathname.startsWith(`${this.#base}/`) || /^\/(bff|api|static)\//.test(path)) return;
    const { location } = this.#window;
    if (hash && pathname === location.pathname && search === location.search) return; // within the page
    event.preventDefault();
    this.go(path + search + hash);
  }
}
