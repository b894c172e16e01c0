// Makes plain forms kinder; every one works without this file.

for (const box of document.querySelectorAll(".secret")) {
  const input = box.querySelector("input");
  const { show, hide, shown, hidden } = box.dataset;
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: show });
  button.setAttribute("aria-controls", input.id);
  const status = Object.assign(document.createElement("span"), { className: "hush", role: "status" });
  const reveal = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? hide : show;
  };
  button.addEventListener("click", () => {
    reveal(input.type === "password");
    status.textContent = input.type === "text" ? shown : hidden;
  });
  // Hidden again before it is sent, so that no browser offers the password as an ordinary text later.
  input.form?.addEventListener("submit", () => reveal(false));
  box.append(button, status);
}

// A second press while the first is under way would send the form twice.
for (const form of document.querySelectorAll("form[method=post]")) {
  const buttons = form.querySelectorAll("button:not([type=button])");
  const busy = (on) => buttons.forEach((button) => button.setAttribute("aria-disabled", String(on)));
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    busy(true);
  });
  addEventListener("pageshow", () => {
    delete form.dataset.sent;
    busy(false);
  });
}

// Moments are written in UTC; here they become the visitor's own time.
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[data-local]")) {
  time.textContent = clock.format(new Date(time.dateTime));
}
