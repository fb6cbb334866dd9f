// The heatmap: net by strike and minute on its own canvas. Nothing at 0, call and put at the ends.

import { minute as minuteText, price, strike as strikeText } from "../format.js";
import { niceMax } from "./history.js";
import { look, rgb } from "./look.js";

const AXIS = { right: 76, bottom: 20, left: 0, top: 6 };
const BOX = 16;
const SHADES = 64;

/** Colours of a share from -1 to 1 as [r, g, b], by the square root of its size. */
export function shade(share, surface, call, put) {
  const size = Math.sqrt(Math.min(1, Math.abs(share)));
  const end = share < 0 ? put : call;
  return surface.map((from, at) => Math.round(from + (end[at] - from) * size));
}

/** The strip of colours for the legend. */
export function drawScale(canvas) {
  const colors = look();
  const ratio = devicePixelRatio || 1;
  canvas.width = 120 * ratio;
  canvas.height = 8 * ratio;
  const context = canvas.getContext("2d");
  const [surface, call, put] = [rgb(colors.surface), rgb(colors.call), rgb(colors.put)];
  for (let at = 0; at < SHADES; at += 1) {
    context.fillStyle = `rgb(${shade((at / (SHADES - 1)) * 2 - 1, surface, call, put).join(",")})`;
    context.fillRect((at / SHADES) * canvas.width, 0, canvas.width / SHADES + 1, canvas.height);
  }
}

export class HeatMap {
  #canvas;
  #colors = look();
  #day = null;
  #cells = null;
  #top = 0;

