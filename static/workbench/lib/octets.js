// Octets on their way up with progress, which `fetch` does not tell of.

/** Send `blob`; resolves with the JSON of a good answer, throws `{ status, document }` else. */
export function sendOctets(url, { headers, blob, signal, tell }) {
  return new Promise((done, refuse) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const fail = (status, document = {}) => refuse(Object.assign(new Error(`HTTP ${status}`), { status, document, code: document.code }));
    request.open("PATCH", url);
    for (const [name, value] of Object.entries({ ...headers, "X-CSRF": "1", Accept: "application/json" })) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => tell(loaded);
    request.onload = () => {
      const document = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) done(document);
      else fail(request.status, document);
    };
    request.onerror = () => fail(0, { code: "network_failed" });
    request.onabort = () => fail(0);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort);
    request.send(blob);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
