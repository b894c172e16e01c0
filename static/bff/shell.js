// What the directory says about the person who is signed in, and what to show when it says nothing.
import { LoginRequired, Unavailable, fetch } from "./cloakroom.js";
import { watch } from "./watch.js";

const section = document.querySelector("[data-directory]");
if (section) {
  const retry = section.querySelector("[data-retry]");
  retry.addEventListener("click", () => ask(section, retry));
  addEventListener("online", () => retry.hidden || ask(section, retry));
  // A page from the browser's memory may show somebody who has signed out since.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  section.hidden = false;
  ask(section, retry);
  watch(({ state }) => state === "ended" && ended());
}

// What stands behind the # never reaches the server, so that only a script can bring it back.
for (const link of location.hash ? document.querySelectorAll("a[href*='bff/login?']") : []) {
  const address = new URL(link.href);
  const returnTo = address.searchParams.get("return_to") + location.hash;
  address.searchParams.set("return_to", returnTo);
  link.href = address.pathname + address.search;
}

async function ask(section, retry) {
  show(section, "asking");
  retry.hidden = true;
  try {
    const entry = await (await fetch(section.dataset.directory, { signIn: false })).json();
    for (const fact of section.querySelectorAll("[data-fact]")) {
      const value = entry[fact.dataset.fact];
      fact.textContent = value ?? "";
      fact.parentElement.hidden = !value;
    }
    show(section, "answered");
  } catch (problem) {
    if (problem instanceof LoginRequired) return ended();
    const offline = problem instanceof Unavailable && problem.status === 0 && !navigator.onLine;
    show(section, offline ? "offline" : "unreachable");
    retry.hidden = false;
  }
}

function ended() {
  for (const part of document.querySelectorAll("[data-while-signed-in]")) part.hidden = true;
  document.querySelector("[data-when=ended]").hidden = false;
}

function show(section, state) {
  for (const part of section.querySelectorAll("[data-when]")) {
    part.hidden = part.dataset.when !== state;
  }
}
