// /news: headlines filtered at once by typing; only the button asks NewsAPI.

import { post } from "./api.js";
import { start } from "./app.js";
import { csv, download } from "./csv.js";
import { display, onDisplay } from "./display.js";
import { announce, h, pageData, part, setText } from "./dom.js";
import { minute } from "./format.js";
import { chosen, farthest, fromQuery, joined, outlets, toQuery, tones } from "./news/list.js";
import { Rows } from "./news/rows.js";
import { drawFarthest, drawSentiment, drawSource } from "./news/side.js";

const TICK_MS = 1000;
const REST_MS = 400; // typing pauses before the address follows
const DIFFER = 4; // headlines named where the scores differ
const data = pageData("news-data");
const page = part(document, "page");
const panel = (name) => page.querySelector(`[data-panel="${name}"]`);
const words = part(page, "words");
const usual = () => state.news?.lexicon ?? "plain";
const state = { news: data.news, sentiment: data.sentiment, found: null, asking: false };
let choices = fromQuery(location.search, usual());
let addressTimer = 0;

const app = start({
  follow: [
    { page: "news", event: "update_news", url: "/api/news", take: ({ news }) => { state.news = news; draw(); } },
    { page: "sentiment", event: "update_sentiment", url: "/api/sentiment", take: ({ sentiment }) => { state.sentiment = sentiment; drawSide(); } },
  ],
  health: () => tick(),
  keys: [[["/"], "Search symbols and pages"]],
});
const rows = new Rows(part(page, "rows"));
const now = () => app.clock.now();
const zone = () => display.time_zone;

/** All headlines there are: the list's and a search's. */
const all = () => joined(state.news?.headlines ?? [], state.found?.headlines ?? []);

function draw() {
  const everything = all();
  const { rows: shown, pool } = chosen(everything, choices);
  rows.draw(shown, { lexicon: choices.lexicon, now: now(), zone: zone() });
  part(page, "table").hidden = shown.length === 0;
  drawEmpty(everything, shown);
  const n = everything.length;
  setText(part(page, "covers"), `${n} headlines${state.found ? `, ${everything.filter((row) => row.searched).length} by search` : ""}`);
  words.placeholder = `Filter these ${n} headlines`;
  part(page, "late").hidden = !state.news?.late_by_plan;
  setText(part(page, "count"), `${shown.length} of ${n}`);
  drawProblem();
  drawFound();
  drawChoices(pool, everything);
  drawUpstream();
  drawSide();
}

function drawEmpty(everything, shown) {
  const empty = part(page, "empty");
  empty.hidden = shown.length > 0;
  if (shown.length) return;
  const filtered = everything.length > 0;
  const text = choices.words.trim();
  setText(part(page, "empty-title"), !filtered ? "No headlines yet." : text ? `No headline contains “${text}”.` : "No headline is like that.");
  setText(part(page, "empty-text"), filtered ? "" : state.news?.problem ?? "They come when the source has answered.");
  const way = part(page, "empty-way");
  if (filtered) way.replaceChildren(h("button", { type: "button", class: "link", onclick: () => choose({ words: "", tone: "all", outlet: "" }) }, text ? "Clear search" : "Show all"));
  else way.replaceChildren(...(state.news && !state.news.on ? [h("a", { href: "/setup#sources" }, "Open setup")] : []));
}

function drawProblem() {
  const line = part(page, "problem");
  const text = state.news?.headlines.length ? state.news.problem : null;
  line.hidden = !text;
  line.dataset.kind = state.news?.on ? "warning" : "info";
  line.querySelector(".mark").dataset.mark = state.news?.on ? "late" : "off";
  setText(part(page, "problem-text"), text ?? "");
}

function drawFound() {
  part(page, "found").hidden = !state.found;
  if (!state.found) return;
  const { query, headlines, fetched_at: fetched } = state.found;
  setText(part(page, "found-text"), `NewsAPI found ${headlines.length} for “${query}” at ${minute(Date.parse(fetched), zone())}. They are marked “search”.`);
}

