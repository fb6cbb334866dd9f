// The payoff picture: the chosen width, the compared one, and what the chosen is worth today.

import { price, strike } from "../format.js";
import { Lines } from "../gex/lines.js";
import { BARE, alpha, chartOptions, look } from "../gex/look.js";
import { Marks } from "./marks.js";
import { dollars, tenth } from "./words.js";

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Place of a price among evenly spaced points, null outside them. */
export function placeOf({ x, step }, value) {
  if (!known(value) || !x.length || value < x[0] || value > x.at(-1)) return null;
  return (value - x[0]) / step;
}

/** Value of a line at a place between two of its points. */
export function valueAt(line, place) {
  const [low, high] = [Math.floor(place), Math.ceil(place)];
  return line[low] + (line[high] - line[low]) * (place - low);
}

/** Decimals that the points of the axis need. */
const decimalsOf = (step) => (step >= 1 ? 0 : step >= 0.1 ? 1 : 2);

export class PayoffChart {
  #chart;
  #series = {};
  #lines = new Lines();
  #marks = new Marks();
  #colors = look();
  #plan = null;
  #axis = "";

  /** hover(index | null) is told which point of the picture is under the pointer. */
  constructor(box, hover) {
    const { createOptionsChart, BaselineSeries, LineSeries } = window.LightweightCharts;
    // a canvas cannot be asked what it shows, so the box can
    Object.defineProperty(box, "drawn", { get: () => ({ lines: this.#lines.drawn, rings: this.#marks.drawn, ends: this.#marks.ends }) });
    this.#chart = createOptionsChart(box, this.#options());
    const add = (type, options) => this.#chart.addSeries(type, { ...BARE, ...options });
    this.#series.compared = add(LineSeries, { lineWidth: 1.5, lineStyle: 2 });
    this.#series.today = add(LineSeries, { lineWidth: 1.5, lineStyle: 1 });
    this.#series.chosen = add(BaselineSeries, { baseValue: { type: "price", price: 0 }, lineWidth: 2 });
    this.#series.chosen.attachPrimitive(this.#lines);
    this.#series.chosen.attachPrimitive(this.#marks); // after the lines, which else cross its labels
    this.zero = this.#series.chosen.createPriceLine({ price: 0, lineWidth: 1, lineStyle: 0, axisLabelVisible: false });
    this.#paint();
    this.#chart.subscribeCrosshairMove(({ logical, point }) => {
      const at = point && logical !== undefined ? Math.round(logical) : -1;
      hover(this.#plan?.curve && at >= 0 && at < this.#plan.curve.x.length ? at : null);
    });
    new ResizeObserver(() => this.#chart.timeScale().fitContent()).observe(box);
  }

  draw(plan) {
    this.#plan = plan;
    const { curve } = plan;
    const shown = curve && curve.lines.some((each) => each.expiry) ? curve : { x: [], step: 1, lines: [], band: {} };
    const points = (line) => (line ? shown.x.map((time, at) => ({ time, value: line[at] })) : []);
    const [chosen, compared] = shown.lines;
    this.#series.chosen.setData(chosen?.expiry ? points(chosen.expiry) : shown.x.map((time) => ({ time })));
    this.#series.today.setData(points(chosen?.today));
    this.#series.compared.setData(points(compared?.expiry));
    const axis = `${shown.x[0]} ${shown.x.length} ${shown.step}`;
    if (axis !== this.#axis) {
      this.#axis = axis;
      this.#chart.applyOptions({ localization: { precision: decimalsOf(shown.step) } });
      this.#chart.timeScale().fitContent();
    }
    this.#across(plan, shown);
  }

  /** The colours changed. */
  theme() {
    this.#colors = look();
    this.#chart.applyOptions(this.#options());
    this.#paint();
    if (this.#plan) this.draw(this.#plan);
  }

  /** The picture as a canvas. */
  canvas() {
    return this.#chart.takeScreenshot(true);
  }

  #options() {
    const options = chartOptions(this.#colors, (value) => (Math.abs(value) < 0.5 ? "0" : dollars(value, true)));
    return { ...options, rightPriceScale: { ...options.rightPriceScale, scaleMargins: { top: 0.19, bottom: 0.12 } } };
  }

  #paint() {
    const { accent, call, put, text2, text, control } = this.#colors;
    this.#series.chosen.applyOptions({
      topLineColor: accent, bottomLineColor: accent,
      topFillColor1: alpha(call, 0.2), topFillColor2: alpha(call, 0.2), bottomFillColor1: alpha(put, 0.2), bottomFillColor2: alpha(put, 0.2),
    });
    this.#series.compared.applyOptions({ color: text2 });
    this.#series.today.applyOptions({ color: text });
    this.zero.applyOptions({ color: control });
  }

  #across(plan, shown) {
    const colors = this.#colors;
    const font = `11px ${colors.font}`;
    const lines = [];
    const add = (key, value, color, dash, name, left) => {
      const place = placeOf(shown, value);
      if (place !== null) lines.push({ key, place, color, width: 2, dash, left, label: `${name} ${price(value)}` });
    };
    const flip = plan.context.zero_gamma;
    add("spot", plan.spot, colors.spot, [], "Spot", false);
    add("flip", flip, colors.zero, [7, 4], "Zero gamma", known(flip) && known(plan.spot) && flip < plan.spot);
    this.#lines.set(lines, { font, text: colors.text, surface: colors.surface });

    const rings = [];
    const ends = [[plan.chosen, colors.accent, true], [plan.compared, colors.text2, false]];
    for (const [each, color, above] of ends) {
      for (const [name, left] of [["break_even_low", true], ["break_even_high", false]]) {
        const place = each ? placeOf(shown, each[name]) : null;
        if (place !== null) rings.push({ place, label: price(each[name]), color, above, left });
      }
    }
    const clamp = (value) => Math.max(0, Math.min(shown.x.length - 1, (value - shown.x[0]) / shown.step));
    const { low, high } = shown.band;
    const band = known(low) && shown.x.length ? { low: clamp(low), high: clamp(high), lowText: `−1 move ${tenth(low)}`, highText: `${tenth(high)} +1 move` } : null;
    const spot = placeOf(shown, plan.spot);
    const line = shown.lines[0]?.expiry;
    const dot = spot !== null && line ? { place: spot, value: valueAt(line, spot), label: `at expiry ${dollars(valueAt(line, spot), true)}` } : null;
    this.#marks.set({ band, rings, dot }, { ...colors, font });
  }

  /** The point under the pointer in words. */
  static words({ curve }, at) {
    const [chosen, compared] = curve.lines;
    const parts = [`${strike(curve.x[at])}: at expiry ${dollars(chosen.expiry?.[at], true)}`];
    if (chosen.today) parts.push(`today ${dollars(chosen.today[at], true)}`);
    if (compared?.expiry) parts.push(`compared ${dollars(compared.expiry[at], true)}`);
    return parts.join(", ");
  }
}
