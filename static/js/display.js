// How this browser shows things: theme, palette, time zone, flashes, single keys.
// The settings say it for everybody; theme and zone may be overridden here.

import { remember, remembered, rememberTheme } from "./store.js";

const ZONES = ["new_york", "local", "utc"];
const root = document.documentElement;
const listeners = new Set();

export const display = { time_zone: "new_york", palette: "standard", theme: "system", flash: true, keys: true };

/** Take settings.display; a zone chosen here goes before. */
export function setDisplay(values) {
  Object.assign(display, values ?? {});
  const zone = remembered("zone");
  if (ZONES.includes(zone)) display.time_zone = zone;
}

/** Call back when the zone, theme or palette changes. */
export function onDisplay(listener) {
  listeners.add(listener);
}

const tell = () => { for (const listener of listeners) listener(); };

/** The next zone of New York, local, UTC; answers its name in words. */
export function nextZone() {
  display.time_zone = ZONES[(ZONES.indexOf(display.time_zone) + 1) % ZONES.length];
  remember("zone", display.time_zone);
  tell();
  return { new_york: "New York time", local: "local time", utc: "UTC" }[display.time_zone];
}

/** "dark" or "light" as shown now. */
export function shownTheme() {
  return root.dataset.theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}

/** The other theme, for this browser. */
export function switchTheme() {
  const theme = shownTheme() === "dark" ? "light" : "dark";
  root.dataset.theme = theme;
  rememberTheme(theme);
  tell();
  return theme;
}

/** Show settings.display at once; what was chosen in this browser gives way. */
export function applyDisplay({ theme, palette, time_zone: zone, flash, keys }) {
  rememberTheme(null);
  remember("zone", null);
  Object.assign(display, { theme, palette, time_zone: zone, flash, keys });
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  else delete root.dataset.theme;
  root.dataset.palette = palette;
  tell();
}

/** True when a tick may flash: switched on and motion not reduced. */
export function mayFlash() {
  return display.flash && !matchMedia("(prefers-reduced-motion: reduce)").matches;
}
