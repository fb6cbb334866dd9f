// The three small charts: volatility, open interest and volume by strike.

import { axis, dayShort, fraction } from "../format.js";
import { Lines } from "./lines.js";
import { BARE, chartOptions, decimalsOf, look } from "./look.js";
import { axisOf, columnsOf, placeOf, shownRange } from "./series.js";

const PERCENT = (value) => fraction(value);
const UNSIGNED = (value) => axis(Math.abs(value), false);

/** What an expiry is called in a legend: 0DTE, 17 Dec, 18 Dec AM. */
export function smileName(smile, expiries) {
  const found = expiries?.find((each) => each.expiry === smile.expiry && each.root === smile.root && each.settlement === smile.settlement);
  if (found?.dte === 0) return "0DTE";
  const twins = expiries?.filter((each) => each.expiry === smile.expiry).length > 1;
  return dayShort(smile.expiry) + (twins ? ` ${smile.settlement}` : "");
}

class StrikeChart {
  #count = "";
  lines = new Lines();

  constructor(box, formatter) {
    this.box = box;
    this.formatter = formatter;
    this.colors = look();
    this.chart = window.LightweightCharts.createOptionsChart(box, this.options());
    new ResizeObserver(() => this.chart.timeScale().fitContent()).observe(box);
  }

  options() {
    const options = chartOptions(this.colors, this.formatter);
    options.rightPriceScale.scaleMargins = { top: 0.06, bottom: 0.06 };
    return options;
  }

  theme() {
    this.colors = look();
    this.chart.applyOptions(this.options());
    this.redraw();
  }

  canvas() {
    return this.chart.takeScreenshot(true);
  }

  /** The line of spot, and all strikes in view. */
  finish(places, spot) {
    const place = placeOf(places, spot);
    this.lines.set(place === null ? [] : [{ key: "spot", place, color: this.colors.spot, width: 1.5, dash: [], label: "" }],
      { font: `11px ${this.colors.font}`, text: this.colors.text, surface: this.colors.surface, labels: false });
    this.chart.applyOptions({ localization: { precision: decimalsOf(places.step) } });
    const count = `${places.places.length} ${places.first}`;
    if (this.#count === count) return;
    this.#count = count;
    this.chart.timeScale().fitContent();
  }
}

/** Implied volatility of the first three expiries chosen. */
export class SmileChart extends StrikeChart {
  #drawn = null;
  #series = [];

  constructor(box) {
    super(box, PERCENT);
    const { LineSeries } = window.LightweightCharts;
    this.#series = [0, 1, 2].map(() => this.chart.addSeries(LineSeries, { ...BARE, lineWidth: 1.5 }));
    this.#series[0].attachPrimitive(this.lines);
  }

  /** {names, heads, rows}: what is drawn, as a table. */
  static table(payload, each) {
    const smiles = payload.smiles ?? [];
    const all = [...new Set(smiles.flatMap((smile) => smile.strikes))].sort((one, other) => one - other);
    const [from, to] = shownRange(all, payload.spot, each);
    const strikes = all.slice(from, to + 1);
    const columns = smiles.map((smile) => new Map(smile.strikes.map((strike, at) => [strike, smile.iv[at]])));
    return {
      names: smiles.map((smile) => smileName(smile, payload.expiries)),
      strikes,
      rows: strikes.map((strike) => [strike, ...columns.map((column) => column.get(strike) ?? null)]),
    };
  }

  draw(payload, each) {
    this.#drawn = [payload, each];
    this.redraw();
  }

  redraw() {
    if (!this.#drawn) return;
    const [payload, each] = this.#drawn;
    const { names, strikes, rows } = SmileChart.table(payload, each);
    const places = axisOf(strikes);
    const at = new Map(rows.map((row) => [row[0], row]));
    const styles = [{ color: this.colors.net, lineStyle: 0 }, { color: this.colors.accent, lineStyle: 0 }, { color: this.colors.text3, lineStyle: 2 }];
    this.#series.forEach((series, index) => {
      series.applyOptions(styles[index]);
      // a line spans strikes without a volatility; the first series carries every place of the axis
      const values = places.places.map((strike) => ({ time: strike, value: at.get(strike)?.[index + 1] ?? undefined }));
      series.setData(index < names.length ? values.map(({ time, value }) => (value === undefined ? { time } : { time, value })) : []);
    });
    this.finish(places, payload.spot);
  }
}

/** Calls up, puts down: contracts by strike. */
export class SidesChart extends StrikeChart {
  #drawn = null;

  constructor(box, name) {
    super(box, UNSIGNED);
    this.name = name;
    const { HistogramSeries } = window.LightweightCharts;
    this.put = this.chart.addSeries(HistogramSeries, { ...BARE, base: 0 });
    this.call = this.chart.addSeries(HistogramSeries, { ...BARE, base: 0 });
    this.call.attachPrimitive(this.lines);
  }

  draw(payload, each) {
    this.#drawn = [payload, each];
    this.redraw();
  }

  redraw() {
    if (!this.#drawn) return;
    const [payload, each] = this.#drawn;
    const columns = columnsOf(payload);
    const [from, to] = shownRange(columns.strike, payload.spot, each);
    const strikes = columns.strike.slice(from, to + 1);
    const places = axisOf(strikes);
    const at = new Map(strikes.map((strike, index) => [strike, from + index]));
    const points = (side, sign, color) => places.places.map((strike) => {
      const value = at.has(strike) ? columns[`${side}_${this.name}`]?.[at.get(strike)] : null;
      return typeof value === "number" ? { time: strike, value: sign * value, color } : { time: strike };
    });
    this.put.setData(points("put", -1, this.colors.put));
    this.call.setData(points("call", 1, this.colors.call));
    this.finish(places, payload.spot);
  }
}

