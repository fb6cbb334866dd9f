// One floating menu at a time: arrows walk, Enter takes, Esc and a click elsewhere close.

import { h } from "./dom.js";

let open = null;

/** Close the open menu; true when there was one. */
export function closeMenu({ giveBack = true } = {}) {
  if (!open) return false;
  const { element, anchor, before, outside } = open;
  open = null;
  document.removeEventListener("pointerdown", outside, true);
  element.remove();
  if (anchor instanceof Element) anchor.removeAttribute("aria-expanded");
  if (giveBack && before instanceof HTMLElement && before.isConnected) before.focus();
  return true;
}

function entry(item) {
  if (item.separator) return h("hr", { role: "separator" });
  if (item.title) return h("div", { class: "menu-title", role: "presentation" }, item.title);
  const role = item.checked === undefined ? "menuitem" : "menuitemcheckbox";
  const props = { role, tabindex: "-1" };
  if (item.checked !== undefined) props["aria-checked"] = String(item.checked);
  const end = item.hint ? [h("span", { class: "end" }, item.hint)] : [];
  if (item.href) return h("a", { ...props, href: item.href }, item.label, ...end);
  const button = h("button", { ...props, type: "button", "aria-disabled": item.disabled ? "true" : null }, item.label, ...end);
  if (item.disabled) return button;
  button.addEventListener("click", () => {
    if (item.checked !== undefined) {
      const checked = button.getAttribute("aria-checked") !== "true";
      if (item.run(checked) !== false) button.setAttribute("aria-checked", String(checked));
      return;
    }
    closeMenu({ giveBack: !item.keepsFocus });
    item.run();
  });
  return button;
}

function place(element, { x, y, right }) {
  const { width, height } = element.getBoundingClientRect();
  const left = Math.max(8, Math.min(right === undefined ? x : right - width, innerWidth - width - 8));
  const top = y + height + 8 > innerHeight ? Math.max(8, innerHeight - height - 8) : y;
  element.style.setProperty("left", `${left}px`);
  element.style.setProperty("top", `${top}px`);
}

/**
 * Open a menu below an element, or at {x, y}.
 * The keyboard goes back to `back`, else to the anchor.
 * items: {label, run, hint?, checked?, href?, disabled?} | {separator} | {title}
 */
export function openMenu(anchor, items, label, back = null) {
  closeMenu({ giveBack: false });
  const before = back ?? document.activeElement;
  const element = h("div", { class: "menu", role: "menu", "aria-label": label }, items.filter(Boolean).map(entry));
  const stops = () => [...element.querySelectorAll('[role^="menuitem"]')];
  element.addEventListener("keydown", (event) => {
    const all = stops();
    const at = all.indexOf(document.activeElement);
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    if (event.key in moves) all[(moves[event.key] + all.length) % all.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") closeMenu();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const outside = (event) => { if (!element.contains(event.target)) closeMenu({ giveBack: false }); };
  document.body.append(element);
  if (anchor instanceof Element) {
    const box = anchor.getBoundingClientRect();
    anchor.setAttribute("aria-expanded", "true");
    place(element, { x: box.left, y: box.bottom + 4, right: box.left > innerWidth / 2 ? box.right : undefined });
  } else {
    place(element, anchor);
  }
  open = { element, anchor, before: back ?? (anchor instanceof Element ? anchor : before), outside };
  document.addEventListener("pointerdown", outside, true);
  stops()[0]?.focus();
  return element;
}
