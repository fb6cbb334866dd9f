// What stands on the canvas besides series: shading, profile, opening range, levels, events.

import { alpha } from "../gex/look.js";
import { isNumber } from "./layers.js";

const BOX = 16;
const PAD = 5;
const LANE = 6; // pixels from the left edge to the labels of levels
const PROFILE_WIDTH = 178;

/** One layer: set(model) and paint(context, size, model); `drawn` says what stands where. */
class Layer {
  #views;
  model = null;
  drawn = [];

  constructor(zOrder) {
    const renderer = { draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      this.drawn = [];
      if (this.model && this.series) this.paint(context, mediaSize, this.model);
    }) };
    this.#views = [{ zOrder: () => zOrder, renderer: () => renderer }];
  }

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, update: requestUpdate });
  }

  detached() {
    this.series = null;
  }

  paneViews() {
    return this.#views;
  }

  set(model) {
    this.model = model;
    this.update?.();
  }

  /** Pixels of a place of the axis by its index. */
  x(index) {
    return this.chart.timeScale().logicalToCoordinate(index);
  }

  y(price) {
    return isNumber(price) ? this.series.priceToCoordinate(price) : null;
  }

  get spacing() {
    return this.chart.timeScale().options().barSpacing;
  }
}

function text(context, words, x, y, color, { align = "left", surface = null, weight = "400", font }) {
  context.font = `${weight} 11px ${font}`;
  context.textAlign = align;
  context.textBaseline = "middle";
  const width = context.measureText(words).width;
  const left = align === "right" ? x - width : x;
  if (surface) {
    context.fillStyle = surface;
    context.fillRect(left - 2, y - 7, width + 4, 14);
  }
  context.fillStyle = color;
  context.fillText(words, x, y + 0.5);
  return [left, width];
}

/** model: {outside: [[from, to]], starts: [index], gaps: [{from, to, label}], colors}; indexes. */
export class Shade extends Layer {
  constructor() {
    super("bottom");
  }

  paint(context, { width, height }, { outside, starts, gaps, colors }) {
    const half = this.spacing / 2;
    context.fillStyle = alpha(colors.text3, 0.07);
    for (const [from, to] of outside) {
      const [left, right] = [this.x(from) - half, this.x(to) + half];
      if (right < 0 || left > width) continue;
      context.fillRect(left, 0, right - left, height);
      this.drawn.push({ kind: "outside", left, right });
    }
    context.strokeStyle = colors.line2;
    context.lineWidth = 1;
    context.beginPath();
    for (const index of starts) {
      const x = Math.round(this.x(index) - half) + 0.5;
      if (x < 0 || x > width) continue;
      context.moveTo(x, 0);
      context.lineTo(x, height);
      this.drawn.push({ kind: "start", x });
    }
    context.stroke();
    for (const { from, to, label } of gaps) {
      const left = this.x(from) - half;
      const right = Math.max(this.x(to) + half, left + 3);
      if (right < 0 || left > width) continue;
      context.save();
      context.beginPath();
      context.rect(left, 0, right - left, height);
      context.clip();
      context.strokeStyle = alpha(colors.text3, 0.3);
      context.beginPath();
      for (let at = left - height; at < right; at += 8) {
        context.moveTo(at, height);
        context.lineTo(at + height, 0);
      }
      context.stroke();
      context.restore();
      text(context, label, Math.max(4, left + 3), height - 12, colors.text2, { surface: colors.surface, font: colors.font });
      this.drawn.push({ kind: "gap", left, right, label });
    }
  }
}

/** model: {span (a span of profile.levels), strongest: [{kind, price}], labels: bool, colors}. */
export class ProfileSide extends Layer {
  constructor() {
    super("bottom");
  }

