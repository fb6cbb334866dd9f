// What changes something on the server: off while this browser is not connected to it.

import { announce } from "./dom.js";

const SAYS = "Not connected";
let isUp = true;

/** True while a write can reach the server. */
export const mayWrite = () => isUp;

function draw() {
  for (const button of document.querySelectorAll("[data-write]")) {
    if (isUp) {
      button.removeAttribute("aria-disabled");
      if (button.title === SAYS) button.removeAttribute("title");
    } else {
      button.setAttribute("aria-disabled", "true");
      button.title = SAYS;
    }
  }
  for (const words of document.querySelectorAll("[data-offline]")) words.hidden = isUp;
}

function refuse(event) {
  if (isUp || !event.target.closest?.("[data-write]")) return;
  event.preventDefault();
  event.stopPropagation();
  announce(SAYS);
}

/**
 * Guard every [data-write] and show every [data-offline] by the state of the connection.
 * Answers a function to call after such elements were drawn anew.
 */
export function guardWrites(connection) {
  connection.onState(() => {
    const now = connection.phase !== "lost";
    if (now === isUp) return;
    isUp = now;
    draw();
  });
  for (const name of ["click", "submit"]) document.addEventListener(name, refuse, true);
  return draw;
}
