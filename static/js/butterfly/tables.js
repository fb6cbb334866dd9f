// Widths side by side, legs and candidates as rows.

import { h, setText } from "../dom.js";
import { DASH, MINUS, age, change, count, date, day, fraction, minute, price, strike } from "../format.js";
import { LINES, dollars, placeText, signed, widthText } from "./words.js";

const known = (value) => typeof value === "number" && Number.isFinite(value);
/** The sign as it is shown: a rounded 0.00 has no colour. */
const tone = (value, decimals = 2) => (known(value) ? ["down", "", "up"][Math.sign(Number(value.toFixed(decimals))) + 1] : "");

/** Write rows of cells [text, class, title] over a body without making it anew. */
function write(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? body.insertRow();
    while (row.cells.length > cells.length) row.deleteCell(-1);
    cells.forEach(([text, style = "num", title = ""], place) => {
      let cell = row.cells[place];
      if (!cell) cell = row.insertCell();
      if (cell.textContent !== text) cell.textContent = text;
      const wanted = text === DASH ? `${style} unknown` : style;
      if (cell.className !== wanted) cell.className = wanted;
      if (cell.title !== title) cell.title = title;
    });
  });
}

/** A value with what stands after it in a weaker colour. */
function writePair(cell, text, after) {
  if (cell.dataset.text === `${text}|${after}`) return;
  cell.dataset.text = `${text}|${after}`;
  cell.replaceChildren(text, ...(after ? [" ", h("span", { class: "muted" }, after)] : []));
}

/** The comparison: one row a line, one column a width. */
export function fillWidths(body, { chosen, compared }) {
  const columns = [chosen, compared];
  if (body.rows.length !== LINES.length) {
    body.replaceChildren(...LINES.map(([name]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "num chosen" }), h("td", { class: "num" }))));
  }
  LINES.forEach(([, pick], at) => {
    columns.forEach((each, place) => {
      const cell = body.rows[at].cells[place + 1];
      const [text, after = "", style = "", reason = ""] = each ? pick(each) : [""];
      writePair(cell, text, text === DASH ? "" : after);
      cell.className = `num${place ? "" : " chosen"}${style ? ` ${style}` : ""}${text === DASH ? " unknown" : ""}`;
      cell.title = reason || (text === DASH && each?.refusal) || "";
      if (text === DASH && cell.title) cell.setAttribute("aria-label", `unknown: ${cell.title}`);
      else cell.removeAttribute("aria-label");
    });
  });
}

/** The comparison as heads and rows of plain values. */
export function widthRows({ chosen, compared, query }) {
  const heads = ["", widthText(Number(query.width), Number(query.width_high)), ...(compared ? [widthText(Number(query.compare))] : [])];
  return { heads, rows: LINES.map(([name, pick]) => [name, ...[chosen, compared].filter(Boolean).map((each) => pick(each).slice(0, 2).filter(Boolean).join(" "))]) };
}

const legWord = ({ quantity, right }) => `${quantity > 0 ? "Buy" : "Sell"} ${right === "P" ? "put" : "call"}`;

/** The legs and the package they make. */
export function fillLegs(body, chosen, elapsed) {
  if (!chosen) {
    body.replaceChildren();
    return;
  }
  const rows = chosen.legs.map((leg) => [
    [`${leg.quantity > 0 ? "+" : MINUS}${Math.abs(leg.quantity)}`, `num ${tone(leg.quantity)}`], [legWord(leg), "leg"], [strike(leg.strike), "num strong"],
    [change(leg.from_spot)], [price(leg.bid)], [price(leg.ask)], [price(leg.mid), "num strong"], [fraction(leg.iv)],
    [signed(leg.delta, 4)], [signed(leg.gamma, 4)], [signed(leg.theta, 2)],
    [count(leg.volume), "num soft"], [count(leg.oi), "num soft"], [known(leg.age) ? age(leg.age + elapsed) : DASH, `num ${leg.age + elapsed > 300 ? "warn-text" : "muted"}`],
  ]);
  const { quantity, bid, ask, mid, delta, gamma, theta } = chosen.package;
  const shown = chosen.refusal ? [DASH, DASH, DASH] : [price(bid), price(ask), price(mid)];
  rows.push([
    [String(quantity), "num strong"], ["Package", "leg strong"], ["", "num"], ["", "num"], [shown[0], "num", "What selling one package brings now"], [shown[1], "num", "What buying one package costs now"], [shown[2], "num strong"],
    ["", "num"], [signed(delta, 4)], [signed(gamma, 4)], [signed(theta, 2)], ["", "num"], ["", "num"], ["", "num"],
  ]);
  write(body, rows);
  [...body.rows].forEach((row, at) => row.classList.toggle("package", at === rows.length - 1));
}

