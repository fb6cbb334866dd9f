// Colours and type for canvases, which do not read the style sheet.

const NAMES = ["surface", "raised", "line", "line2", "control", "text", "text2", "text3", "accent", "up", "down", "flat", "call", "put", "net", "spot", "zero", "lt"];

/** The tokens as they are now: {surface: "#13171E", ..., font}. */
export function look() {
  const style = getComputedStyle(document.documentElement);
  const found = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  return { ...found, font: style.getPropertyValue("--font").trim() };
}

/** [r, g, b] of #RRGGBB. */
export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** A colour with transparency. */
export function alpha(hex, share) {
  return `rgba(${rgb(hex).join(", ")}, ${share})`;
}

/** Options every chart of this page shares. */
export function chartOptions(colors, formatter, precision = 0) {
  const hair = { color: colors.text3, style: 3, width: 1, labelBackgroundColor: colors.control };
  return {
    autoSize: true,
    handleScroll: false,
    handleScale: false,
    layout: { background: { type: "solid", color: colors.surface }, textColor: colors.text3, fontSize: 11, fontFamily: colors.font, attributionLogo: false },
    grid: { vertLines: { visible: false }, horzLines: { color: colors.line } },
    rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.17, bottom: 0.08 } },
    timeScale: { borderColor: colors.line2, fixLeftEdge: true, fixRightEdge: true, minBarSpacing: 0.2, lockVisibleTimeRangeOnResize: true },
    crosshair: { mode: 0, vertLine: hair, horzLine: hair },
    localization: { precision, priceFormatter: formatter },
  };
}

/** Series that only draw themselves. */
export const BARE = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };

/** Decimals that strikes of this step need. */
export const decimalsOf = (step) => (step && step % 1 ? (Math.round(step * 10) === step * 10 ? 1 : 2) : 0);
