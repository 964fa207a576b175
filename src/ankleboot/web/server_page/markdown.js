// The little of Markdown that model cards use, as elements: whatever a card says, it stays text.

import { make } from "./dom.js";

const INLINE = /`([^`]+)`|\*\*(.+?)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

/** Headings, paragraphs, lists, tables and code as a list of elements; headings begin at h3. */
export function elementsOf(markdown) {
  const lines = markdown.replaceAll("\r\n", "\n").split("\n");
  const elements = [];
  while (lines.length) {
    const [line] = lines;
    if (!line.trim()) lines.shift();
    else elements.push(blockOf(line)(lines));
  }
  return elements;
}

function blockOf(line) {
  if (/^#{1,6} /.test(line)) return heading;
  if (line.startsWith("```")) return code;
  if (/^\s*\|/.test(line)) return table;
  if (/^\s*([-*+]|\d+\.) /.test(line)) return list;
  return paragraph;
}

function heading(lines) {
  const [, marks, words] = /^(#+) (.*)$/.exec(lines.shift());
  return make(`h${Math.min(6, marks.length + 2)}`, {}, ...inline(words));
}

function code(lines) {
  lines.shift();
  const kept = [];
  while (lines.length && !lines[0].startsWith("```")) kept.push(lines.shift());
  lines.shift();
  return make("pre", {}, make("code", {}, kept.join("\n")));
}

function table(lines) {
  const rows = take(lines, (line) => /^\s*\|/.test(line)).map((line) =>
    line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const isRule = (row) => row.every((cell) => /^:?-+:?$/.test(cell));
  const [head, ...body] = rows.filter((row) => !isRule(row));
  const element = make("table", { class: "table" });
  const row = (cells, tag) => make("tr", {}, ...cells.map((cell) => make(tag, {}, ...inline(cell))));
  if (head.some(Boolean)) element.append(make("thead", {}, row(head, "th")));
  element.append(make("tbody", {}, ...body.map((cells) => row(cells, "td"))));
  return make("div", { class: "scrolls-across", tabindex: "0", role: "group", "aria-label": "Table" },
    element);
}

function list(lines) {
  const isNumbered = /^\s*\d+\. /.test(lines[0]);
  const items = [];
  for (const line of take(lines, (one) => one.trim() && blockOf(one) !== heading)) {
    const [, words] = /^\s*(?:[-*+]|\d+\.) (.*)$/.exec(line) ?? [];
    if (words === undefined) items.push(`${items.pop()} ${line.trim()}`);
    else items.push(words);
  }
  return make(isNumbered ? "ol" : "ul", {}, ...items.map((words) => make("li", {}, ...inline(words))));
}

function paragraph(lines) {
  const first = lines.shift();
  const words = [first, ...take(lines, (one) => one.trim() && blockOf(one) === paragraph)];
  return make("p", {}, ...inline(words.map((one) => one.trim()).join(" ")));
}

function take(lines, isMore) {
  const taken = [];
  while (lines.length && isMore(lines[0])) taken.push(lines.shift());
  return taken;
}

function inline(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, literal, strong, leaning, words, address] = match;
    parts.push(text.slice(end, match.index));
    end = match.index + whole.length;
    if (literal) parts.push(make("code", {}, literal));
    else if (strong) parts.push(make("strong", {}, ...inline(strong)));
    else if (leaning) parts.push(make("em", {}, leaning));
    else if (!/^https?:\/\//.test(address)) parts.push(words); // a file beside the card
    else parts.push(make("a", { href: address, rel: "noreferrer" }, words));
  }
  return [...parts, text.slice(end)].filter(Boolean);
}
