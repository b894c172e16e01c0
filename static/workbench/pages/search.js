// Titles and texts of the team's documents, files and statuses.
import { t } from "../lib/i18n.js";
import { useApp, useHere, useTitle } from "../ui/context.js";
import { Field, Select } from "../ui/form.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { usePages, useRested } from "../ui/load.js";
import { iconOf, kindName, placeIn } from "../ui/nodes.js";
import { Empty, Head, Link, Pages, When } from "../ui/parts.js";

export default function Search() {
  useTitle(t("Search"));
  const { team, router } = useApp();
  const { query } = useHere();
  const wanted = query.q ?? ""; // the box above the page asks by the address, too
  const q = useRested(wanted.trim(), 300);
  const list = usePages(q ? "/search" : null, { q, team: team.id, kind: query.kind });
  const onInput = (event) => router.setQuery({ q: event.target.value });
  const kinds = [["", t("Everything")], ["document", t("Documents")], ["file", t("Files")], ["folder", t("Folders")]];
  return html`<div class="narrow"><${Head} title=${t("Search")}>${t("In {team}", { team: team.name })}<//>
    <div class="filters"><${Field} label=${t("Words to look for")} hideLabel type="search" value=${wanted} onInput=${onInput} placeholder=${t("Words in titles and texts")} data-focus />
      <${Select} label=${t("Kind")} hideLabel value=${query.kind ?? ""} options=${kinds} onChange=${(event) => router.setQuery({ kind: event.target.value })} /></div>
    ${q ? html`<${Pages} list=${list} empty=${html`<${Empty} icon="search" title=${t("Nothing found for “{q}”", { q })}>${t("Try fewer or other words.")}<//>`}>
        ${(items) => html`<p class="hush" role="status">${t("Results are shown.")}</p><ul class="rows card">${items.map((one) => html`<${Hit} key=${one.id} hit=${one} />`)}</ul>`}<//>`
      : html`<${Empty} icon="search" title=${t("What are you looking for?")}>${t("Titles and texts are searched, in any language.")}<//>`}</div>`;
}

function Hit({ hit }) {
  return html`<li class="row-item"><${Icon} name=${iconOf(hit)} /><div><${Link} to=${placeIn(hit.project.id, hit)}><${Marked} pieces=${hit.title} /><//>
    ${hit.snippet.length > 0 && html`<p class="excerpt">${hit.snippet_cut && "…"}<${Marked} pieces=${hit.snippet} /></p>`}
    <p class="fine">${kindName(hit.kind)} · ${hit.project.name} · <${When} at=${hit.updated_at} /></p></div></li>`;
}

/** What was found, the words that were looked for marked. */
const Marked = ({ pieces }) => pieces.map(({ text, hit }) => (hit ? html`<mark>${text}</mark>` : text));