function drawChoices(pool, everything) {
  const counts = tones(pool, choices.lexicon);
  const names = { all: "All", positive: "Positive", neutral: "Neutral", negative: "Negative" };
  for (const button of page.querySelectorAll('[data-choice="tone"] button')) {
    setText(button, `${names[button.value]} ${counts[button.value]}`);
    button.setAttribute("aria-pressed", String(button.value === choices.tone));
  }
  for (const button of page.querySelectorAll('[data-choice="lexicon"] button')) button.setAttribute("aria-pressed", String(button.value === choices.lexicon));
  for (const button of page.querySelectorAll("[data-sort]")) {
    const { by, down } = choices.sort;
    if (button.dataset.sort === by) button.closest("th").setAttribute("aria-sort", down ? "descending" : "ascending");
    else button.closest("th").removeAttribute("aria-sort");
  }
  const select = part(page, "outlet");
  const options = outlets(everything);
  if (choices.outlet && !options.some(([name]) => name === choices.outlet)) options.push([choices.outlet, 0]);
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(h("option", { value: "" }, "Source: all"), ...options.map(([name, count]) => h("option", { value: name }, `${name} (${count})`)));
  }
  select.value = choices.outlet;
}

/** The button that asks: what it asks for, what is left, or when the next is free. */
function drawUpstream() {
  const button = part(page, "upstream");
  const { news, asking } = state;
  const quota = news?.quota ?? null;
  const text = choices.words.trim();
  const isFree = Boolean(news?.on && quota && (!quota.next_at || (now() ?? 0) >= Date.parse(quota.next_at)));
  const short = text.length > 24 ? `${text.slice(0, 23)}…` : text;
  const left = quota ? ` (${quota.left} of ${quota.limit} left)` : "";
  let label = text ? `Ask NewsAPI for “${short}”${left}` : `Ask NewsAPI${left}`;
  let why = text ? "One call of the quota" : "Type what to ask for";
  if (asking) label = "Asking NewsAPI…";
  else if (news && !news.on) [label, why] = ["NewsAPI is off", news.problem ?? ""];
  else if (quota && !isFree) [label, why] = [`Ask again at ${minute(Date.parse(quota.next_at), zone())}`, "No call of the quota is free before"];
  setText(button, label);
  button.disabled = !isFree || !text || asking;
  if (button.title !== "Not connected") button.title = why;
}

function drawSide() {
  drawFarthest(panel("differ"), farthest(all(), DIFFER), state.sentiment?.lexicon_version);
  drawSentiment(panel("sentiment"), state.sentiment, state.news?.dropped ?? null, zone());
  drawSource(panel("source"), state.news, { now: now(), zone: zone(), searched: state.found && { query: state.found.query, count: state.found.headlines.length } });
}

function tick() {
  if (document.hidden) return;
  rows.age(now());
  drawUpstream();
  drawSource(panel("source"), state.news, { now: now(), zone: zone(), searched: state.found && { query: state.found.query, count: state.found.headlines.length } });
}

/** Other choices: shown at once, the address follows. */
function choose(changed) {
  choices = { ...choices, ...changed };
  if (words.value !== choices.words) words.value = choices.words;
  draw();
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    const query = toQuery(choices, usual());
    history.replaceState(null, "", query ? `/news?${query}` : "/news");
  }, REST_MS);
}

async function ask() {
  const error = part(page, "error");
  setText(error, "");
  state.asking = true;
  drawUpstream();
  try {
    const found = await post("/api/news/search", { q: choices.words.trim() });
    state.found = found;
    if (state.news) state.news = { ...state.news, quota: found.quota };
    announce(`${found.headlines.length} headlines found`);
  } catch (problem) {
    setText(error, problem.message);
  }
  state.asking = false;
  draw();
}

words.addEventListener("input", () => choose({ words: words.value }));
words.addEventListener("keydown", (event) => { if (event.key === "Escape" && words.value) { event.stopPropagation(); choose({ words: "" }); } });
part(page, "ask").addEventListener("submit", (event) => event.preventDefault()); // it is filtered already
part(page, "upstream").addEventListener("click", ask);
part(page, "outlet").addEventListener("change", (event) => choose({ outlet: event.target.value }));
page.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  const group = button?.closest("[data-choice]")?.dataset.choice;
  if (group) choose({ [group]: button.value });
  else if (button?.dataset.sort) {
    const { by, down } = choices.sort;
    const name = button.dataset.sort;
    choose({ sort: { by: name, down: by === name ? !down : name !== "publisher" } });
  } else if (button?.dataset.action === "clear-found") {
    state.found = null;
    draw();
  } else if (button?.dataset.action === "csv") save();
});

function save() {
  const { rows: shown } = chosen(all(), choices);
  download("headlines.csv", csv(["published", "title", "publisher", "plain", "finance", "tickers", "url"],
    shown.map((row) => [row.published, row.title, row.publisher, row.vader, row.finance, row.tickers.join(" "), row.url])));
}

words.value = choices.words;
onDisplay(draw);
draw();
setInterval(tick, TICK_MS);
