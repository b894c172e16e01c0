// The page's language: English by its own sentences, Chinese from `words/`. Whole sentences are
// keys; a test holds that every sentence has its translation, and no other.

const tag = globalThis.document?.documentElement.lang || "en";
export const LANGUAGE = tag.startsWith("zh") ? "zh" : "en";
/** For `Intl`. */
export const LOCALE = LANGUAGE === "zh" ? "zh-Hans-CN" : "en-GB";
export const LANGUAGES = [
  { code: "en", tag: "en", name: "English" },
  { code: "zh", tag: "zh-Hans", name: "中文" },
];

const words = LANGUAGE === "zh" ? (await import("../words/zh.js")).default : {};

/** `sentence` in the page's language, with each `{name}` filled in. */
export function t(sentence, values = {}) {
  return fill(words[sentence] ?? sentence, values);
}

/** As `t`, of two sentences the one that fits `n`; both may say `{n}`. */
export function tn(n, one, many, values = {}) {
  return t(n === 1 ? one : many, { n: new Intl.NumberFormat(LOCALE).format(n), ...values });
}

/** As `t`, in pieces: for sentences with an element in the middle. `parts` are by name. */
export function pieces(sentence, parts) {
  return (words[sentence] ?? sentence)
    .split(/(\{\w+\})/)
    .map((piece) => (piece.startsWith("{") ? (parts[piece.slice(1, -1)] ?? piece) : piece));
}

export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