  paint(context, { width }, { span, colors, room = PROFILE_WIDTH }) {
    const bins = span.bins ?? [];
    const most = Math.max(...bins.map(([, volume]) => volume), 0);
    if (!most) return;
    const step = span.bin ?? (bins.length > 1 ? bins[1][0] - bins[0][0] : 0);
    const [top, bottom] = [this.y(span.vah), this.y(span.val)];
    if (top !== null && bottom !== null) {
      context.fillStyle = alpha(colors.text3, 0.12);
      context.fillRect(width - room, top, room, bottom - top);
    }
    for (const [low, volume] of bins) {
      const [from, to] = [this.y(low + step), this.y(low)];
      if (from === null || to === null) continue;
      const isInside = low >= span.val - step / 2 && low <= span.vah;
      const height = Math.max(1, to - from - (to - from > 3 ? 1 : 0));
      const length = Math.max(1, (volume / most) * (room - 8));
      context.fillStyle = alpha(colors.text3, isInside ? 0.62 : 0.34);
      context.fillRect(width - length, from, length, height);
    }
  }
}

/** The same model: what is written at the profile, above the grid that would run through it. */
export class ProfileNames extends Layer {
  constructor() {
    super("normal");
  }

  paint(context, { width }, { span, strongest, labels, colors, format, room = PROFILE_WIDTH }) {
    const bins = span.bins ?? [];
    const most = Math.max(...bins.map(([, volume]) => volume), 0);
    if (!most) return;
    const poc = this.y(span.poc);
    if (poc !== null) {
      context.strokeStyle = colors.text;
      context.lineWidth = 1;
      context.setLineDash([]);
      context.beginPath();
      context.moveTo(width - room + 8, Math.round(poc) + 0.5);
      context.lineTo(width, Math.round(poc) + 0.5);
      context.stroke();
    }
    if (!labels) return;
    const taken = [];
    const put = (words, price, strong) => {
      const y = this.y(price);
      if (y === null || taken.some((each) => Math.abs(each - y) < 13)) return;
      taken.push(y);
      const right = strong ? width - room - 4 : width - Math.min(room - 4, this.#length(bins, price, most, room)) - 6;
      const [left, wide] = text(context, words, right, y, strong ? colors.text : colors.text2, { align: "right", weight: strong ? "600" : "400", surface: alpha(colors.surface, 0.75), font: colors.font });
      this.drawn.push({ label: words, x: left, width: wide, y });
    };
    put(`POC ${format(span.poc)}`, span.poc, true);
    put(`VAH ${format(span.vah)}`, span.vah, true);
    put(`VAL ${format(span.val)}`, span.val, true);
    for (const { kind, price } of strongest) put(`${kind} ${format(price)}`, price, false);
    context.textAlign = "left";
  }

  #length(bins, price, most, room) {
    let found = 0;
    for (const [low, volume] of bins) if (low <= price + 1e-9) found = volume;
    return (found / most) * (room - 8);
  }
}

/** model: {from, to, high, low, marks: [{index, side, label}], colors}; indexes of the axis. */
export class RangeBox extends Layer {
  constructor() {
    super("normal");
  }

  paint(context, { width }, { from, to, end, high, low, marks, colors, font = colors.font }) {
    const [top, bottom] = [this.y(high), this.y(low)];
    if (top === null || bottom === null) return;
    const half = this.spacing / 2;
    const [left, right] = [this.x(from) - half, this.x(to) + half];
    const until = Math.min(width, this.x(end) + half);
    context.fillStyle = alpha(colors.text3, 0.14);
    context.fillRect(left, top, right - left, bottom - top);
    context.strokeStyle = colors.text2;
    context.lineWidth = 1;
    context.strokeRect(Math.round(left) + 0.5, Math.round(top) + 0.5, Math.round(right - left), Math.round(bottom - top));
    context.setLineDash([5, 4]);
    context.beginPath();
    for (const y of [top, bottom]) {
      context.moveTo(right, Math.round(y) + 0.5);
      context.lineTo(until, Math.round(y) + 0.5);
    }
    context.stroke();
    context.setLineDash([]);
    this.drawn.push({ kind: "box", left, right, top, bottom });
    for (const { index, side, label } of marks) {
      const x = this.x(index);
      if (x < -60 || x > width) continue;
      const isUp = side === "up";
      const y = isUp ? bottom + 9 : top - 5;
      context.fillStyle = isUp ? colors.up : colors.down;
      context.beginPath();
      context.moveTo(x, isUp ? y - 4 : y + 4);
      context.lineTo(x - 4.5, isUp ? y + 4 : y - 4);
      context.lineTo(x + 4.5, isUp ? y + 4 : y - 4);
      context.fill();
      text(context, label, x + 8, y, colors.text, { surface: colors.surface, font });
      this.drawn.push({ kind: "break", x, y, label });
    }
  }
}

