// The table of headlines; templates/_news.html draws the same row on the server.

import { h, setText } from "../dom.js";
import { DASH, change, date, minute } from "../format.js";
import { safeUrl, span } from "./list.js";

const TINTS = { positive: "row-up", negative: "row-down", neutral: "row-flat" };
const COLOURS = { positive: "up", negative: "down", neutral: "flat" };
const THIS_WEEK_MS = 6.5 * 86400000; // a weekday says which day

export const colour = (word) => COLOURS[word] ?? "unknown";

/** When a headline was published, in the zone shown. */
export function when(row, now, zone) {
  const at = Date.parse(row.published);
  const [weekday, ...day] = date(at, zone).split(" ");
  return `${now !== null && now - at < THIS_WEEK_MS ? weekday : day.join(" ")} ${minute(at, zone)}`;
}

/** The first outlet, and how many others told the same story. */
export const outletText = ([first, ...others]) => (first ? `${first}${others.length ? ` +${others.length}` : ""}` : DASH);

function title(row) {
  const url = safeUrl(row.url);
  const text = url ? h("a", { class: "headline", href: url, target: "_blank", rel: "noopener noreferrer" }, row.title) : h("span", { class: "headline" }, row.title);
  return h("th", { scope: "row", class: "title", dataset: { col: "title" }, title: row.title }, row.searched ? [h("span", { class: "tag" }, "search"), " "] : null, text,
    row.tickers.flatMap((symbol) => [" ", h("span", { class: "tag" }, symbol)]));
}

function score(name, value, word) {
  return h("td", { class: `score num ${colour(word)}`, dataset: { col: name } }, h("b", {}, change(value)), " ", h("span", {}, word ?? ""));
}

export class Rows {
  #body;
  #drawn = []; // {row, age}

  constructor(body) {
    this.#body = body;
  }

  /** Draw these rows anew. */
  draw(rows, { lexicon, now, zone }) {
    this.#drawn = rows.map((row) => {
      const age = h("td", { class: "age num muted", dataset: { col: "age" } });
      const { plain, finance } = row.word;
      const tr = h("tr", { class: TINTS[row.word[lexicon]] ?? "", dataset: { id: row.id } },
        h("td", { class: "published", dataset: { col: "published" } }, h("time", { datetime: row.published, title: row.published }, when(row, now, zone))),
        age,
        title(row),
        h("td", { class: "publisher soft", dataset: { col: "publisher" }, title: row.publisher ?? "" }, outletText(row.publishers)),
        score("plain", row.vader, plain),
        score("finance", row.finance, finance),
        h("td", { class: "flags", dataset: { col: "flags" } }, plain && finance && plain !== finance ? h("span", { class: "tag" }, "differ") : null));
      return { row, tr, age };
    });
    this.age(now);
    this.#body.replaceChildren(...this.#drawn.map((each) => each.tr));
  }

  /** Let the ages go on. */
  age(now) {
    if (now === null) return;
    for (const { row, age } of this.#drawn) setText(age, span((now - Date.parse(row.published)) / 1000));
  }
}
