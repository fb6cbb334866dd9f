// What stands on the payoff picture besides lines: expected-move band, break-evens, value at spot.

const BOX = 16;
const PAD = 5;

class Layer {
  constructor(order, paint) {
    this.order = order;
    this.paint = paint;
  }

  zOrder() {
    return this.order;
  }

  renderer() {
    return { draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => this.paint(context, mediaSize)) };
  }
}

/** Height for a label beside a point: not among the labels of the break-evens around zero. */
function clear(y, zero) {
  if (zero === null || Math.abs(y - zero) >= 2 * BOX) return y;
  return y <= zero ? zero - 2 * BOX : zero + 2 * BOX;
}

/** One primitive on the series whose prices are dollars. */
export class Marks {
  #chart = null;
  #series = null;
  #update = () => {};
  #content = null;
  #look = {};

  constructor() {
    this.#views = [
      new Layer("bottom", (context, size) => this.#band(context, size)),
      new Layer("top", (context, size) => {
        this.#ends(context, size);
        this.#rings(context, size);
      }),
    ];
    this.drawn = [];
    this.ends = [];
  }

  #views;

  attached({ chart, series, requestUpdate }) {
    this.#chart = chart;
    this.#series = series;
    this.#update = requestUpdate;
  }

  paneViews() {
    return this.#views;
  }

  /**
   * content: {band: {low, high, lowText, highText} | null, rings: [{place, label, color, above}],
   * dot: {place, value, label} | null}; places count points of the picture, prices are dollars.
   */
  set(content, look) {
    this.#content = content;
    this.#look = look;
    this.#update();
  }

  #x(place) {
    const scale = this.#chart.timeScale();
    const low = scale.logicalToCoordinate(Math.floor(place));
    const high = scale.logicalToCoordinate(Math.ceil(place));
    if (low === null || high === null) return null;
    return low + (high - low) * (place - Math.floor(place));
  }

  /** [from, to] of the band in pixels, null where none of it is in the picture. */
  #reach(width) {
    const band = this.#content?.band;
    if (!band) return null;
    const from = Math.max(0, this.#x(band.low) ?? 0);
    const to = Math.min(width, this.#x(band.high) ?? width);
    return to > from ? [from, to] : null;
  }

  #band(context, { width, height }) {
    const reach = this.#reach(width);
    if (!reach) return;
    context.fillStyle = this.#look.raised;
    context.fillRect(reach[0], 44, reach[1] - reach[0], height - 44);
  }

  /** The ends of the band in words, on its own colour: grid and lines do not cross them. */
  #ends(context, { width, height }) {
    this.ends = [];
    const reach = this.#reach(width);
    if (!reach) return;
    const { raised, text3, font } = this.#look;
    const { lowText, highText } = this.#content.band;
    context.font = font;
    context.textBaseline = "middle";
    context.textAlign = "left";
    const [low, high] = [lowText, highText].map((text) => Math.ceil(context.measureText(text).width));
    if (low + high + 30 > reach[1] - reach[0]) return;
    for (const [text, left, wide] of [[lowText, reach[0] + 6, low], [highText, reach[1] - 6 - high, high]]) {
      context.fillStyle = raised;
      context.fillRect(left - 3, height - 12 - BOX / 2, wide + 6, BOX);
      context.fillStyle = text3;
      context.fillText(text, left, height - 11.5);
      this.ends.push({ left, right: left + wide, top: height - 12 - BOX / 2, bottom: height - 12 + BOX / 2, text });
    }
  }

  #rings(context, { width }) {
    if (!this.#content) return;
    const zero = this.#series.priceToCoordinate(0);
    const { surface, font, text } = this.#look;
    context.font = font;
    context.textBaseline = "middle";
    context.setLineDash([]);
    this.drawn = [];
    if (zero !== null) {
      for (const ring of this.#content.rings) {
        const x = this.#x(ring.place);
        if (x === null) continue;
        context.beginPath();
        context.arc(x, zero, 4, 0, 2 * Math.PI);
        context.fillStyle = surface;
        context.fill();
        context.strokeStyle = ring.color;
        context.lineWidth = 1.5;
        context.stroke();
        this.#label(context, ring.label, x + (ring.left ? -1 : 1) * 34, zero + (ring.above ? -14 : 14), ring.color, width, true);
        this.drawn.push({ x, label: ring.label });
      }
    }
    const { dot } = this.#content;
    if (!dot) return;
    const x = this.#x(dot.place);
    const y = this.#series.priceToCoordinate(dot.value);
    if (x === null || y === null) return;
    context.beginPath();
    context.arc(x, y, 3.5, 0, 2 * Math.PI);
    context.fillStyle = this.#look.spot;
    context.fill();
    const wide = context.measureText(dot.label).width + 2 * PAD;
    const right = x + 12 + wide < width;
    this.#label(context, dot.label, right ? x + 12 + wide / 2 : x - 12 - wide / 2, clear(y + (y < 60 ? 14 : 0), zero), this.#look.line2, width, false);
    context.fillStyle = text;
  }

  /** A box around `at`, kept inside the picture. */
  #label(context, label, at, y, color, width, isFigure) {
    const wide = Math.ceil(context.measureText(label).width) + 2 * PAD;
    const left = Math.max(2, Math.min(width - wide - 2, at - wide / 2));
    context.fillStyle = this.#look.surface;
    context.fillRect(left, y - BOX / 2, wide, BOX);
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.strokeRect(Math.round(left) + 0.5, Math.round(y - BOX / 2) + 0.5, wide - 1, BOX - 1);
    context.fillStyle = isFigure ? this.#look.text : this.#look.text2;
    context.fillText(label, left + PAD, y + 0.5);
  }
}
