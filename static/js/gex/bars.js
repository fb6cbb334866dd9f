// The main chart: exposure by strike with the lines of spot, zero gamma and walls.

import { axis, strike as strikeText, price } from "../format.js";
import { Lines } from "./lines.js";
import { BARE, alpha, chartOptions, decimalsOf, look } from "./look.js";
import { axisOf, barsOf, placeOf, shownRange } from "./series.js";

const PHONE = matchMedia("(max-width: 599px)");

/** What is drawn for a payload: series cut to the strikes shown, with their axis. */
export function model({ payload, series, view, ghost = null, open = null }) {
  const each = PHONE.matches ? Math.min(view.strikes, 13) : view.strikes;
  const [from, to] = shownRange(series.strike, payload.spot, each);
  const cut = (list) => list.slice(from, to + 1);
  const shown = { strike: cut(series.strike), call: cut(series.call), put: cut(series.put), net: cut(series.net) };
  return { payload, view, shown, axis: axisOf(shown.strike), ghost, open };
}

/** The lines across the chart in the order of importance. */
function linesOf({ payload, axis: places, view }, colors, short) {
  const found = [];
  const add = (key, value, color, width, dash, name, left) => {
    const place = placeOf(places, value);
    if (place === null) return;
    const figure = key === "spot" || key === "flip" ? price(value) : strikeText(value);
    found.push({ key, place, color, width, dash, left, label: short && key !== "spot" && key !== "flip" ? name : `${name} ${figure}` });
  };
  const flip = payload.zero_gamma?.all?.flip ?? null;
  const { spot } = payload;
  add("spot", spot, colors.spot, 2, [], "Spot", false);
  if (view.greek === "gex") add("flip", flip, colors.zero, 2, [7, 4], "Zero gamma", flip !== null && spot !== null && flip < spot);
  add("call_wall", payload.call_wall, colors.call, 1.5, [2, 3], "Call wall", false);
  add("put_wall", payload.put_wall, colors.put, 1.5, [2, 3], "Put wall", true);
  if (!short && payload.call_wall_2 !== payload.call_wall) add("call_wall_2", payload.call_wall_2, colors.call, 1.5, [2, 3], "2nd call wall", false);
  if (!short && payload.put_wall_2 !== payload.put_wall) add("put_wall_2", payload.put_wall_2, colors.put, 1.5, [2, 3], "2nd put wall", true);
  return found;
}

export class BarsChart {
  #chart;
  #series = {};
  #lines = new Lines();
  #model = null;
  #colors = look();
  #count = 0;

  /** hover(index | null) is told which strike of the model is under the pointer. */
  constructor(box, hover) {
    const { createOptionsChart, HistogramSeries, LineSeries } = window.LightweightCharts;
    // a canvas cannot be asked what it shows, so the box can
    Object.defineProperty(box, "lines", { get: () => this.#lines.drawn });
    this.#chart = createOptionsChart(box, chartOptions(this.#colors, (value) => axis(value)));
    const add = (type, options) => this.#chart.addSeries(type, { ...BARE, ...options });
    for (const name of ["ghostPut", "ghostCall", "put", "call"]) this.#series[name] = add(HistogramSeries, { base: 0 });
    this.#series.open = add(LineSeries, { lineWidth: 1, lineStyle: 1 });
    this.#series.net = add(LineSeries, { lineWidth: 1.5, pointMarkersVisible: true, pointMarkersRadius: 1.8 });
    this.#series.net.attachPrimitive(this.#lines);
    this.zero = this.#series.call.createPriceLine({ price: 0, color: this.#colors.control, lineWidth: 1, lineStyle: 0, axisLabelVisible: false });
    this.#chart.subscribeCrosshairMove(({ logical, point }) => {
      const strike = point && logical !== undefined ? this.#model?.axis.places[Math.round(logical)] : undefined;
      const at = strike === undefined ? -1 : this.#model.shown.strike.indexOf(strike);
      hover(at < 0 ? null : at);
    });
    new ResizeObserver(() => this.#chart.timeScale().fitContent()).observe(box);
    PHONE.addEventListener("change", () => this.#draw());
  }

  get model() {
    return this.#model;
  }

  draw(next) {
    this.#model = next;
    this.#draw();
  }

  /** The colours changed. */
  theme() {
    this.#colors = look();
    this.#chart.applyOptions(chartOptions(this.#colors, (value) => axis(value)));
    this.zero.applyOptions({ color: this.#colors.control });
    this.#draw();
  }

  /** The picture as a canvas. */
  canvas() {
    return this.#chart.takeScreenshot(true);
  }

  #draw() {
    if (!this.#model) return;
    const { shown, axis: places, view, payload, ghost, open } = this.#model;
    const colors = this.#colors;
    const at = new Map(shown.strike.map((strike, index) => [strike, index]));
    const points = (pick) => places.places.map((strike) => {
      const index = at.get(strike);
      const found = index === undefined ? null : pick(index);
      return found === null || found.value === null || found.value === undefined ? { time: strike } : { time: strike, ...found };
    });
    const bars = barsOf(shown, view.bars);
    const walls = view.greek === "gex" && view.bars === "sides";
    const plain = view.bars === "gross" ? colors.flat : null;
    this.#series.put.setData(points((index) => ({
      value: bars[index].put, color: walls && shown.strike[index] === payload.put_wall ? colors.down : colors.put,
    })));
    this.#series.call.setData(points((index) => ({
      value: bars[index].call, color: plain ?? (walls && shown.strike[index] === payload.call_wall ? colors.up : colors.call),
    })));
    const before = ghost ? barsOf(ghost, view.bars) : null;
    const ghostAt = ghost ? new Map(ghost.strike.map((strike, index) => [strike, index])) : null;
    for (const side of ["put", "call"]) {
      const name = side === "put" ? "ghostPut" : "ghostCall";
      this.#series[name].setData(before ? points((index) => {
        const found = ghostAt.get(shown.strike[index]);
        return found === undefined ? null : { value: before[found][side], color: alpha(colors.text3, 0.35) };
      }) : []);
    }
    const lined = view.bars === "sides" || view.bars === "gross";
    this.#series.net.applyOptions({ color: colors.net, pointMarkersVisible: places.places.length <= 90 });
    this.#series.net.setData(lined ? points((index) => ({ value: shown.net[index] })) : points(() => null));
    this.#series.open.applyOptions({ color: colors.text3 });
    this.#series.open.setData(open ? points((index) => ({ value: open.get(shown.strike[index]) ?? null })) : []);
    this.#lines.set(linesOf(this.#model, colors, PHONE.matches), { font: `11px ${colors.font}`, text: colors.text, surface: colors.surface });
    this.#chart.applyOptions({ localization: { precision: decimalsOf(places.step) } });
    if (this.#count !== places.places.length) {
      this.#count = places.places.length;
      this.#chart.timeScale().fitContent();
    }
  }
}
