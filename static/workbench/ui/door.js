// What the door says: sign in again, prove it is you, offline, late. The page stays as it is.
import { t } from "../lib/i18n.js";
import { useApp } from "./context.js";
import { Dialog } from "./dialog.js";
import { html, useEffect, useState } from "./html.js";
import { Icon } from "./icons.js";
import { useOnline } from "./load.js";
import { Button } from "./parts.js";

const hear = (target, listeners) => {
  const entries = Object.entries(listeners);
  for (const [type, listener] of entries) target.addEventListener(type, listener);
  return () => {
    for (const [type, listener] of entries) target.removeEventListener(type, listener);
  };
};

/** Bars above the page: what is amiss and passes by itself, or waits for the person. */
export function Bars() {
  const { door, api, comeBack } = useApp();
  const online = useOnline();
  const [ended, setEnded] = useState(false);
  const [late, setLate] = useState(false);
  useEffect(
    () => hear(door, { ended: () => setEnded(true), back: () => setEnded(false), late: ({ detail }) => setLate(detail) }),
    [door],
  );
  // Its 401 opens the dialog below; without one somebody has signed in elsewhere already.
  const again = () => api.get("/users/me").then(comeBack, () => {});
  return html`<div class="bars" aria-live="polite">
    ${!online && html`<div class="bar"><${Icon} name="offline" /><p>${t("You are offline. You can read on; what you write is kept here.")}</p></div>`}
    ${online && late && html`<div class="bar"><span class="spinner" aria-hidden="true"></span><p>${t("The service is slow to answer. We keep asking.")}</p></div>`}
    ${ended && html`<div class="bar warn"><p>${t("You have been signed out. What you typed is still here.")}</p>
      <${Button} kind="small" onClick=${again}>${t("Sign in again")}<//></div>`}
  </div>`;
}

/** Asks for the sign-in that calls are waiting for; they go out again afterwards. */
export function DoorDialog() {
  const { door } = useApp();
  const [needed, setNeeded] = useState(null);
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    const over = () => setNeeded(null);
    return hear(door, { needed: ({ detail }) => (setOpened(false), setNeeded(detail)), back: over });
  }, [door]);
  if (!needed) return null;
  const stepUp = needed.problem?.code === "step_up_required";
  const leave = () => {
    setNeeded(null);
    needed.cancel();
  };
  const begin = () => {
    setOpened(true);
    needed.start();
  };
  return html`<${Dialog} title=${stepUp ? t("Confirm that it is you") : t("You have been signed out")} onClose=${leave}>
    <p>${stepUp
      ? t("What you are about to do needs a fresh sign-in. It opens in a small window; then this page goes on by itself.")
      : t("Your sign-in ended, here or on another device. Sign in again in a small window; this page stays, and what you were doing goes on.")}</p>
    ${opened && html`<p class="fine" role="status">${t("Waiting for the small window… If none opened, press the button again.")}</p>`}
    <div class="dialog-foot">
      <${Button} kind="quiet" onClick=${leave}>${t("Not now")}<//>
      <${Button} data-first onClick=${begin}>${stepUp ? t("Confirm") : t("Sign in again")}<//>
    </div>
  <//>`;
}
