// What a browser does with the numbered messages of one room. No socket in here.

const WAITING = 64;

/**
 * epoch changes with the server process, seq counts per room, full marks a whole state.
 * A message that is not newer than the snapshot is dropped; a gap without full, or a new
 * epoch without full, asks for a snapshot again.
 */
export class Room {
  constructor() {
    this.forget();
  }

  /** Nothing is known: messages wait for the snapshot. */
  forget() {
    this.epoch = null;
    this.seq = -1;
    this.ready = false;
    this.waiting = [];
  }

  /** Take a snapshot; answers the messages that came early and are newer, in order. */
  snapshot({ epoch, seq }) {
    const early = this.waiting;
    this.forget();
    this.epoch = epoch;
    this.seq = seq;
    this.ready = true;
    return early.filter((message) => this.receive(message) === "apply");
  }

  /** "apply", "drop", "wait" (before the snapshot) or "ask" (a snapshot is needed). */
  receive(message) {
    if (!this.ready) {
      if (this.waiting.length === WAITING) this.waiting.shift();
      this.waiting.push(message);
      return "wait";
    }
    const known = message.epoch === this.epoch;
    if (known && message.seq <= this.seq) return "drop";
    if (!message.full && (!known || message.seq !== this.seq + 1)) {
      this.forget();
      return "ask";
    }
    this.epoch = message.epoch;
    this.seq = message.seq;
    return "apply";
  }
}
