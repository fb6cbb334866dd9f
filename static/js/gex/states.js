// What stands where numbers would be: loading, no chain, refused; and the line for stale and closed.

import { h, part, setText } from "../dom.js";
import { clock, count, date, day } from "../format.js";
import { columnsOf } from "./series.js";

const TITLES = { refused: "No GEX for", no_chain: "No options for", loading: "Loading the chain of" };

/** True when a payload's numbers are to be drawn. */
export function hasNumbers(payload) {
  return Boolean(payload?.totals) && !["no_chain", "refused"].includes(payload.status?.state) && columnsOf(payload).strike.length > 0;
}

/** "212 of 1,432" of what is loaded, or "". */
export function loadedText({ loaded, of } = {}) {
  return typeof of === "number" && of > 0 ? `${count(loaded)} of ${count(of)}` : "";
}

/** What was found, as pairs. */
function facts(payload, status) {
  const found = [];
  const loaded = loadedText(status);
  if (loaded) found.push(["Contracts with data", loaded]);
  const expiries = payload?.expiries?.length;
  if (expiries) found.push(["Expiries listed", count(expiries)]);
  const { no_oi: noOi, no_iv: noIv } = payload?.excluded ?? {};
  if (noIv) found.push(["Without volatility", `${count(noIv)} of ${count(payload.contracts)}`]);
  if (noOi) found.push(["Without open interest", `${count(noOi)} of ${count(payload.contracts)}`]);
  if (payload?.oi_date) found.push(["Open interest", `last seen ${day(payload.oi_date)}`]);
  return found;
}

/**
 * Draw the panel in place of the bars. actions: [{label, run} or {label, href}], the most useful
 * first, at most three.
 */
export function drawState(root, symbol, payload, status, actions) {
  const panel = part(root, "state");
  panel.hidden = false;
  setText(part(panel, "state-title"), `${TITLES[status.state] ?? "No GEX for"} ${symbol}`);
  setText(part(panel, "state-text"), status.text || (status.state === "loading" ? "The numbers come as soon as the contracts have arrived." : ""));
  part(panel, "state-facts").replaceChildren(...facts(payload, status).flatMap(([label, text]) => [h("dt", {}, label), h("dd", {}, text)]));
  const box = part(panel, "state-actions");
  const key = actions.map((each) => each.label).join();
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.replaceChildren(...actions.slice(0, 3).map(({ label, run, href }, at) => (href
    ? h("a", { class: at ? "button" : "button primary", href }, label)
    : h("button", { type: "button", class: at ? "button" : "button primary", onclick: run, "data-write": label === "Try now" ? "" : null }, label))));
}

/** Draw the line above the tiles: {kind, strong, text} or null; resume shows its button. */
export function drawLine(root, line, resume = false) {
  const box = part(root, "line");
  box.hidden = line === null;
  box.querySelector('[data-action="resume"]').hidden = !resume;
  if (!line) return;
  box.dataset.kind = line.kind;
  const text = part(box, "line-text");
  const key = `${line.strong}|${line.text}`;
  if (text.dataset.key === key) return;
  text.dataset.key = key;
  text.replaceChildren(h("strong", {}, line.strong), line.text ? ` ${line.text}` : "");
}

/** The line of a payload's own state, or null. */
export function stateLine(payload) {
  const { state, text } = payload?.status ?? {};
  if (state === "stale") return { kind: "warning", strong: "Stale.", text: text || "The inputs are older than they should be." };
  if (state === "closed") return { kind: "info", strong: text || "The market is closed.", text: payload.as_of ? `Worked out at ${date(Date.parse(payload.as_of))}, ${clock(Date.parse(payload.as_of))} ET.` : "" };
  const loaded = state === "loading" ? loadedText(payload.status) : "";
  if (loaded) return { kind: "info", strong: `${loaded} contracts loaded.`, text: text || "Numbers are those of the part that is there." };
  return null;
}
