// Studies of one underlying: estimates, each with its unit, n and caveat. Asked for while open.

import { get } from "../api.js";
import { h, setText } from "../dom.js";
import { DASH, MINUS, clock as clockText, gex } from "../format.js";

const EVERY_MS = 60000;
const AGAIN_MS = 5000; // after an answer that the numbers are not there yet
const MILLION = 1e6;

/** A number with its decimals; large dollars short, unknown a dash, words as they are. */
export function valueText(value, { digits = 0, unit = "", signed = false } = {}) {
  if (typeof value === "string") return value;
  if (typeof value !== "number" || !Number.isFinite(value)) return DASH;
  if (unit.startsWith("$") && Math.abs(value) >= MILLION) return gex(value);
  const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const isNone = Number(text.replaceAll(",", "")) === 0;
  return (isNone ? "" : value < 0 ? MINUS : signed ? "+" : "") + text;
}

/** Whether the sign of a study's main number says something. */
export const isSigned = ({ unit }) => !unit.startsWith("share") && unit !== "contracts";

/** What stands under a number: the word for it, or why there is none, and what it is made of. */
export function underText({ word, reason, n, n_of: of }) {
  const made = `n ${n.toLocaleString("en-US")} ${of}`;
  return [word, reason, made].filter(Boolean).join(" · ");
}

function block(study) {
  const { facts, value, digits, unit } = study;
  return h("section", { class: "study", dataset: { study: study.key } },
    h("h3", {}, study.label),
    h("p", { class: "study-value" }, h("strong", { class: value === null ? "unknown" : "" }, valueText(value, { digits, unit, signed: isSigned(study) })), " ", h("span", {}, unit)),
    h("p", { class: "study-under" }, underText(study)),
    facts.length ? h("dl", {}, facts.flatMap((fact) => [h("dt", {}, fact.label), h("dd", {}, `${valueText(fact.value, fact)}${fact.unit && fact.value !== null ? ` ${fact.unit}` : ""}`)])) : null,
    h("p", { class: "study-sign" }, `Sign: ${study.sign}.`),
    h("p", { class: "study-caveat" }, `${study.source}. ${study.caveat}`));
}

/** What the studies were made from, in one line. */
export function coversText(found) {
  const future = found.future === null ? "no future to count in" : `counted in ${found.future}${found.future_frozen ? ", last prices of the session" : ""}`;
  return `${found.contracts.toLocaleString("en-US")} contracts of ${found.expiries} ${found.expiries === 1 ? "expiry" : "expiries"}, ${future}, ${clockText(Date.parse(found.as_of))} ET`;
}

export class Studies {
  #box;
  #timer = 0;
  #symbol;

  constructor(box, symbol) {
    this.#box = box;
    this.#symbol = symbol;
    this.details = box.querySelector("details");
    this.details.addEventListener("toggle", () => this.#run());
    document.addEventListener("visibilitychange", () => this.#run());
    if (this.details.open) this.#run();
  }

  #run() {
    clearTimeout(this.#timer);
    if (!this.details.open || document.hidden) return;
    this.#ask();
  }

  async #ask() {
    let wait = EVERY_MS;
    try {
      this.#draw(await get(`/api/studies?${new URLSearchParams({ symbol: this.#symbol })}`));
    } catch (problem) {
      if (problem.status === 503 || problem.status === 0) wait = AGAIN_MS;
      setText(this.#part("covers"), problem.status === 0 ? "not connected" : problem.message);
    }
    clearTimeout(this.#timer);
    if (this.details.open && !document.hidden) this.#timer = setTimeout(() => this.#run(), wait);
  }

  #part(name) {
    return this.#box.querySelector(`[data-part="${name}"]`);
  }

  #draw(found) {
    setText(this.#part("covers"), coversText(found));
    this.#part("list").replaceChildren(...found.studies.map(block));
  }
}
