// One thing that was put away: by whom, when, and the ways back and out that the reader has.
import { t } from "../lib/i18n.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { Button, nameOf, When } from "./parts.js";

export function PutAway({ icon, name, by, at, note, restore, erase }) {
  return html`<li class="row-item"><${Icon} name=${icon} />
    <div><strong>${name}</strong><p class="fine">${nameOf(by)} · <${When} at=${at} />${note && html` · ${note}`}</p></div>
    <div class="actions">${restore && html`<${Button} kind="quiet small" onClick=${restore} label=${t("Restore {name}", { name })}>${t("Restore")}<//>`}
      ${erase && html`<${Button} kind="danger small" onClick=${erase} label=${t("Delete {name} for good", { name })}>${t("Delete")}<//>`}</div></li>`;
}