/** Vertical places of labels: as near to their own as it goes, none over another. */
export function spread(wanted, height, gap = BOX + 2) {
  const order = wanted.map((y, at) => ({ y, at })).sort((one, other) => one.y - other.y);
  const placed = order.map((each) => each.y);
  for (let at = 1; at < placed.length; at += 1) placed[at] = Math.max(placed[at], placed[at - 1] + gap);
  const limit = height - gap / 2;
  for (let at = placed.length - 1; at >= 0; at -= 1) {
    const most = at === placed.length - 1 ? limit : placed[at + 1] - gap;
    placed[at] = Math.min(placed[at], most);
  }
  const found = [];
  order.forEach((each, at) => { found[each.at] = placed[at]; });
  return found;
}

const STROKES = { zero: { width: 2, dash: [7, 4] }, call: { width: 1.5, dash: [2, 3] }, put: { width: 1.5, dash: [2, 3] }, lt: { width: 1, dash: [6, 3] } };

/** model: {lines: [{key, price, tone, label}], spot, now (index of the last candle), colors}. */
export class Levels extends Layer {
  constructor() {
    super("top");
  }

  paint(context, { width, height }, { lines, spot, now, colors, labels = true, top = 26 }) {
    const shown = lines.map((line) => ({ ...line, y: this.y(line.price), color: colors[line.tone] }))
      .filter((line) => line.y !== null && line.y >= 0 && line.y <= height);
    for (const { y, color, tone } of shown) {
      const { width: wide, dash } = STROKES[tone];
      this.#line(context, 0, width, y, color, wide, dash);
    }
    const own = this.y(spot);
    const boxes = [...shown];
    if (own !== null && own >= 0 && own <= height) {
      const x = Math.max(0, Math.min(width, this.x(now)));
      this.#line(context, 0, x, own, colors.spot, 1, []);
      this.#line(context, x, width, own, colors.spot, 2, []);
      boxes.push({ key: "spot", y: own, color: colors.spot, label: `Spot ${this.model.format(spot)}` });
    }
    if (!labels) return;
    const places = spread(boxes.map((each) => Math.max(top, each.y)), height);
    context.font = `11px ${colors.font}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    boxes.forEach(({ key, label, color, y }, at) => {
      const middle = Math.round(places[at]);
      const wide = Math.ceil(context.measureText(label).width) + 2 * PAD;
      context.fillStyle = colors.surface;
      context.fillRect(LANE, middle - BOX / 2, wide, BOX);
      context.strokeStyle = color;
      context.lineWidth = 1;
      context.strokeRect(LANE + 0.5, middle - BOX / 2 + 0.5, wide - 1, BOX - 1);
      context.fillStyle = colors.text;
      context.fillText(label, LANE + PAD, middle + 0.5);
      this.drawn.push({ key, label, y, box: [LANE, middle - BOX / 2, wide, BOX] });
    });
  }

  #line(context, from, to, y, color, width, dash) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(from, Math.round(y) + (width % 2 ? 0.5 : 0));
    context.lineTo(to, Math.round(y) + (width % 2 ? 0.5 : 0));
    context.stroke();
    context.setLineDash([]);
  }
}

/** model: {marks: [{index, label, impact, reaction}], colors}: dotted lines, names in the top lane. */
export class Events extends Layer {
  constructor() {
    super("top");
  }

  paint(context, { width, height }, { marks, colors }) {
    context.font = `11px ${colors.font}`;
    context.textBaseline = "middle";
    context.textAlign = "left";
    const shown = marks.map((mark) => ({ ...mark, x: this.x(mark.index) })).filter(({ x }) => x !== null && x >= 0 && x <= width);
    for (const { x } of shown) {
      context.strokeStyle = colors.text2;
      context.lineWidth = 1;
      context.setLineDash([1, 3]);
      context.beginPath();
      context.moveTo(Math.round(x) + 0.5, 4);
      context.lineTo(Math.round(x) + 0.5, height);
      context.stroke();
    }
    context.setLineDash([]);
    const sized = shown.map((mark) => ({ ...mark, ...movedWords(mark.reaction) })).map((mark) => ({
      ...mark, width: Math.ceil(28 + [mark.label, mark.moved, mark.after].reduce((sum, words) => sum + context.measureText(words).width, 0)),
    }));
    const spots = placeMarks(sized, width);
    sized.forEach((mark, at) => {
      const spot = spots[at];
      this.drawn.push({ index: mark.index, label: mark.label, moved: mark.moved, lines: mark.lines, x: mark.x, box: spot ? [spot.left, 4 + spot.lane * (BOX + 2), mark.width, BOX] : null });
      if (!spot) return;
      const [left, top] = [spot.left, 4 + spot.lane * (BOX + 2)];
      context.fillStyle = colors.surface;
      context.fillRect(left, top, mark.width, BOX);
      context.strokeStyle = colors.line2;
      context.strokeRect(left + 0.5, top + 0.5, mark.width - 1, BOX - 1);
      for (let bar = 0; bar < 3; bar += 1) {
        context.fillStyle = bar < mark.impact ? colors.text : alpha(colors.text3, 0.35);
        context.fillRect(left + 6 + bar * 4, top + 4, 3, 8);
      }
      let pen = left + 22;
      const tone = mark.reaction?.percent > 0 ? colors.up : mark.reaction?.percent < 0 ? colors.down : colors.flat;
      for (const [words, color] of [[mark.label, colors.text], [mark.moved, tone], [mark.after, colors.text3]]) {
        context.fillStyle = color;
        context.fillText(words, pen, top + 8.5);
        pen += context.measureText(words).width;
      }
    });
  }
}

/** What a reaction says behind a label: {moved, after}. */
function movedWords(reaction) {
  if (!reaction) return { moved: "", after: "" };
  const sign = reaction.percent > 0 ? "+" : reaction.percent < 0 ? "−" : "";
  return { moved: ` ${sign}${Math.abs(reaction.percent).toFixed(2)}%`, after: ` in ${reaction.horizon} min` };
}

/**
 * Where the names of marks go: [{x, width}] from left to right in two lanes; null for one
 * without room. A name begins at its line, or ends there.
 */
export function placeMarks(marks, width, lanes = 2) {
  const taken = Array.from({ length: lanes }, () => []);
  const order = marks.map((mark, at) => at).sort((one, other) => (marks[other].impact ?? 0) - (marks[one].impact ?? 0) || one - other);
  const found = marks.map(() => null);
  for (const at of order) {
    const { x, width: wide } = marks[at];
    for (let lane = 0; lane < lanes && !found[at]; lane += 1) {
      for (const left of [x - 2, Math.min(x - 2, width - wide - 2), x + 2 - wide]) {
        if (left < 0 || left + wide > width) continue;
        if (taken[lane].some(([from, to]) => left < to + 3 && left + wide + 3 > from)) continue;
        taken[lane].push([left, left + wide]);
        found[at] = { left, lane };
        break;
      }
    }
  }
  return found;
}
