// A person's picture, or their first sign on a colour that stays theirs.
import { API } from "../lib/api.js";
import { useApp } from "./context.js";
import { html, useEffect, useState } from "./html.js";
import { nameOf } from "./parts.js";

const COLOURS = 6;

/** Pictures of one page, each asked for once; they come as `data:` because calls carry a header. */
export function pictures(api, limit = 200) {
  const known = new Map();
  return (url) => {
    if (!known.has(url)) {
      if (known.size >= limit) known.delete(known.keys().next().value);
      known.set(url, load(api, url).catch(() => null));
    }
    return known.get(url);
  };
}

async function load(api, url) {
  const blob = await (await api.raw(url.startsWith(API) ? url.slice(API.length) : url, { headers: { Accept: "image/*" } })).blob();
  if (!blob.type.startsWith("image/")) return null;
  return new Promise((done, refuse) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = refuse;
    reader.readAsDataURL(blob);
  });
}

export function Avatar({ person, size = "" }) {
  const { picture } = useApp();
  const [source, setSource] = useState(null);
  const url = person?.avatar_url ?? null;
  useEffect(() => {
    let shown = true;
    setSource(null);
    if (url) picture(url).then((found) => shown && setSource(found));
    return () => (shown = false);
  }, [url, picture]);
  const name = nameOf(person);
  const kind = `avatar ${size} tint-${tint(person?.id ?? name)}`;
  return html`<span class=${kind} aria-hidden="true">${source ? html`<img src=${source} alt="" />` : initial(name)}</span>`;
}

export const initial = (name) => Array.from(name.trim())[0]?.toLocaleUpperCase() ?? "?";

export function tint(text) {
  let sum = 0;
  for (const sign of text) sum = (sum * 31 + sign.codePointAt(0)) % 9973;
  return sum % COLOURS;
}

export function Person({ person, children }) {
  return html`<span class="person"><${Avatar} person=${person} /><span><strong>${nameOf(person)}</strong>${children}</span></span>`;
}
