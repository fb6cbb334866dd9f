// The day of a row as a small line; the dashes are today's open.

import { svg } from "./dom.js";

const WIDTH = 100;
const HEIGHT = 20;
const PAD = 2;

/** Path data of points [[ms, price], ...] and the y of the base line, both in a 100 x 20 box. */
export function sparkShape(points, base) {
  const prices = points.map(([, price]) => price);
  const all = base === null || base === undefined ? prices : [...prices, base];
  const low = Math.min(...all);
  const span = Math.max(...all) - low;
  const start = points[0][0];
  const time = points.at(-1)[0] - start;
  const x = (ms) => (time ? PAD + ((ms - start) / time) * (WIDTH - 2 * PAD) : WIDTH / 2);
  const y = (price) => (span ? HEIGHT - PAD - ((price - low) / span) * (HEIGHT - 2 * PAD) : HEIGHT / 2);
  const spots = points.map(([ms, price]) => `${x(ms).toFixed(1)} ${y(price).toFixed(1)}`);
  return { line: `M${spots.join("L")}`, end: spots.at(-1), base: base === null || base === undefined ? null : y(base).toFixed(1) };
}

/** Draw into a cell; fewer than two points leave it blank. */
export function drawSpark(cell, points, base) {
  if (!points || points.length < 2) {
    cell.replaceChildren();
    return;
  }
  const shape = sparkShape(points, base);
  let drawing = cell.firstElementChild;
  if (!drawing) {
    drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("path", { class: "spark-base" }), svg("path", { class: "spark-line" }), svg("path", { class: "spark-end" }));
    cell.replaceChildren(drawing);
  }
  const [dashes, line, end] = drawing.children;
  dashes.setAttribute("d", shape.base === null ? "" : `M0 ${shape.base}H${WIDTH}`);
  line.setAttribute("d", shape.line);
  end.setAttribute("d", `M${shape.end}h0.01`);
}
