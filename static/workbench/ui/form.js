// Forms: visible labels, errors in words at the field and first in a summary, one send at a time.
import { fieldErrors } from "../lib/api.js";
import { t } from "../lib/i18n.js";
import { html, useEffect, useId, useRef, useState } from "./html.js";
import { complaint, explain } from "./words.js";

/**
 * `{ values, field(name), submit, busy, errors, problem, set }`. `send(values)` may throw a problem;
 * `check(values)` answers what is wrong before anything is sent, by field.
 */
export function useForm(initial, send, check = () => ({})) {
  const [values, setValues] = useState(initial);
  const [state, setState] = useState({ busy: false, errors: {}, problem: null });
  const alive = useRef(true);
  const sending = useRef(false); // known at once; the state is so only at the next drawing
  useEffect(() => () => (alive.current = false), []);
  const set = (more) => setValues((old) => ({ ...old, ...more }));
  const submit = async (event) => {
    event?.preventDefault();
    if (sending.current) return;
    const wrong = check(values);
    if (Object.keys(wrong).length > 0) {
      setState({ busy: false, errors: wrong, problem: null });
      return;
    }
    sending.current = true;
    setState({ busy: true, errors: {}, problem: null });
    try {
      await send(values);
      if (alive.current) setState({ busy: false, errors: {}, problem: null });
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      const said = Object.entries(fieldErrors(problem)).map(([name, error]) => [name, complaint(error)]);
      if (alive.current) setState({ busy: false, errors: Object.fromEntries(said), problem });
    } finally {
      sending.current = false;
    }
  };
  const field = (name) => ({
    name,
    value: values[name],
    error: state.errors[name],
    onInput: (event) => set({ [name]: event.target.type === "checkbox" ? event.target.checked : event.target.value }),
  });
  return { values, set, field, submit, ...state };
}

/**
 * Save, and answer as it is then, what of a form differs from `shown`, over the version that `read` holds. Somebody else's
 * newer version is fetched, so that the next try is made over it; what they changed elsewhere in
 * the form is theirs, for it is not sent.
 */
export async function saveChanges(api, path, { shown, values, read }) {
  const changed = Object.entries(values).filter(([name, value]) => value !== shown[name]);
  if (changed.length === 0) return read.data;
  try {
    const answer = await api.patch(path, Object.fromEntries(changed), { etag: read.etag ?? "*" });
    read.set(answer);
    return answer.data;
  } catch (problem) {
    if (problem.status === 412) read.reload();
    throw problem;
  }
}

/** The problem of a form as a whole; takes the focus, so that it is read first. */
export function FormProblem({ form }) {
  const element = useRef(null);
  useEffect(() => {
    if (!form.problem && Object.keys(form.errors).length === 0) return;
    const first = element.current?.closest("form")?.querySelector("[aria-invalid=true]");
    (first ?? element.current)?.focus();
  }, [form.problem, form.errors]);
  const isTold = Object.keys(form.errors).some((name) => name in form.values); // at its field
  if (!form.problem || isTold) return html`<span ref=${element} hidden></span>`;
  return html`<div class="notice bad" role="alert" tabindex="-1" ref=${element}><p>${explain(form.problem)}</p></div>`;
}

export function Field({ label, hint, error, type = "text", multiline = false, hideLabel = false, rows = 4, ...rest }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  const common = { ...rest, id, "aria-describedby": described, "aria-invalid": error ? "true" : undefined };
  return html`<div class="field">
    <label for=${id} class=${hideLabel ? "hush" : ""}>${label}</label>
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${multiline ? html`<textarea ...${common} rows=${rows}></textarea>` : html`<input ...${common} type=${type} />`}
    ${error && html`<p class="wrong" id=${`${id}-wrong`}><span class="hush">${t("Error:")} </span>${error}</p>`}
  </div>`;
}

export function Select({ label, options, hideLabel = false, error, ...rest }) {
  const id = useId();
  const wrong = error ? { "aria-describedby": `${id}-wrong`, "aria-invalid": "true" } : {};
  return html`<div class="field select">
    <label for=${id} class=${hideLabel ? "hush" : ""}>${label}</label>
    <select id=${id} ...${rest} ...${wrong}>${options.map(([value, name]) => html`<option key=${value} value=${value} selected=${value === (rest.value ?? "")}>${name}</option>`)}</select>
    ${error && html`<p class="wrong" id=${`${id}-wrong`}><span class="hush">${t("Error:")} </span>${error}</p>`}
  </div>`;
}

export function Check({ label, ...rest }) {
  return html`<label class="choice"><input type="checkbox" ...${rest} /><span>${label}</span></label>`;
}
