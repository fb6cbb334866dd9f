// What this browser remembers; a browser that denies storage remembers nothing and works.

const PREFIX = "grok-sauce.";

/** The value kept under a name, or fallback. */
export function remembered(name, fallback = null) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

/** Keep a value (JSON) under a name; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // denied or full: nothing depends on it
  }
}

/** The theme is kept as a bare word because theme.js reads it before any module runs. */
export function rememberTheme(theme) {
  try {
    if (theme === null) localStorage.removeItem(`${PREFIX}theme`);
    else localStorage.setItem(`${PREFIX}theme`, theme);
  } catch {
    // as above
  }
}
