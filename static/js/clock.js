// Market time in the browser: the server's clock, carried on at its speed.

const JITTER_MS = 300;

export class MarketClock {
  #anchor = null;
  #wall = null;

  /** Take {market_ms, wall_ms, speed} as just received. */
  set({ market_ms, wall_ms, speed }, at = performance.now()) {
    this.#wall = { wall_ms, at };
    const off = this.#anchor ? Math.abs(market_ms - this.now(at)) : Infinity;
    // the network's jitter must not make the seconds jump
    if (this.#anchor && this.#anchor.speed === speed && off < JITTER_MS * Math.max(1, speed)) return;
    this.#anchor = { market_ms, speed, at };
  }

  /** Unix milliseconds of market time, or null before the first report. */
  now(at = performance.now()) {
    if (!this.#anchor) return null;
    const { market_ms, speed, at: since } = this.#anchor;
    return market_ms + (at - since) * speed;
  }

  /** Unix milliseconds of the server's real time, or null before the first report. */
  wall(at = performance.now()) {
    return this.#wall ? this.#wall.wall_ms + (at - this.#wall.at) : null;
  }

  get speed() {
    return this.#anchor?.speed ?? 1;
  }
}
