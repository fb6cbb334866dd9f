// What stands behind a number: the guide at the foot of the page, one part at a time.

import { openDialog } from "../dialog.js";
import { h } from "../dom.js";
import { tip } from "../tips.js";

const guide = (id) => document.querySelector(`[data-guide="${id}"]`);

/** Open one part of the guide over the page. */
export function explain(id, title = null) {
  const source = guide(id);
  if (!source) return;
  const name = title ?? source.querySelector("h3").textContent;
  const body = [...source.children].filter((each) => title !== null || each.tagName !== "H3").map((each) => each.cloneNode(true));
  const close = h("button", { type: "button", class: "button" }, "Close");
  const rest = id === "reading" ? null : h("button", { type: "button", class: "button plain", onclick: () => explain("reading", "How to read this page") }, "How to read this page");
  const dialog = openDialog(name, [h("div", { class: "guide-text" }, body), h("div", { class: "actions" }, rest, close)], { wide: true });
  close.addEventListener("click", () => dialog.close(false));
  close.focus();
}

/** Every button with data-about explains itself: a tip in short, the part of the guide on a press. */
export function startHelp(root = document) {
  for (const button of root.querySelectorAll("[data-about]")) {
    tip(button, () => guide(button.dataset.about)?.querySelector("dd")?.textContent ?? "");
  }
  root.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-about]");
    if (button) explain(button.dataset.about);
  });
}
