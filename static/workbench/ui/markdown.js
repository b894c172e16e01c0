// Rendered Markdown; the parser is loaded when the first text is shown.
import { h, html, useEffect, useState } from "./html.js";

let renderer = null;

export function Markdown({ source, compact = false }) {
  const [render, setRender] = useState(() => renderer);
  useEffect(() => {
    if (renderer) return;
    import("../lib/markdown.js").then(({ markdown }) => {
      renderer = markdown;
      setRender(() => markdown);
    });
  }, []);
  const kind = `prose ${compact ? "compact" : ""}`;
  if (!render) return html`<div class=${kind}><p class="plain-text">${source}</p></div>`;
  return html`<div class=${kind}>${render(source ?? "", h)}</div>`;
}
