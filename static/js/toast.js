// Short reports that need no answer: at most three, six seconds, longer under the pointer.

import { h, mark } from "./dom.js";

const SHOWN_MS = 6000;
const LIMIT = 3;

/** Show text; kind "info" or "warning"; action {label, run} adds a link. */
export function toast(text, { kind = "info", action = null, at = "" } = {}) {
  const root = document.getElementById("toasts");
  if (!root) return;
  const box = h("div", { class: "toast", dataset: { kind } }, mark(kind === "warning" ? "late" : "fresh"), h("span", {}, text));
  const close = () => box.remove();
  if (action) {
    box.append(h("button", { class: "link end", type: "button", onclick: () => { close(); action.run(); } }, action.label));
  } else if (at) {
    box.append(h("span", { class: "end" }, at));
  }
  let timer = setTimeout(close, SHOWN_MS);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => { timer = setTimeout(close, 2000); });
  root.append(box);
  while (root.children.length > LIMIT) root.firstElementChild.remove();
}
