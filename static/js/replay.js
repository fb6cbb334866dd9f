// The replay control: play, pause, speed, a place to go to. Shown while a recording is played.

import { post } from "./api.js";
import { clock as clockText, countdown, ratio, zoneLabel } from "./format.js";
import { announce, part, setText } from "./dom.js";
import { display, onDisplay } from "./display.js";
import { toast } from "./toast.js";

const SPEEDS = ["1", "2", "5", "10", "30", "60", "max"];

/** What stands under the control: on the way, slower than asked, at the end, cut off. */
export function replayNote(replay, zone) {
  const words = [];
  if (replay.state === "seeking") {
    const to = replay.goal_ms === null ? "" : ` to ${clockText(replay.goal_ms, zone)}`;
    words.push(`Going${to}${replay.done === null ? "" : `, ${Math.floor(replay.done * 100)} %`}.`);
  } else if (replay.state === "ended") {
    words.push("The recording is at its end. Play begins it again.");
  } else if (replay.state === "playing" && typeof replay.speed === "number" && replay.reached !== null && replay.reached < replay.speed * 0.8) {
    words.push(`This machine reaches ×${ratio(replay.reached)}.`);
  }
  if (replay.problem) words.push(`${replay.problem.replace(/[.]?$/, ".")}`);
  return words.join(" ");
}

export class Replay {
  #box = document.getElementById("replay-line");
  #replay = null;
  #dragging = false;
  #asked = 0;
  #queue = Promise.resolve(); // one after the other: a quick hand's second wish counts too

  constructor() {
    if (!this.#box) return;
    this.#play.addEventListener("click", () => this.#do(this.#replay?.state === "playing" ? "pause" : "play"));
    this.#speed.addEventListener("change", () => {
      const { value } = this.#speed;
      this.#do("speed", value === "max" ? value : Number(value));
    });
    this.#place.addEventListener("input", () => { this.#dragging = true; this.#drawTime(this.#chosen()); });
    this.#place.addEventListener("change", () => { this.#dragging = false; this.#do("seek", this.#chosen()); });
    this.#place.addEventListener("blur", () => { this.#dragging = false; });
    onDisplay(() => this.draw());
  }

  get #play() { return part(this.#box, "replay-play"); }
  get #speed() { return part(this.#box, "replay-speed"); }
  get #place() { return part(this.#box, "replay-place"); }

  /** Take what the health report says; null where nothing is played. */
  take(replay) {
    if (!this.#box) return;
    this.#replay = replay ?? null;
    this.#box.hidden = !replay;
    if (replay) this.draw();
  }

  draw() {
    const replay = this.#replay;
    if (!replay || !this.#box) return;
    setText(this.#play, replay.state === "playing" ? "Pause" : "Play");
    const value = String(replay.speed);
    if (!SPEEDS.includes(value) && ![...this.#speed.options].some((each) => each.value === value)) {
      this.#speed.add(new Option(`×${value}`, value));
    }
    if (!this.#asked) this.#speed.value = value;
    this.#place.max = String(Math.max(1, Math.ceil((replay.end_ms - replay.start_ms) / 1000)));
    if (!this.#dragging) {
      this.#place.value = String(Math.floor((replay.position_ms - replay.start_ms) / 1000));
      this.#drawTime(replay.position_ms);
    }
    setText(part(this.#box, "replay-note"), replayNote(replay, display.time_zone));
  }

  /** The time that the slider stands at, within the recording. */
  #chosen() {
    const { start_ms: start, end_ms: end } = this.#replay;
    return Math.min(end, start + Number(this.#place.value) * 1000);
  }

  #drawTime(at) {
    const { start_ms: start, end_ms: end } = this.#replay;
    const zone = display.time_zone;
    setText(part(this.#box, "replay-time"), `${countdown((at - start) / 1000)} of ${countdown((end - start) / 1000)}`);
    this.#place.setAttribute("aria-valuetext", `${clockText(at, zone)} ${zoneLabel(zone)}`);
    this.#place.title = `${clockText(at, zone)} ${zoneLabel(zone)}`;
  }

  #do(action, value) {
    this.#asked += 1;
    this.#queue = this.#queue.then(() => this.#send(action, value));
  }

  async #send(action, value) {
    try {
      this.take(await post("/api/replay", value === undefined ? { action } : { action, value }));
      announce(`Replay ${this.#replay.state}`);
    } catch (problem) {
      toast(problem.message, { kind: "warning" });
    } finally {
      this.#asked -= 1;
      this.draw();
    }
  }
}
