// Questions that name the thing, list the consequences, and make the safe answer the easy one.

import { h } from "./dom.js";

const FOCUSABLE = 'button:not(:disabled), [href], input:not(:disabled), select, textarea, [tabindex="0"]';
let open = null;

/** Close the open dialog with its safe answer; true when there was one. */
export function closeDialog() {
  if (!open) return false;
  open.close(false);
  return true;
}

export const isDialogOpen = () => open !== null;

function trap(event, box) {
  const stops = [...box.querySelectorAll(FOCUSABLE)].filter((each) => each.offsetParent !== null);
  const first = stops[0];
  const last = stops.at(-1);
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first.focus();
  }
}

/** Draw a box over the page; answers {box, done, close}. done resolves with the answer. */
export function openDialog(title, content, { role = "dialog", wide = false, label = "dialog-title" } = {}) {
  closeDialog();
  const before = document.activeElement;
  const box = h("div", { class: wide ? "dialog wide" : "dialog", role, "aria-modal": "true", "aria-labelledby": label, tabindex: "-1" },
    h("h2", { id: label }, title), ...content);
  const scrim = h("div", { class: "scrim" }, box);
  let resolve;
  const done = new Promise((answer) => { resolve = answer; });
  const close = (answer) => {
    if (open?.box !== box) return;
    open = null;
    scrim.remove();
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    resolve(answer);
  };
  scrim.addEventListener("pointerdown", (event) => { if (event.target === scrim) close(false); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(false);
    } else if (event.key === "Tab") {
      trap(event, box);
    }
  });
  document.body.append(scrim);
  open = { box, close };
  return { box, done, close };
}

/**
 * Ask before something that cannot be brought back.
 *
 * rows: [[label, text], ...]; risky and safe: what the buttons say; tick: a sentence that
 * must be ticked first. Answers true only for a press on the risky button; Esc, Enter on
 * the dialog and the scrim mean the safe answer. The result has update(rows) and settle(text).
 */
export function ask({ title, sentence = "", rows = [], risky, safe, tick = null, harmless = false, wide = false }) {
  const list = h("dl", { class: "consequences" });
  const draw = (pairs) => list.replaceChildren(...pairs.map(([label, text]) => h("div", {}, h("dt", {}, label), h("dd", {}, text))));
  draw(rows);
  const go = h("button", { type: "button", class: harmless ? "button" : "button risky", disabled: tick !== null }, risky);
  const stay = h("button", { type: "button", class: "button" }, safe);
  const settled = h("p", { class: "settled", role: "status", hidden: true });
  const content = [sentence ? h("p", { id: "dialog-text" }, sentence) : null, list];
  if (tick) {
    const box = h("input", { type: "checkbox", class: "check", onchange: () => { go.disabled = !box.checked; } });
    content.push(h("label", { class: "tick" }, box, h("span", {}, tick)));
  }
  content.push(settled, h("div", { class: "actions" }, go, stay));
  const dialog = openDialog(title, content.filter(Boolean), { role: "alertdialog", wide });
  if (sentence) dialog.box.setAttribute("aria-describedby", "dialog-text");
  go.addEventListener("click", () => dialog.close(true));
  stay.addEventListener("click", () => dialog.close(false));
  stay.focus();
  const answer = dialog.done;
  answer.update = draw;
  answer.settle = (text) => {
    settled.textContent = text;
    settled.hidden = false;
    go.remove();
    stay.textContent = "Close";
  };
  return answer;
}
