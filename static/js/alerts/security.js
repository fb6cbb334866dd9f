// The lists without a drawer, newest first: what was turned away, and who changed what.

import { display } from "../display.js";
import { h, part } from "../dom.js";
import { date } from "../format.js";
import { timeMs } from "./words.js";

/** Draw its rows. */
export function drawLines(page, list) {
  const zone = display.time_zone;
  part(page, "security-rows").replaceChildren(...list.map((each) => h("tr", {},
    h("td", {}, `${date(each.at_ms, zone)} ${timeMs(each.at_ms, zone)}`), h("td", {}, each.address ?? each.who ?? ""), h("td", {}, (each.what ?? "").replaceAll("_", " ")),
    h("td", { class: "soft", title: each.detail || null }, each.detail ?? ""))));
  part(page, "security-empty").hidden = list.length > 0;
}
