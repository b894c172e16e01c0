// Lets a form be answered by a passkey; without this file, or without passkeys, it stays hidden.

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

function asked(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: named(options.allowCredentials),
    excludeCredentials: named(options.excludeCredentials),
  };
  if (options.user) publicKey.user = { ...options.user, id: bytes(options.user.id) };
  return { publicKey };
}

function answered({ id, rawId, type, response, authenticatorAttachment }) {
  const members = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const told = members.filter((name) => response[name]).map((name) => [name, text(response[name])]);
  return JSON.stringify({
    id, rawId: text(rawId), type, authenticatorAttachment,
    clientExtensionResults: {}, response: Object.fromEntries(told),
  });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) break;
  const failed = form.querySelector("[data-failed]");
  form.hidden = false;
  form.querySelector("button").addEventListener("click", async () => {
    failed.hidden = true;
    try {
      const ceremony = navigator.credentials[form.dataset.passkey];
      const credential = await ceremony.call(navigator.credentials, asked(JSON.parse(form.dataset.options)));
      form.elements.answer.value = answered(credential);
      form.requestSubmit();
    } catch {
      // Cancelled, or none here: what else the page offers is still there.
      failed.hidden = false;
    }
  });
}
