// Rendered Markdown; the parser is loaded when the first text is shown.
import { h, html, useEffect, useState } from "./html.js";

let renderer = null;

/** `level` is that of its first headings, so that none is left out on the page. */
export function Markdown({ source, compact = false, level = 2 }) {
  const [render, setRender] = useState(() => renderer);
  useEffect(() => {
    if (render) return;
    import("../lib/markdown.js").then(({ markdown }) => {
      renderer = markdown;
      setRender(() => markdown);
    });
  }, []);
  const kind = `prose ${compact ? "compact" : ""}`;
  if (!render) return html`<div class=${kind}><p class="plain-text">${source}</p></div>`;
  return html`<div class=${kind}>${render(source ?? "", h, level)}</div>`;
}
