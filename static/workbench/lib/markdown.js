// Markdown as vnodes: text never becomes markup, so that there is nothing to sanitise. HTML in a
// document is shown as the text that it is; pictures from elsewhere are links.
import { marked } from "../vendor/marked.js";

const SAFE = /^(https?:|mailto:)/i;
const MENTION = /(^|[^\w@])@([\p{L}\p{N}_][\p{L}\p{N}_.-]{0,62})/gu;

const DEPTH_MAX = 20; // of quotations and lists in each other

/** The vnodes of `source`, made by `h` (Preact's, or a test's); its topmost headings are of `level`. */
export function markdown(source, h, level = 2) {
  let tokens;
  try {
    tokens = marked.lexer(source, { gfm: true, breaks: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [h("p", { class: "plain-text" }, source)]; // so much in itself that no parser comes out
  }
  const top = Math.min(...tokens.filter((token) => token.type === "heading").map((token) => token.depth));
  return tokens.map((token) => block(token, h, { lower: level - top }));
}

/** An address that may be linked to, or null. */
export function safeHref(href) {
  const address = href.trim();
  if (SAFE.test(address)) return address;
  return /^(\/(?![/\\])|#)/.test(address) ? address : null;
}

function block(token, h, { lower = 1, depth = 0 } = {}) {
  if (depth > DEPTH_MAX) return token.raw;
  const within = { depth: depth + 1 };
  switch (token.type) {
    case "heading":
      return h(`h${Math.min(token.depth + lower, 6)}`, null, inline(token.tokens, h));
    case "paragraph":
      return h("p", null, inline(token.tokens, h));
    case "text":
      return token.tokens ? h("span", null, inline(token.tokens, h)) : unescaped(token.text);
    case "code":
      // A region that scrolls can be reached by keyboard.
      return h("pre", { tabIndex: 0 }, h("code", null, token.text));
    case "blockquote":
      return h("blockquote", null, token.tokens.map((one) => block(one, h, within)));
    case "list":
      return list(token, h, within);
    case "table":
      return table(token, h);
    case "hr":
      return h("hr");
    case "html":
      return h("p", null, token.text.trim());
    default:
      return null; // blank lines and link definitions
  }
}

function list(token, h, within) {
  const items = token.items.map((item) => {
    const content = item.tokens.filter((one) => one.type !== "checkbox").map((one) => block(one, h, within));
    if (!item.task) return h("li", null, content);
    return h("li", { class: "task" }, h("input", { type: "checkbox", checked: item.checked, disabled: true, "aria-label": item.text }), content);
  });
  if (!token.ordered) return h("ul", null, items);
  return h("ol", token.start > 1 ? { start: token.start } : null, items);
}

function table(token, h) {
  const cells = (tag, row) =>
    row.map((cell, at) => h(tag, token.align[at] ? { class: `align-${token.align[at]}` } : null, inline(cell.tokens, h)));
  return h("div", { class: "scrolls", tabIndex: 0, role: "group" },
    h("table", null,
      h("thead", null, h("tr", null, cells("th", token.header))),
      h("tbody", null, token.rows.map((row) => h("tr", null, cells("td", row))))));
}

function inline(tokens, h) {
  return tokens.map((token) => {
    switch (token.type) {
      case "strong":
      case "em":
      case "del":
        return h(token.type, null, inline(token.tokens, h));
      case "codespan":
        return h("code", null, token.text);
      case "br":
        return h("br");
      case "link":
        return link(token.href, inline(token.tokens, h), h);
      case "image":
        return link(token.href, token.text || token.href, h);
      case "escape":
        return token.text;
      case "text":
        return token.tokens ? inline(token.tokens, h) : mentions(unescaped(token.text), h);
      default:
        return token.raw; // HTML among them
    }
  });
}

function link(href, content, h) {
  const address = safeHref(href);
  if (address === null) return h("span", null, content);
  if (!SAFE.test(address)) return h("a", { href: address }, content);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, content);
}

function mentions(text, h) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(MENTION)) {
    const at = found.index + found[1].length;
    parts.push(text.slice(from, at), h("strong", { class: "mention" }, `@${found[2]}`));
    from = at + found[2].length + 1;
  }
  return parts.length ? [...parts, text.slice(from)] : text;
}

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", nbsp: "\u00a0" };
/** Entities as the signs they stand for: vnodes take text, not markup. */
const unescaped = (text) => text.replace(/&(#39|\w+);/g, (whole, name) => NAMED[name] ?? whole);
