// Longer tooltips, by pointer and by keyboard; the text is made when it is asked for.

import { h } from "./dom.js";

const texts = new WeakMap();
let box = null;
let owner = null;

function hide() {
  box?.remove();
  owner?.removeAttribute("aria-describedby");
  box = null;
  owner = null;
}

function show(element) {
  const text = texts.get(element)?.();
  if (!text) return;
  hide();
  owner = element;
  box = h("div", { class: "tip", role: "tooltip", id: "tip" }, text);
  document.body.append(box);
  const at = element.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
  const top = at.bottom + 6 + height > innerHeight ? at.top - height - 6 : at.bottom + 6;
  box.style.setProperty("left", `${left}px`);
  box.style.setProperty("top", `${Math.max(8, top)}px`);
  element.setAttribute("aria-describedby", "tip");
}

/** Close the tooltip; true when one was open. */
export function closeTip() {
  const had = box !== null;
  hide();
  return had;
}

/** Give an element a tooltip: text is a function that answers a string with line breaks. */
export function tip(element, text) {
  const fresh = !texts.has(element);
  texts.set(element, text);
  if (!fresh) return;
  element.addEventListener("pointerenter", () => show(element));
  element.addEventListener("pointerleave", hide);
  element.addEventListener("focus", () => show(element));
  element.addEventListener("blur", hide);
}

/** Redraw the open tooltip, for numbers that go on. */
export function refreshTip() {
  if (owner && !owner.isConnected) hide();
  else if (owner && box) box.textContent = texts.get(owner)();
}
