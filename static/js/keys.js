// Shortcuts: "/", "?", Esc, "g" then a letter, Shift D. Single keys are off inside fields.

import { closeDialog, isDialogOpen, openDialog } from "./dialog.js";
import { display, switchTheme } from "./display.js";
import { announce, h, isTyping } from "./dom.js";
import { closeMenu } from "./menu.js";
import { closeTip } from "./tips.js";

const GO_MS = 1500;
const LETTERS = {
  i: "indicator", x: "gex", c: "chart", b: "butterfly", n: "news", k: "calendar",
  a: "alerts", t: "strategies", s: "signals", u: "setup", h: "status",
};

/** The letter after "g" for a page, or null. */
export function letterOf(page) {
  if (page.key) return page.key;
  return Object.keys(LETTERS).find((letter) => LETTERS[letter] === page.name) ?? null;
}

function keycap(text) {
  return h("kbd", {}, text);
}

/** The list of shortcuts that work on this page. */
export function showKeys(pages, extra = []) {
  const rows = [
    [["/"], "Find a symbol or a page"],
    [["?"], "This list"],
    [["Esc"], "Close the top layer, clear the search"],
    ...pages.map((page) => [["g", letterOf(page)], `Go to ${page.label}`]).filter(([keys]) => keys[1]),
    [["Shift", "D"], "Switch theme"],
    ...extra,
  ];
  const list = h("dl", { class: "keys" });
  for (const [keys, text] of rows) list.append(h("dt", {}, keys.map(keycap)), h("dd", {}, text));
  const off = display.keys ? null : h("p", {}, "Single keys are switched off in Setup, Display.");
  const close = h("button", { type: "button", class: "button" }, "Close");
  const dialog = openDialog("Keyboard", [off, list, h("div", { class: "actions" }, close)].filter(Boolean), { wide: true });
  close.addEventListener("click", () => dialog.close(false));
  close.focus();
}

/** Listen for the shortcuts of every page; extra are lines for the list of this one. */
export function startKeys({ pages, search, extra = [] }) {
  let goUntil = 0;
  const letters = new Map(pages.map((page) => [letterOf(page), page.path]));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      closeTip() || closeMenu() || closeDialog() || search.close();
      return;
    }
    if (!display.keys || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
    if (performance.now() < goUntil) {
      goUntil = 0;
      const path = letters.get(event.key);
      if (path) {
        event.preventDefault();
        location.assign(path);
        return;
      }
    }
    if (event.key === "/") search.focus();
    else if (event.key === "?") showKeys(pages, extra);
    else if (event.key === "g") goUntil = performance.now() + GO_MS;
    else if (event.key === "D" && event.shiftKey) announce(`${switchTheme()} theme`);
    else return;
    event.preventDefault();
  });
}