  /** hover({at, strike, value} | null) is told what is under the pointer; pick(ms) a click. */
  constructor(canvas, hover, pick) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    canvas.addEventListener("pointermove", (event) => hover(this.#under(event)));
    canvas.addEventListener("pointerleave", () => hover(null));
    canvas.addEventListener("click", (event) => {
      const found = this.#under(event);
      if (found) pick(found.at);
    });
  }

  get max() {
    return this.#top;
  }

  canvas() {
    return this.#canvas;
  }

  theme() {
    this.#colors = look();
    if (this.#day) this.set(this.#day);
  }

  /** day: {history, rows (as history.matrix), open, close, strikes: [from, to] indexes, at}. */
  set(day) {
    this.#day = day;
    const { history, rows, strikes: [from, to] } = day;
    this.#top = niceMax(rows.map((row) => row.slice(from, to + 1)));
    this.#paintCells(history, rows);
    this.draw();
  }

  /** The minute chosen moved. */
  seek(at) {
    if (!this.#day) return;
    this.#day.at = at;
    this.draw();
  }

  #paintCells({ minutes }, rows) {
    const { open, close, strikes: [from, to] } = this.#day;
    const width = Math.max(1, Math.round((close - open) / 60000));
    const height = Math.max(1, to - from + 1);
    const cells = document.createElement("canvas");
    cells.width = width;
    cells.height = height;
    const context = cells.getContext("2d");
    const image = context.createImageData(width, height);
    const [surface, call, put] = [rgb(this.#colors.surface), rgb(this.#colors.call), rgb(this.#colors.put)];
    const columns = minutes.map((ms) => Math.round((ms - open) / 60000));
    columns.forEach((x, at) => {
      // a minute that was missed shows the one before it, up to five
      const until = Math.min(columns[at + 1] ?? x + 1, x + 5);
      for (let column = Math.max(0, x); column < Math.min(width, until); column += 1) {
        for (let row = from; row <= to; row += 1) {
          const value = rows[at][row];
          if (value === null || value === undefined || !this.#top) continue;
          const place = ((row - from) * width + column) * 4;
          image.data.set([...shade(value / this.#top, surface, call, put), 255], place);
        }
      }
    });
    context.putImageData(image, 0, 0);
    this.#cells = cells;
  }

  /** Edges of the rows: half way to the neighbours. */
  #edges() {
    const { history, strikes: [from, to] } = this.#day;
    const list = history.strikes.slice(from, to + 1);
    const half = (one, other) => (one + other) / 2;
    const step = list.length > 1 ? list[1] - list[0] : 1;
    return list.map((strike, at) => [
      at ? half(list[at - 1], strike) : strike - step / 2,
      at < list.length - 1 ? half(strike, list[at + 1]) : strike + (list.length > 1 ? (strike - list[at - 1]) / 2 : step / 2),
    ]);
  }

  #frame() {
    const { clientWidth, clientHeight } = this.#canvas.parentElement;
    const { open, close } = this.#day;
    const edges = this.#edges();
    const [low, high] = [edges[0]?.[0] ?? 0, edges.at(-1)?.[1] ?? 1];
    const left = AXIS.left + 12;
    const right = clientWidth - AXIS.right;
    const bottom = clientHeight - AXIS.bottom;
    return {
      width: clientWidth, height: clientHeight, left, right, bottom, top: AXIS.top, edges, low, high,
      x: (ms) => left + ((ms - open) / (close - open)) * (right - left),
      y: (value) => bottom - ((value - low) / (high - low)) * (bottom - AXIS.top),
    };
  }

  #under({ offsetX, offsetY }) {
    if (!this.#day?.history.minutes.length) return null;
    const frame = this.#frame();
    if (offsetX < frame.left || offsetX > frame.right || offsetY < frame.top || offsetY > frame.bottom) return null;
    const { open, close, history, rows, strikes: [from] } = this.#day;
    const ms = open + ((offsetX - frame.left) / (frame.right - frame.left)) * (close - open);
    const value = frame.low + ((frame.bottom - offsetY) / (frame.bottom - frame.top)) * (frame.high - frame.low);
    const row = frame.edges.findIndex(([low, high]) => value >= low && value < high);
    const at = history.minutes.findLastIndex((each) => each <= ms);
    if (row < 0 || at < 0 || ms > history.minutes.at(-1) + 60000) return null;
    return { at: history.minutes[at], strike: history.strikes[from + row], value: rows[at][from + row] };
  }

  /** Draw the whole canvas. */
  draw() {
    const canvas = this.#canvas;
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    if (canvas.width !== Math.round(clientWidth * ratio) || canvas.height !== Math.round(clientHeight * ratio)) {
      canvas.width = Math.round(clientWidth * ratio);
      canvas.height = Math.round(clientHeight * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.#colors.surface;
    context.fillRect(0, 0, clientWidth, clientHeight);
    if (!this.#day?.history.minutes.length) return;
    const frame = this.#frame();
    context.imageSmoothingEnabled = false;
    frame.edges.forEach(([low, high], row) => {
      const top = frame.y(high);
      context.drawImage(this.#cells, 0, row, this.#cells.width, 1, frame.left, top, frame.right - frame.left, frame.y(low) - top + 0.5);
    });
    this.#axes(context, frame);
    const { history } = this.#day;
    this.#path(context, frame, history.zero_gamma, this.#colors.zero, [7, 4]);
    this.#path(context, frame, history.spot, this.#colors.spot, []);
    this.#cursor(context, frame);
  }

  #path(context, frame, values, color, dash) {
    const { minutes } = this.#day.history;
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    context.clip();
    const route = new Path2D();
    let isDown = false;
    values.forEach((value, at) => {
      if (value === null || value === undefined) isDown = false;
      else {
        route[isDown ? "lineTo" : "moveTo"](frame.x(minutes[at] + 30000), frame.y(value));
        isDown = true;
      }
    });
    context.lineJoin = "round";
    context.strokeStyle = this.#colors.surface;
    context.lineWidth = 7;
    context.globalAlpha = 0.8;
    context.setLineDash([]);
    context.stroke(route);
    context.globalAlpha = 1;
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.stroke(route);
    context.restore();
  }

  #axes(context, frame) {
    const { open, close } = this.#day;
    context.font = `11px ${this.#colors.font}`;
    context.fillStyle = this.#colors.text3;
    context.textBaseline = "middle";
    context.textAlign = "center";
    const room = frame.right - frame.left;
    const wide = room > 560 ? 30 : room > 400 ? 60 : 120;
    for (let ms = open; ms <= close; ms += wide * 60000) {
      context.fillText(minuteText(ms), Math.max(frame.left + 14, Math.min(frame.right - 14, frame.x(ms))), frame.bottom + 11);
    }
    context.textAlign = "left";
    const step = this.#strikeStep(frame);
    const boxes = this.#marks(frame).map((each) => each.y);
    for (let at = Math.ceil(frame.low / step) * step; at <= frame.high; at += step) {
      const y = frame.y(at);
      if (y < frame.top + 6 || y > frame.bottom - 4 || boxes.some((each) => Math.abs(each - y) < BOX)) continue;
      context.fillText(strikeText(at), frame.right + 8, y);
    }
  }

  #strikeStep(frame) {
    const enough = 22 / (frame.bottom - frame.top) * (frame.high - frame.low);
    return [0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000].find((each) => each >= enough) ?? 2000;
  }

  /** Boxes at the right axis: spot and zero gamma of the minute chosen, apart from each other. */
  #marks(frame) {
    const { history } = this.#day;
    const at = this.#index();
    const clamp = (y) => Math.max(frame.top + BOX / 2, Math.min(frame.bottom - BOX / 2, y));
    const found = [["spot", history.spot[at]], ["zero", history.zero_gamma[at]]]
      .filter(([, value]) => typeof value === "number")
      .map(([kind, value]) => ({ kind, value, y: clamp(frame.y(value)) }));
    if (found.length === 2 && Math.abs(found[0].y - found[1].y) < BOX + 1) {
      const up = found[0].value >= found[1].value ? 0 : 1;
      const middle = (found[0].y + found[1].y) / 2;
      found[up].y = clamp(middle - BOX / 2 - 1);
      found[1 - up].y = found[up].y + BOX + 1;
    }
    return found;
  }

  #index() {
    const { history, at } = this.#day;
    const found = at === null ? -1 : history.minutes.findLastIndex((each) => each <= at);
    return found < 0 ? history.minutes.length - 1 : found;
  }

  #cursor(context, frame) {
    const { history } = this.#day;
    const x = Math.round(frame.x(history.minutes[this.#index()] + 60000)) + 0.5;
    context.strokeStyle = this.#colors.text;
    context.lineWidth = 1;
    context.setLineDash([]);
    context.beginPath();
    context.moveTo(x, frame.top);
    context.lineTo(x, frame.bottom);
    context.stroke();
    context.textBaseline = "middle";
    context.textAlign = "left";
    for (const { kind, value, y } of this.#marks(frame)) {
      const text = price(value);
      const width = context.measureText(text).width + 8;
      context.fillStyle = this.#colors.surface;
      context.strokeStyle = this.#colors[kind];
      context.fillRect(frame.right + 4, y - BOX / 2, width, BOX);
      context.strokeRect(frame.right + 4.5, y - BOX / 2 + 0.5, width - 1, BOX - 1);
      context.fillStyle = this.#colors.text;
      context.fillText(text, frame.right + 8, y + 0.5);
    }
  }
}
