// The column beside the headlines: master sentiment, and what the source says of itself.

import { h, mark, part, setText, svg } from "../dom.js";
import { DASH, change, countdown, date, minute } from "../format.js";
import { colour } from "./rows.js";

const NAMES = { plain: "plain", finance: "finance-aware" };
const WIDTH = 200;

const at = (value) => ((Math.max(-1, Math.min(1, value)) + 1) / 2) * WIDTH;

function scale(chosen, other) {
  const line = (value, kind, height) => svg("line", { x1: at(value), x2: at(value), y1: 6 - height, y2: 6 + height, class: kind });
  return svg("svg", { class: "scale", viewBox: `0 0 ${WIDTH} 12`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: WIDTH, y1: 6, y2: 6, class: "axis" }), line(0, "zero", 5),
    ...(other ? [line(other.score, "other", 3)] : []), line(chosen.score, `now ${colour(chosen.word)}`, 5));
}

/** The sentiment panel from topic "sentiment.index" and what the source dropped. */
export function drawSentiment(panel, index, dropped, zone) {
  const chosen = index?.[index.lexicon] ?? null;
  const rival = index?.lexicon === "finance" ? "plain" : "finance";
  const other = index?.[rival] ?? null;
  const days = index?.newest ? date(Date.parse(index.newest), zone) : null;
  setText(part(panel, "sentiment-covers"), chosen ? [days, `n ${chosen.n}`].filter(Boolean).join(", ") : "");
  part(panel, "sentiment").replaceChildren(...(chosen ? [
    h("p", { class: "master" }, h("strong", { class: colour(chosen.word) }, change(chosen.score)), " ", h("span", { class: colour(chosen.word) }, chosen.word),
      other ? h("span", { class: "rival" }, `${NAMES[rival]} `, h("b", { class: colour(other.word) }, change(other.score))) : null),
    scale(chosen, other),
    h("p", { class: "ends small muted" }, h("span", {}, "−1 negative"), h("span", {}, "0"), h("span", {}, "+1 positive")),
  ] : [h("p", { class: "muted" }, "No headlines to score.")]));
  const left = dropped ? [["repeated", "repeated"], ["withdrawn", "withdrawn"], ["untitled", "without a title"], ["unread", "not read"]]
    .filter(([name]) => dropped[name]).map(([name, words]) => `${dropped[name]} ${words}`) : [];
  setText(part(panel, "dropped"), `Mean of the ${chosen ? NAMES[index.lexicon] : "compound"} scores of de-duplicated headlines.${left.length ? ` Left out: ${left.join(", ")}.` : ""}`);
}

/** Where the two scores are farthest apart. */
export function drawFarthest(panel, rows, version) {
  panel.hidden = rows.length === 0;
  part(panel, "differ").replaceChildren(...rows.map((row) => h("tr", {}, h("th", { scope: "row", title: row.title }, row.title),
    h("td", { class: `num ${colour(row.word.plain)}` }, change(row.vader)), h("td", { class: `num ${colour(row.word.finance)}` }, change(row.finance)))));
  setText(part(panel, "lexicon"), `Finance lexicon ${version ?? DASH}`);
}

const every = (seconds) => (seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);

/** The source panel; now is market time in ms, searched what this page asked last. */
export function drawSource(panel, news, { now, zone, searched }) {
  const fact = (name, text) => setText(panel.querySelector(`[data-fact="${name}"]`), text);
  const fetched = news?.fetched_at ? Date.parse(news.fetched_at) : null;
  const kind = !news ? "late" : !news.on ? "off" : news.problem ? "late" : "fresh";
  const words = !news?.on ? "off" : fetched === null || now === null ? "no answer yet" : `${countdown(Math.max(0, now - fetched) / 1000)} ago`;
  const state = part(panel, "source-state");
  const key = `${kind} ${words}`;
  if (state.dataset.key !== key) {
    state.dataset.key = key;
    state.replaceChildren(mark(kind), words);
  }
  const quota = news?.quota ?? null;
  fact("plan", !news?.headlines.length ? DASH : news.late_by_plan ? "free, headlines 24h late" : "headlines as they come");
  fact("next", until(news?.next_call_at, now, zone) + (news?.every ? `, every ${every(news.every)}` : ""));
  fact("used", quota ? `${quota.used} of ${quota.limit}, polls and searches` : DASH);
  fact("search", !quota ? DASH : quota.next_at ? until(quota.next_at, now, zone) : `now, ${quota.left} left`);
  fact("query", news?.query ?? DASH);
  fact("last", searched ? `“${searched.query}”, ${searched.count} found` : "none from this page");
}

function until(iso, now, zone) {
  if (!iso || now === null) return DASH;
  const left = (Date.parse(iso) - now) / 1000;
  if (left <= 0) return "now";
  return left < 3600 ? `in ${countdown(left)}` : `at ${minute(Date.parse(iso), zone)}`;
}
