// The chart itself: candles, volume, VWAP with its bands, and the layers over them.

import { axis, clock, date, minute as minuteText, price as priceText } from "../format.js";
import { BARE, alpha, look } from "../gex/look.js";
import { axisTime } from "./candles.js";
import { lowerBound, nodeOf } from "./layers.js";
import { Events, Levels, ProfileNames, ProfileSide, RangeBox, Shade } from "./primitives.js";

const PHONE = matchMedia("(max-width: 599px)");
const NEAR = 0.7; // of the candles' range: a level that far outside still widens the axis
const SHOWN = { "1m": 195, "5m": 160, "15m": 130, "1d": 130 };
const BANDS = [["upper1", 1, 2], ["lower1", -1, 2], ["upper2", 2, 1], ["lower2", -2, 1]];

export class PriceChart {
  #chart;
  #series = {};
  #axis;
  #colors = look();
  #layers = { shade: new Shade(), profile: new ProfileSide(), names: new ProfileNames(), range: new RangeBox(), levels: new Levels(), events: new Events() };
  #model = null;
  #places = [];
  #at = new Map();
  #fitted = "";
  #lines = {};
  #volumes;

  /** hover(bar | null, time | null), scrolled({from, to, isNewest}) in ms, reached() at the left end. */
  constructor(box, { hover, scrolled, reached }) {
    const { createChart, CandlestickSeries, HistogramSeries, LineSeries } = window.LightweightCharts;
    this.box = box;
    // a canvas cannot be asked what it shows, so the box can
    Object.defineProperty(box, "drawn", { get: () => this.drawn() });
    this.#chart = createChart(box, this.#options());
    const add = (type, options, pane = 0) => this.#chart.addSeries(type, { ...BARE, ...options }, pane);
    this.#axis = add(LineSeries, { visible: false });
    for (const [name, , style] of BANDS) this.#series[name] = add(LineSeries, { lineWidth: 1, lineStyle: style === 1 ? 1 : 2, autoscaleInfoProvider: () => null });
    this.#series.vwap = add(LineSeries, { lineWidth: 1.5, autoscaleInfoProvider: () => null });
    this.#series.candles = add(CandlestickSeries, { autoscaleInfoProvider: (original) => this.#range(original()) });
    for (const layer of Object.values(this.#layers)) this.#series.candles.attachPrimitive(layer);
    this.#volumes = () => add(HistogramSeries, { priceFormat: { type: "custom", formatter: (value) => axis(value, false), minMove: 1 } }, 1);
    this.#paint();
    this.#chart.subscribeCrosshairMove(({ time, point, logical }) => this.#hover(hover, time, point, logical));
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => this.#scrolled(range, scrolled, reached));
    PHONE.addEventListener("change", () => { this.#fitted = ""; this.#apply(); });
  }

  /** model: {candles, view, zone, decimals, spot, lines, span, strongest, range, marks, key}. */
  draw(model) {
    this.#model = model;
    this.#apply();
  }

  /** The colours changed. */
  theme() {
    this.#colors = look();
    this.#chart.applyOptions(this.#options());
    this.#paint();
    this.#apply();
  }

  /** The picture as a canvas. */
  canvas() {
    return this.#chart.takeScreenshot(true, false);
  }

  /** Back to the newest candle. */
  newest() {
    this.#fitted = "";
    this.#fit();
  }

  /** Move by so many candles (negative: into the past). */
  move(by) {
    const scale = this.#chart.timeScale();
    scale.scrollToPosition(scale.scrollPosition() + by, false);
  }

  zoom(by) {
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    if (!range) return;
    const width = (range.to - range.from) * by;
    if (width < 10 || width > 4000) return;
    this.#chart.timeScale().setVisibleLogicalRange({ from: range.to - width, to: range.to });
  }

  /** What stands where. */
  drawn() {
    const layers = Object.fromEntries(Object.entries(this.#layers).map(([name, layer]) => [name, layer.model ? layer.drawn : null]));
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    const candles = this.#series.candles.data();
    return { ...layers, candles: candles.length, last: candles.at(-1) ?? null, places: this.#places.length, visible: range, vwap: this.#series.vwap.data().filter((each) => each.value !== undefined).length, volumes: (this.#series.volume?.data() ?? []).filter((each) => each.value !== undefined).length };
  }

  #options() {
    const colors = this.#colors;
    const hair = { color: colors.text3, style: 3, width: 1, labelBackgroundColor: colors.control };
    return {
      autoSize: true,
      handleScroll: { vertTouchDrag: false },
      handleScale: { axisPressedMouseMove: true, mouseWheel: true, pinch: true },
      layout: { background: { type: "solid", color: colors.surface }, textColor: colors.text3, fontSize: 11, fontFamily: colors.font, attributionLogo: false, panes: { separatorColor: colors.line, separatorHoverColor: colors.line2, enableResize: true } },
      grid: { vertLines: { visible: false }, horzLines: { color: colors.line } },
      rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.1, bottom: 0.05 } },
      timeScale: { borderColor: colors.line2, minBarSpacing: 0.5, fixLeftEdge: true, lockVisibleTimeRangeOnResize: true, rightOffset: 0, timeVisible: true, secondsVisible: false, tickMarkFormatter: (time, kind) => this.#tick(time, kind) },
      crosshair: { mode: 0, vertLine: hair, horzLine: hair },
      localization: { timeFormatter: (time) => this.#time(time) },
    };
  }

  #price(value) {
    return priceText(value, this.#model?.decimals ?? 2);
  }

  /** Wall-clock seconds of the axis are read back as UTC. */
  #time(seconds) {
    const ms = seconds * 1000;
    return this.#model?.view.tf === "1d" ? date(ms, "utc") : `${date(ms, "utc")} ${minuteText(ms, "utc")}`;
  }

  #tick(seconds, kind) {
    const ms = seconds * 1000;
    if (kind === 0) return String(new Date(ms).getUTCFullYear());
    if (kind === 1) return date(ms, "utc").split(" ").at(-1);
    if (kind === 2) return this.#model?.view.tf === "1d" ? String(new Date(ms).getUTCDate()) : date(ms, "utc").split(" ").slice(0, 2).join(" ");
    return clock(ms, "utc").slice(0, 5);
  }

  #paint() {
    const colors = this.#colors;
    this.#series.candles.applyOptions({
      upColor: colors.surface, downColor: colors.down, borderUpColor: colors.up, borderDownColor: colors.down, wickUpColor: colors.up, wickDownColor: colors.down,
    });
    this.#series.vwap.applyOptions({ color: colors.accent });
    for (const [name] of BANDS) this.#series[name].applyOptions({ color: alpha(colors.accent, name.endsWith("1") ? 0.75 : 0.5) });
  }

  /** Levels near the candles widen the axis; far ones stay outside. */
  #range(info) {
    if (!info?.priceRange || !this.#model) return info;
    const { minValue: low, maxValue: high } = info.priceRange;
    const reach = Math.max(high - low, low * 0.001) * NEAR;
    const near = [this.#model.spot, ...this.#model.lines.map((each) => each.price)]
      .filter((price) => price !== null && price >= low - reach && price <= high + reach);
    return { ...info, priceRange: { minValue: Math.min(low, ...near), maxValue: Math.max(high, ...near) } };
  }

  #apply() {
    const model = this.#model;
    if (!model) return;
    const { candles, view, zone } = model;
    const colors = this.#colors;
    this.#places = candles.places();
    const times = this.#places.map((ms) => axisTime(ms, zone, view.tf));
    this.#at = new Map(times.map((time, at) => [time, this.#places[at]]));
    const bars = candles.list.map((bar) => ({ ...bar, at: axisTime(bar.time, zone, view.tf) }));
    this.#axis.setData(times.map((time) => ({ time })));
    this.#series.candles.applyOptions({ priceFormat: { type: "custom", formatter: (value) => this.#price(value), minMove: 10 ** -model.decimals } });
    this.#series.candles.setData(bars.map(({ at, open, high, low, close }) => ({ time: at, open, high, low, close })));
    this.#setVolumes(bars);
    const hasVwap = !view.hide.includes("vwap") && view.tf !== "1d";
    const line = (times) => (hasVwap ? bars.map((bar, place) => {
      // a line must not run from one session into the next
      const next = bars[place + 1];
      const breaks = next && (next.starts || next.vwap === null);
      if (bar.vwap === null) return { time: bar.at };
      const point = { time: bar.at, value: bar.vwap + times * bar.width };
      return breaks ? { ...point, color: "transparent" } : point;
    }) : []);
    this.#series.vwap.setData(line(0));
    for (const [name, sides] of BANDS) this.#series[name].setData(line(sides));
    this.#setLayers();
    this.#fit();
  }

  /** Volumes below, where there are any: an index has none, and no pane for them. */
  #setVolumes(bars) {
    const colors = this.#colors;
    const has = bars.some((bar) => bar.volume !== null);
    if (!has) {
      if (this.#series.volume) this.#chart.removeSeries(this.#series.volume);
      delete this.#series.volume;
      return;
    }
    if (!this.#series.volume) {
      this.#series.volume = this.#volumes();
      this.#chart.panes()[0].setStretchFactor(1);
      this.#chart.panes()[1].setStretchFactor(0.16);
    }
    this.#series.volume.setData(bars.map(({ at, volume, open, close }) => (volume === null ? { time: at } : { time: at, value: volume, color: alpha(close >= open ? colors.call : colors.put, 0.55) })));
  }

  #setLayers() {
    const { candles, view, spot, lines, span, strongest, range, marks, gapLabel } = this.#model;
    const colors = this.#colors;
    const index = (ms) => lowerBound(this.#places, ms);
    const format = (value) => this.#price(value);
    const isShown = (name) => !view.hide.includes(name);
    const isDay = view.tf === "1d";
    const outside = [];
    let run = null;
    for (const bar of candles.list) {
      if (!bar.extended) run = null;
      else if (run) run[1] = index(bar.time);
      else outside.push(run = [index(bar.time), index(bar.time)]);
    }
    const gaps = isDay ? [] : candles.gaps.filter(([, to]) => to > (this.#places[0] ?? 0)).map(([from, to]) => {
      const first = index(from);
      return { from: first, to: Math.max(first, index(to) - 1), label: gapLabel(from, to), whole: to - from >= 6 * 3600_000 };
    }).map((gap) => (gap.whole ? { ...gap, to: gap.from } : gap));
    const starts = isDay ? [] : candles.list.filter((bar) => bar.starts).map((bar) => index(bar.time));
    this.#layers.shade.set({ outside, starts, gaps, colors });
    const phone = PHONE.matches;
    const profile = isShown("profile") && span ? { span, strongest, labels: !phone, room: phone ? 90 : undefined, format, colors } : null;
    this.#layers.profile.set(profile);
    this.#layers.names.set(profile);
    this.#layers.range.set(isShown("or") && range && !isDay && this.#places.length ? this.#box(range, index) : null);
    const now = candles.last ? index(candles.last.time) : 0;
    this.#layers.levels.set({ lines, spot, now, labels: true, top: isShown("events") ? 50 : 12, format, colors });
    this.#layers.events.set(isShown("events") && !isDay ? { marks: marks(this.#places).map((mark) => ({ ...mark, index: index(mark.place) })), colors } : null);
    this.#axisLabels();
  }

  /** The opening range over its minutes: {from, to, end} as indexes, with the first breaks. */
  #box({ from, to, high, low, breaks, minutes }, index) {
    const [first, last] = [Date.parse(from), Date.parse(to)];
    if (high === null || low === null || last <= this.#places[0] || first > this.#places.at(-1)) return null;
    const { zone, candles } = this.#model;
    const slot = (ms) => Math.floor(ms / candles.step) * candles.step;
    const marks = (breaks ?? []).map(({ side, at, minute_ms: began }) => ({
      index: index(slot(began ?? Date.parse(at))), side, label: `OR ${minutes} ${side} ${minuteText(Date.parse(at), zone)}`,
    }));
    const start = index(slot(first));
    return { from: start, to: Math.max(start, index(slot(last - 1))), end: this.#places.length - 1, high, low, marks, colors: this.#colors };
  }

  /** Spot and zero gamma have their value on the axis. */
  #axisLabels() {
    const { spot, lines } = this.#model;
    const zero = lines.find((each) => each.key === "zero_gamma")?.price ?? null;
    for (const [name, value, color] of [["zero", zero, this.#colors.zero], ["spot", spot, this.#colors.spot]]) {
      const line = this.#lines[name];
      if (value === null || value === undefined) {
        if (line) this.#series.candles.removePriceLine(line);
        delete this.#lines[name];
        continue;
      }
      const options = { price: value, color, lineVisible: false, axisLabelVisible: true, axisLabelColor: color, axisLabelTextColor: this.#colors.surface, title: "" };
      if (line) line.applyOptions(options);
      else this.#lines[name] = this.#series.candles.createPriceLine(options);
    }
  }

  /** The first picture of a symbol and timeframe shows the newest candles, or those before `to`. */
  #fit() {
    const { key, view, candles } = this.#model;
    const count = PHONE.matches ? Math.round(SHOWN[view.tf] / 3) : SHOWN[view.tf];
    const isWhole = candles.list.length >= count;
    // a picture of the first few candles is no picture to stay with
    if (!candles.list.length || this.#fitted === `${key} true` || this.#fitted === `${key} ${isWhole}`) return;
    this.#fitted = `${key} ${isWhole}`;
    let end = this.#places.length - 1;
    if (view.to !== null) end = Math.min(end, lowerBound(this.#places, view.to));
    // room for what is to come, but never more of it than of what was
    const last = lowerBound(this.#places, candles.last.time);
    if (view.to === null) end = Math.min(end, last + Math.round(count / 3));
    this.#chart.timeScale().setVisibleLogicalRange({ from: Math.max(-2, end - count), to: end + (view.to === null && end === last ? Math.round(count / 6) : 1) });
  }

  #hover(tell, time, point, logical) {
    const ms = time === undefined ? undefined : this.#at.get(time);
    const bar = point && ms !== undefined ? this.#model?.candles.list[lowerBound(this.#model.candles.list.map((each) => each.time), ms)] : null;
    tell(bar && bar.time === ms ? bar : null, point && logical !== undefined ? ms ?? null : null);
    const over = point ? this.#layers.events.drawn.find((each) => each.box && point.x >= each.box[0] && point.x <= each.box[0] + each.box[2] && point.y <= 42 && point.y >= each.box[1] && point.y <= each.box[1] + each.box[3]) : null;
    const words = over ? over.lines.join("\n") : "";
    if (this.box.title !== words) this.box.title = words;
  }

  #scrolled(range, tell, reached) {
    if (!range || !this.#model?.candles.list.length) return;
    const clamp = (at) => this.#places[Math.max(0, Math.min(this.#places.length - 1, Math.round(at)))];
    const last = lowerBound(this.#places, this.#model.candles.last.time);
    tell({ from: clamp(range.from), to: clamp(range.to), isNewest: range.to >= last });
    if (range.from < 30) reached();
  }
}

/** The strongest nodes of a span, at most so many of each kind. */
export function strongest(span, most = 4) {
  const pick = (kind, nodes) => (nodes ?? []).map(nodeOf).sort((one, other) => (other.share ?? other.prominence ?? 0) - (one.share ?? one.prominence ?? 0)).slice(0, most).map((node) => ({ kind, ...node }));
  return span ? [...pick("HVN", span.hvn), ...pick("LVN", span.lvn)] : [];
}
