// Which headlines are shown and in what order. Pure: no page in here.

export const TONES = ["positive", "neutral", "negative"];

/** Headlines of the list and those a search found, each once; the found ones are marked. */
export function joined(headlines, found) {
  const known = new Map(headlines.map((row) => [row.id, row]));
  for (const row of found) if (!known.has(row.id)) known.set(row.id, { ...row, searched: true });
  return [...known.values()];
}

/** The rows that have every word in title, publisher or symbols; all for no words. */
export function matching(rows, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const said = [row.title, row.publisher ?? "", ...row.tickers].join(" ").toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

/** How many rows have each tone of the chosen score. */
export function tones(rows, lexicon) {
  const counts = { all: rows.length, positive: 0, neutral: 0, negative: 0 };
  for (const row of rows) if (row.word[lexicon]) counts[row.word[lexicon]] += 1;
  return counts;
}

/** The outlets of the rows with their counts, the most frequent first. */
export function outlets(rows) {
  const counts = new Map();
  for (const row of rows) {
    for (const name of row.publishers) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b));
}

const VALUES = {
  published: (row) => Date.parse(row.published),
  publisher: (row) => row.publisher,
  plain: (row) => row.vader,
  finance: (row) => row.finance,
};

/** Rows in order of a column; the unknown is last whichever way, the newer first among equals. */
export function sorted(rows, { by, down }) {
  const value = VALUES[by];
  return [...rows].sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) {
      if (one !== other) return one === null ? 1 : -1;
    } else if (one !== other) {
      const order = typeof one === "string" ? one.localeCompare(other) : one - other;
      if (order) return down ? -order : order;
    }
    return VALUES.published(b) - VALUES.published(a);
  });
}

/** What a page shows: {rows, pool} of these choices; pool is what the tones are counted in. */
export function chosen(rows, { words, tone, outlet, lexicon, sort }) {
  let pool = matching(rows, words);
  if (outlet) pool = pool.filter((row) => row.publishers.includes(outlet));
  const shown = tone === "all" ? pool : pool.filter((row) => row.word[lexicon] === tone);
  return { rows: sorted(shown, sort), pool };
}

/** How old a headline is: minutes, hours and minutes, or days and hours. */
export function span(seconds) {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const two = (value) => String(value).padStart(2, "0");
  if (hours >= 72) return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
  return hours ? `${hours}h ${two(rest)}m` : `${minutes}m`;
}

/** The headlines whose two scores are farthest apart, at most so many; only those whose words differ. */
export function farthest(rows, most) {
  const apart = (row) => Math.abs(row.finance - row.vader);
  return rows.filter((row) => row.word.plain && row.word.finance && row.word.plain !== row.word.finance)
    .sort((a, b) => apart(b) - apart(a)).slice(0, most);
}

/** An address fit for a link, or null. */
export function safeUrl(text) {
  if (typeof text !== "string") return null;
  try {
    return ["http:", "https:"].includes(new URL(text).protocol) ? text : null;
  } catch {
    return null;
  }
}

/** Choices as a query, without the usual ones; and back. */
export function toQuery(choices, usual) {
  const query = new URLSearchParams();
  if (choices.words) query.set("q", choices.words);
  if (choices.tone !== "all") query.set("tone", choices.tone);
  if (choices.outlet) query.set("source", choices.outlet);
  if (choices.lexicon !== usual) query.set("score", choices.lexicon);
  const { by, down } = choices.sort;
  if (by !== "published" || !down) query.set("sort", `${down ? "-" : ""}${by}`);
  return query.toString();
}

export function fromQuery(text, usual) {
  const query = new URLSearchParams(text);
  const sort = query.get("sort") ?? "-published";
  const by = sort.replace(/^-/, "");
  const tone = query.get("tone");
  const lexicon = query.get("score");
  return {
    words: query.get("q") ?? "",
    tone: TONES.includes(tone) ? tone : "all",
    outlet: query.get("source") ?? "",
    lexicon: lexicon === "plain" || lexicon === "finance" ? lexicon : usual,
    sort: by in VALUES ? { by, down: sort.startsWith("-") } : { by: "published", down: true },
  };
}