/** The legs as plain values. */
export function legRows(chosen) {
  const heads = ["quantity", "right", "strike", "from_spot", "bid", "ask", "mid", "iv", "delta", "gamma", "theta", "volume", "oi", "age", "contract"];
  return { heads, rows: (chosen?.legs ?? []).map((leg) => heads.map((name) => leg[name])) };
}

/** A saved candidate's own text. */
export const candidateName = (each) => `${each.symbol} ${strike(each.center)} ${widthText(each.width, each.width_high)}`;

/** What a candidate asks the form for. */
export function candidateQuery(each) {
  return {
    symbol: each.symbol, expiry: each.expiry, root: each.root, center: String(each.center), width: String(each.width), width_high: String(each.width_high),
    compare: "", side: each.side, price: each.price, quantity: String(each.quantity), fees: String(each.fees),
  };
}

/** Is this the candidate that the form shows? */
export function isShown(each, query) {
  return each.symbol === query.symbol && each.expiry === query.expiry && each.root === query.root
    && ["center", "width", "width_high"].every((name) => Number(query[name]) === each[name]);
}

/** The candidates; menu(candidate, button) and open(candidate) are what a row can do. */
export function fillCandidates(body, candidates, query, elapsed, zone, { open, menu }) {
  const key = candidates.map((each) => each.id).join();
  if (body.dataset.key !== key) {
    body.dataset.key = key;
    body.replaceChildren(...candidates.map((each) => {
      const row = h("tr", { tabindex: "-1", dataset: { id: each.id } });
      for (let place = 0; place < 12; place += 1) row.append(h("td"));
      const button = h("button", { type: "button", class: "link strong", onclick: () => open(each) }, candidateName(each));
      row.cells[0].append(button);
      const more = h("button", { type: "button", class: "icon-button", "aria-label": `Menu of ${candidateName(each)}`, "aria-haspopup": "menu" }, "⋯");
      more.addEventListener("click", (event) => { event.stopPropagation(); menu(each, more); });
      row.cells[11].append(more);
      row.addEventListener("click", (event) => { if (!event.target.closest("button")) open(each); });
      return row;
    }));
  }
  candidates.forEach((each, at) => {
    const row = body.rows[at];
    row.classList.toggle("selected", isShown(each, query));
    row.classList.toggle("settled", Boolean(each.settled));
    const saved = Date.parse(each.saved_at);
    const edges = known(each.break_even_low) || known(each.break_even_high) ? `${price(each.break_even_low)} to ${price(each.break_even_high)}` : DASH;
    const cells = [
      null, [`${day(each.expiry)} ${each.settlement}`, "soft", `${each.root} ${each.settlement}`], [`${each.side} × ${each.quantity}`, "soft"],
      [`${date(saved, zone).slice(0, 3)} ${minute(saved, zone)}`, "soft", date(saved, zone)], [price(each.entry), "num", `At ${each.price}, as saved`],
      [price(each.mark), "num strong", each.reason ?? ""], [signed(each.gain, 2), `num strong ${tone(each.gain)}`], [dollars(each.gain_dollars, true), `num strong ${tone(each.gain_dollars, 0)}`],
      [edges, "num"], [placeText(each), "", each.reason ?? ""], [each.settled ? "" : known(each.age) ? age(each.age + elapsed) : DASH, "num muted"],
    ];
    cells.forEach((cell, place) => {
      if (!cell) return;
      const [text, style = "", title = ""] = cell;
      const target = row.cells[place];
      setText(target, text);
      target.className = text === DASH ? `${style} unknown` : style;
      target.title = title;
    });
  });
}

/** The candidates as plain values. */
export function candidateRows(candidates) {
  const heads = ["symbol", "expiry", "root", "settlement", "center", "width", "width_high", "side", "quantity", "saved_at", "entry", "mark", "gain", "gain_dollars", "break_even_low", "break_even_high", "spot", "age", "settled"];
  return { heads, rows: candidates.map((each) => heads.map((name) => (name === "settled" ? Boolean(each.settled) : each[name]))) };
}

/** The picture as a table: one row a point. */
export function fillBehind(table, { curve }) {
  const [chosen, compared] = curve?.lines ?? [];
  const heads = ["Underlying", "At expiry", "Today", ...(compared ? ["Compared"] : [])];
  table.tHead.replaceChildren(h("tr", {}, ...heads.map((name) => h("th", { scope: "col", class: "num" }, name))));
  write(table.tBodies[0], (curve?.x ?? []).map((x, at) => [[strike(x)], [dollars(chosen?.expiry?.[at], true)], [dollars(chosen?.today?.[at], true)], ...(compared ? [[dollars(compared.expiry?.[at], true)]] : [])]));
}

/** The same as plain values. */
export function behindRows({ curve }) {
  const [chosen, compared] = curve?.lines ?? [];
  return { heads: ["underlying", "at_expiry", "today", "compared"], rows: (curve?.x ?? []).map((x, at) => [x, chosen?.expiry?.[at], chosen?.today?.[at], compared?.expiry?.[at]]) };
}
