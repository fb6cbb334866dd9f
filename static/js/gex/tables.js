// Rows of the tables, filled in place: an untouched cell is not touched.

import { h, setText } from "../dom.js";
import { DASH, change, day, fraction, gex, move, offset, percent, price, ratio, strike, tick, volume } from "../format.js";
import { columnsOf, exposure } from "./series.js";

const SWATCHES = { spot: "spot", zero_gamma: "zero", call_wall: "call", call_wall_2: "call", put_wall: "put", put_wall_2: "put" };
const SECONDARY = {
  resistance_1: "R1", resistance_2: "R2", resistance_3: "R3", support_1: "S1", support_2: "S2", support_3: "S3",
  max_gex: "max", absolute_gamma: "abs", put_wall_oi: "OI wall",
};

/**
 * Make a body show rows [{key, className?, cells: [{text, className?, title?, head?, key?, node?}]}].
 * node() builds a cell's content and is called again only when its key changed.
 */
export function fillRows(body, rows) {
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  rows.forEach((row, at) => {
    let tr = body.rows[at];
    if (!tr) {
      tr = h("tr");
      body.append(tr);
    }
    const name = row.className ?? "";
    if (tr.className !== name) tr.className = name;
    if (row.key !== undefined && tr.dataset.level !== row.key) tr.dataset.level = row.key;
    while (tr.cells.length > row.cells.length) tr.lastElementChild.remove();
    row.cells.forEach((cell, index) => fillCell(tr, cell, index));
  });
}

function fillCell(tr, cell, index) {
  let td = tr.cells[index];
  const tag = cell.head ? "TH" : "TD";
  if (td?.tagName !== tag) {
    const fresh = h(tag.toLowerCase(), cell.head ? { scope: "row" } : {});
    if (td) td.replaceWith(fresh);
    else tr.append(fresh);
    td = fresh;
  }
  const name = `${cell.className ?? ""}${cell.text === DASH ? " unknown" : ""}`.trim();
  if (td.className !== name) td.className = name;
  if ((td.getAttribute("title") ?? "") !== (cell.title ?? "")) {
    if (cell.title) td.title = cell.title;
    else td.removeAttribute("title");
  }
  if (!cell.node) setText(td, cell.text);
  else if (td.dataset.key !== cell.key) {
    td.dataset.key = cell.key;
    td.replaceChildren(...cell.node());
  }
}

/** Levels in the order of price; a secondary one at the place of a named one is a tag behind it. */
export function levelRows(levels) {
  const main = new Set(levels.filter((row) => !(row.key in SECONDARY)).map((row) => row.value));
  const shown = new Set();
  const found = [];
  for (const row of levels) {
    if (row.key in SECONDARY) {
      if (main.has(row.value) || shown.has(row.value)) continue;
      shown.add(row.value);
    }
    const also = row.key === "spot" ? [] : levels.filter((each) => each.key in SECONDARY && each.value === row.value && each.key !== row.key);
    found.push({ ...row, also: also.map((each) => ({ tag: SECONDARY[each.key], label: each.label })) });
  }
  return found;
}

export function fillLevels(body, payload) {
  const size = payload.conversion?.tick ?? null;
  fillRows(body, levelRows(payload.levels ?? []).map((row) => ({
    key: row.key,
    className: row.key === "spot" ? "at-spot" : "",
    cells: [
      {
        head: true,
        title: [row.label, ...row.also.map((each) => each.label)].join(", "),
        key: [row.key, row.label, ...row.also.map((each) => each.tag)].join(" "),
        node: () => [
          h("span", { class: "swatch", "aria-hidden": "true", dataset: { line: SWATCHES[row.key] ?? "" } }), row.label,
          ...row.also.flatMap((each) => [" ", h("span", { class: "also", title: `Also ${each.label}` }, each.tag)]),
        ],
      },
      { className: "num strong", text: price(row.value) },
      { className: "num soft", text: payload.conversion ? tick(row.future, size) : DASH, title: payload.conversion ? (payload.conversion.value === null ? payload.conversion.note : "") : "No future is joined to this symbol." },
      { className: "num soft", text: row.key === "spot" ? percent(payload.change?.percent) : change(row.distance), title: row.key === "spot" ? "Change from the previous close" : percent(row.distance_percent) },
    ],
  })));
}

