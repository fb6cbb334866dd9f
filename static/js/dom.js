// Elements made without markup: text is always text.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name in element && name !== "list" && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element: h("td", { class: "num", onclick: f }, "text", child). */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same in the SVG namespace. */
export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A health mark with its word for those who do not see the shape. */
export function mark(kind) {
  const words = { fresh: "fresh", late: "late", down: "down", off: "off" };
  return h("span", { class: "mark", dataset: { mark: kind }, role: "img", "aria-label": words[kind] ?? kind });
}

/** The element of this data-part inside a root. */
export function part(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

/** JSON that the server put into the page, or null. */
export function pageData(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

/** Write text only when it changed: an untouched node costs no layout. */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Say something to a screen reader once. */
export function announce(text) {
  const live = document.getElementById("announcer");
  if (!live) return;
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
}

/** True while the keyboard belongs to a field. */
export function isTyping(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
    && !/^(checkbox|radio|button|submit)$/.test(target.type ?? "");
}
