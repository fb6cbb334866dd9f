// Before the first paint: the theme this browser chose, over the one of the settings.
(() => {
  try {
    const theme = localStorage.getItem("grok-sauce.theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    // storage is denied: the settings and the system decide
  }
})();