export function fillExpiries(body, payload) {
  const term = new Map((payload.term ?? []).map((each) => [`${each.expiry} ${each.root} ${each.settlement}`, each]));
  fillRows(body, (payload.max_pain ?? []).map((row) => {
    const found = term.get(`${row.expiry} ${row.root} ${row.settlement}`);
    const tied = row.tied && row.tied[0] !== row.tied[1];
    return {
      cells: [
        { head: true, key: `${row.expiry} ${row.witching}`, node: () => [day(row.expiry), ...(row.witching ? [" ", h("span", { class: "tag" }, "witching")] : [])] },
        { className: "soft", text: `${row.root} ${row.settlement}` },
        { className: "num", text: String(row.dte) },
        { className: "num strong", text: strike(row.strike), title: tied ? `Tied from ${strike(row.tied[0])} to ${strike(row.tied[1])}` : "" },
        { className: "num", text: fraction(found?.atm_iv) },
        { className: "num", text: move(found?.move, payload.spot) },
      ],
    };
  }));
}

/** Heads and values of the numbers behind the bars, as shown and as a file. */
export function numberColumns(payload, view) {
  const columns = columnsOf(payload);
  const series = exposure(payload, view);
  const name = { gex: "GEX", dex: "DEX", vanna: "vanna", charm: "charm" }[view.greek];
  const by = view.by === "volume" ? " by volume" : "";
  const none = columns.strike.map(() => null);
  return {
    heads: ["Strike", `Call ${name}${by}`, `Put ${name}${by}`, `Net ${name}${by}`, "Call OI", "Put OI", "Call vol", "Put vol", "Call IV", "Put IV"],
    values: [columns.strike, series?.call ?? none, series?.put ?? none, series?.net ?? none, ...["call_oi", "put_oi", "call_volume", "put_volume", "call_iv", "put_iv"].map((each) => columns[each] ?? none)],
  };
}

export function fillNumbers(table, payload, view) {
  const { heads, values } = numberColumns(payload, view);
  heads.forEach((head, at) => setText(table.tHead.rows[0].cells[at], head));
  const formats = [strike, gex, gex, gex, volume, volume, volume, volume, fraction, fraction];
  fillRows(table.tBodies[0], values[0].map((_, row) => ({
    cells: values.map((column, at) => ({ head: at === 0, className: "num", text: formats[at](column[row]) })),
  })));
}

/** A bar cell: the share of the largest as a width, coloured by side. */
function barCell(share, side) {
  return { className: "bar-cell", key: `${side} ${Math.round(share * 200)}`, node: () => {
    const bar = h("span", { class: `bar ${side}` });
    bar.style.setProperty("width", `${Math.round(share * 100)}%`);
    return [bar];
  } };
}

const isCall = (row) => row.side === "C" || row.side === "call";
const sideCell = (row) => (isCall(row) ? { text: "Call", className: "up" } : { text: "Put", className: "down" });
/** A put counts as the dealer holds it: short. */
const held = (row) => (typeof row.gex === "number" ? Math.abs(row.gex) * (isCall(row) ? 1 : -1) : null);

const TOPS = {
  oi: (row, most) => [
    sideCell(row), { text: volume(row.oi), className: "num strong" },
    barCell(row.oi / most, isCall(row) ? "call" : "put"), { text: gex(held(row)), className: "num soft" },
  ],
  volume: (row, most) => [
    sideCell(row), { text: volume(row.volume), className: "num strong" },
    barCell(row.volume / most, isCall(row) ? "call" : "put"), { text: fraction(row.of_oi), className: "num soft" },
  ],
  put_call: (row, most) => [
    { text: ratio(row.ratio), className: "num strong" }, barCell(row.ratio / most, row.ratio >= 1 ? "put" : "call"),
    { text: volume(row.call_oi), className: "num soft" }, { text: volume(row.put_oi), className: "num soft" },
  ],
};
const MEASURE = { oi: "oi", volume: "volume", put_call: "ratio" };

export function fillTop(body, name, rows, spot) {
  const most = Math.max(...rows.map((row) => row[MEASURE[name]]), 0) || 1;
  fillRows(body, rows.map((row) => ({
    cells: [
      { head: true, text: strike(row.strike), className: "num" },
      { text: offset(typeof spot === "number" ? row.strike - spot : null, spot), className: "num soft" },
      ...TOPS[name](row, most),
    ],
  })));
}

/** A whole small table from heads and rows of texts. */
export function plainTable(box, heads, rows) {
  let table = box.querySelector("table");
  if (!table || table.tHead.rows[0].cells.length !== heads.length) {
    table = h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: "num" }, head)))), h("tbody"));
    box.replaceChildren(table);
  }
  heads.forEach((head, at) => setText(table.tHead.rows[0].cells[at], head));
  fillRows(table.tBodies[0], rows.map((cells) => ({ cells: cells.map((text, at) => ({ head: at === 0, text, className: "num" })) })));
}
