// Whether the reader hears of changes to one thing.
import { t } from "../lib/i18n.js";
import { useApp } from "./context.js";
import { html, useState } from "./html.js";
import { useAll } from "./load.js";
import { Button } from "./parts.js";

export function Watch({ kind, id }) {
  const { api, fail, say } = useApp();
  const watches = useAll("/watches");
  const [turned, setOn] = useState(null);
  const on = turned ?? watches.items.some((one) => one.id === id);
  if (!watches.whole) return null; // not known: the button is simply not there
  const turn = async () => {
    try {
      const path = `/watches/${kind}/${id}`;
      await (on ? api.delete(path) : api.put(path));
      setOn(!on);
      say(on ? t("You no longer hear of changes here.") : t("You hear of changes here in your inbox."));
    } catch (problem) {
      fail(problem);
    }
  };
  return html`<${Button} kind="quiet" icon="bell" aria-pressed=${on ? "true" : "false"} onClick=${turn}>${on ? t("Watching") : t("Watch")}<//>`;
}
