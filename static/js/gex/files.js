// The numbers behind each panel, as a table beside it and as a file.

import { part } from "../dom.js";
import { fraction, gex, strike as strikeText, volume } from "../format.js";
import { columnsOf } from "./series.js";
import { SmileChart } from "./small.js";
import { fillNumbers, plainTable } from "./tables.js";

/** What a panel is called. */
export function nameOf(box) {
  return box.dataset.chart ?? box.dataset.panel ?? (box.dataset.top ? `top-${box.dataset.top}` : "strip");
}

function smallTable(name, payload, strikes) {
  if (name === "iv") {
    const { names, rows } = SmileChart.table(payload, strikes);
    return { heads: ["Strike", ...names], rows, format: fraction };
  }
  const columns = columnsOf(payload);
  const word = name === "oi" ? "OI" : "volume";
  const rows = columns.strike.map((strike, at) => [strike, columns[`call_${name}`]?.[at] ?? null, columns[`put_${name}`]?.[at] ?? null]);
  return { heads: ["Strike", `Call ${word}`, `Put ${word}`], rows, format: volume };
}

/** Fill the tables that are open. */
export function drawBehind(main, payload, view, through) {
  for (const box of main.querySelectorAll("[data-chart][data-open]")) {
    const name = box.dataset.chart;
    const table = part(box, "table");
    if (name === "bars") {
      fillNumbers(table.querySelector("table"), payload, view);
      continue;
    }
    const { heads, rows, format } = name === "map" ? { ...through.table(), format: gex } : smallTable(name, payload, view.strikes);
    plainTable(table, heads, rows.map(([strike, ...values]) => [strikeText(strike), ...values.map((value) => format(value))]));
  }
}

function levels({ symbol, payload }) {
  const heads = ["Level", symbol, payload.conversion?.contract ?? "Future", "From spot", "From spot %"];
  return { heads, rows: payload.levels.map((row) => [row.label, row.value, row.future, row.distance, row.distance_percent]), file: `${symbol}-levels` };
}

function expiries({ symbol, payload }) {
  const term = new Map((payload.term ?? []).map((each) => [`${each.expiry} ${each.root} ${each.settlement}`, each]));
  const heads = ["Expiry", "Root", "Settlement", "DTE", "Witching", "Max pain", "Tied from", "Tied to", "ATM IV", "Move"];
  const rows = (payload.max_pain ?? []).map((row) => {
    const found = term.get(`${row.expiry} ${row.root} ${row.settlement}`);
    return [row.expiry, row.root, row.settlement, row.dte, row.witching, row.strike, row.tied?.[0], row.tied?.[1], found?.atm_iv, found?.move];
  });
  return { heads, rows, file: `${symbol}-expiries` };
}

function byStrike({ symbol, payload }) {
  const columns = columnsOf(payload);
  const names = Object.keys(columns).filter((each) => each !== "strike");
  const rows = columns.strike.map((strike, at) => [strike, ...names.map((each) => columns[each]?.[at] ?? null)]);
  return { heads: ["strike", ...names], rows, file: `${symbol}-by-strike` };
}

/** {heads, rows, file} of a panel, at full precision. context: {symbol, payload, view, through, strip}. */
export function csvOf(name, context) {
  const { symbol, payload, view, through, strip } = context;
  if (name === "strip") return { ...strip.table(), file: "gex-symbols" };
  if (name === "map") return { ...through.grid(), file: `${symbol}-net-gex-day` };
  if (name === "bars") return byStrike(context);
  if (name === "levels") return levels(context);
  if (name === "expiries") return expiries(context);
  if (name.startsWith("top-")) {
    const rows = payload.tops?.[name.slice(4)] ?? [];
    const heads = Object.keys(rows[0] ?? { strike: 0 });
    return { heads, rows: rows.map((row) => heads.map((head) => row[head])), file: `${symbol}-${name}` };
  }
  const { heads, rows } = smallTable(name, payload, view.strikes);
  return { heads, rows, file: `${symbol}-${name}` };
}
