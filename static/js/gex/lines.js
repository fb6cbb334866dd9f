// Lines across strikes with labels in two lanes, as one primitive of a chart series.

const BOX = 16;
const GAP = 4;
const PAD = 5;

/**
 * Where labels go: items [{x, width, left?}] by importance, first first; answers [{left, lane}]
 * or null for one without room. A label stands right of its line (left of it when `left`);
 * where it would overlap it takes the other side, then the second lane.
 */
export function placeLabels(items, from, to, lanes = 2) {
  const taken = Array.from({ length: lanes }, () => []);
  return items.map(({ x, width, left = false }) => {
    for (let lane = 0; lane < lanes; lane += 1) {
      for (const onLeft of left ? [true, false] : [false, true]) {
        const at = onLeft ? x - GAP - width : x + GAP;
        if (at < from || at + width > to) continue;
        if (taken[lane].some(([start, end]) => at < end + GAP && at + width + GAP > start)) continue;
        taken[lane].push([at, at + width]);
        return { left: at, lane };
      }
    }
    return null;
  });
}

class Renderer {
  constructor(owner) {
    this.owner = owner;
  }

  draw(target) {
    target.useMediaCoordinateSpace(({ context, mediaSize }) => this.owner.paint(context, mediaSize));
  }
}

/** lines: [{place, color, width, dash, label, left}] in the order of importance. */
export class Lines {
  #chart = null;
  #update = () => {};
  #lines = [];
  #look = {};
  #views;

  constructor() {
    const renderer = new Renderer(this);
    this.#views = [{ zOrder: () => "top", renderer: () => renderer }];
    this.drawn = []; // what stands where, for tests and for the readout
  }

  attached({ chart, requestUpdate }) {
    this.#chart = chart;
    this.#update = requestUpdate;
  }

  paneViews() {
    return this.#views;
  }

  /** look is {font, text, surface, labels: bool}. */
  set(lines, look) {
    this.#lines = lines;
    this.#look = look;
    this.#update();
  }

  /** Pixels of a place that may lie between two bars. */
  #x(place) {
    const scale = this.#chart.timeScale();
    const low = scale.logicalToCoordinate(Math.floor(place));
    const high = scale.logicalToCoordinate(Math.ceil(place));
    if (low === null || high === null) return null;
    return low + (high - low) * (place - Math.floor(place));
  }

  paint(context, { width, height }) {
    const { font, text, surface, labels } = this.#look;
    context.font = font;
    const lines = this.#lines
      .map((line) => ({ ...line, x: this.#x(line.place), width: Math.ceil(context.measureText(line.label).width) + 2 * PAD, stroke: line.width }))
      .filter((line) => line.x !== null);
    const spots = labels === false ? lines.map(() => null) : placeLabels(lines, 2, width - 2);
    lines.forEach((line, at) => {
      const top = spots[at] ? 4 + spots[at].lane * (BOX + 3) : 4;
      context.strokeStyle = line.color;
      context.lineWidth = line.stroke;
      context.setLineDash(line.dash);
      context.beginPath();
      context.moveTo(line.x, top);
      context.lineTo(line.x, height);
      context.stroke();
    });
    context.setLineDash([]);
    context.textBaseline = "middle";
    lines.forEach((line, at) => {
      if (!spots[at]) return;
      const { left, lane } = spots[at];
      const top = 4 + lane * (BOX + 3);
      context.fillStyle = surface;
      context.strokeStyle = line.color;
      context.lineWidth = 1;
      context.fillRect(left, top, line.width, BOX);
      context.strokeRect(left + 0.5, top + 0.5, line.width - 1, BOX - 1);
      context.fillStyle = text;
      context.fillText(line.label, left + PAD, top + BOX / 2 + 0.5);
    });
    this.drawn = lines.map(({ key, x, label }, at) => ({ key, x, label, spot: spots[at] }));
  }
}
