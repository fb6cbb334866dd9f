// One connection to this server: rooms over Socket.IO, the same over HTTP where sockets are
// blocked, and a state that the header puts into words.

import { get } from "./api.js";
import { Room } from "./rooms.js";

const ACK_MS = 5000;
const SILENT_MS = 6000; // health comes once a second
const DEAD_MS = 15000;
const POLL_MS = 3000;
const OPENING_MS = 12000; // the handshake's own limit is 8 s, the room's answer comes after it
const HIDDEN_MS = 30000;
const WAITS = [1000, 2000, 4000, 8000, 10000];

/** Seconds before try number `attempt` (from 1), spread so that browsers do not return as one. */
export function waitBefore(attempt, random = Math.random) {
  const base = WAITS[Math.min(attempt - 1, WAITS.length - 1)];
  return base * (0.8 + 0.4 * random());
}

export class Connection {
  #io;
  #socket = null;
  #follows = new Map();
  #listeners = new Set();
  #attempt = 0;
  #opening = false;
  #openingSince = 0;
  #timer = 0;
  #pollTimer = 0;
  #hiddenTimer = 0;

  /** io is the Socket.IO client, or undefined where it could not be loaded. */
  constructor(io) {
    this.#io = io;
    this.phase = "connecting"; // then "live", "polling" or "lost"
    this.since = performance.now();
    this.retryAt = null;
    this.lastMessage = performance.now();
    this.signedOut = false;
  }

  get attempt() {
    return this.#attempt;
  }

  /** Call back on every change of phase. */
  onState(listener) {
    this.#listeners.add(listener);
  }

  /**
   * Follow one page's room. event is the Socket.IO event, url the same over HTTP; params are
   * what the room needs besides its page ({symbol, view}). take(message, isSnapshot) gets whole
   * states and changes in order; wait(answer) is told why there is no snapshot yet: {loading,
   * done, of} or {error}; mine(message) is false for a late message of a room that was left.
   */
  follow(page, { event, url, take, params = {}, wait = () => {}, mine = () => true, always = false }) {
    this.#follows.set(page, { page, event, url, take, params, wait, mine, always, room: new Room(), asking: false, asked: 0, left: false });
  }

  /** Follow another room of the same page instead. */
  change(page, { params, url }) {
    const follow = this.#follows.get(page);
    if (this.#socket?.connected && !follow.left) this.#socket.emit("unsubscribe", { page, ...follow.params });
    Object.assign(follow, { params, url, asking: false });
    follow.room.forget();
    this.#ask(follow);
    if (this.#pollTimer) this.#poll();
  }

  start() {
    document.addEventListener("visibilitychange", () => this.#visibility());
    window.addEventListener("online", () => this.retryNow());
    window.addEventListener("pagehide", () => this.#socket?.disconnect());
    setInterval(() => this.#watch(), 1000);
    this.#connect();
  }

  /** Try at once instead of waiting for the countdown. */
  retryNow() {
    if (this.phase === "live") return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #set(phase) {
    if (this.phase !== phase) {
      const before = this.phase;
      this.phase = phase;
      if (!(before === "polling" && phase === "lost")) this.since = performance.now();
    }
    for (const listener of this.#listeners) listener(this);
  }

  #connect() {
    this.retryAt = null;
    if (!this.#io) {
      this.#startPolling();
      return;
    }
    if (!this.#socket) {
      this.#socket = this.#io({
        transports: ["websocket", "polling"],
        tryAllTransports: true,
        reconnection: false,
        timeout: 8000,
        autoConnect: false,
      });
      this.#socket.on("connect", () => this.#connected());
      this.#socket.on("disconnect", () => this.#lost());
      this.#socket.on("connect_error", (problem) => this.#failed(problem));
      for (const follow of this.#follows.values()) {
        this.#socket.on(follow.event, (message) => this.#message(follow, message));
      }
    }
    if (this.#socket.connected || this.#opening) return;
    this.#opening = true;
    this.#openingSince = performance.now();
    this.#attempt += 1;
    this.#socket.connect();
    this.#set(this.phase);
  }

  #connected() {
    this.#opening = false;
    this.#stopPolling();
    this.#alive();
    for (const follow of this.#follows.values()) this.#ask(follow);
  }

  /** Not only after "connect": a server that stops may take a connection and leave it unanswered. */
  #lost() {
    this.#opening = false;
    for (const follow of this.#follows.values()) {
      follow.room.forget();
      follow.asking = false;
    }
    if (this.phase === "live") this.#set("lost");
    this.#later();
  }

  #failed(problem) {
    this.#opening = false;
    if (/sign|login|unauthor|forbidden/i.test(problem?.message ?? "")) this.signedOut = true;
    if (this.phase === "connecting" && this.#attempt > 1) this.#set("lost");
    if (this.#attempt >= 2) this.#startPolling();
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    const wait = waitBefore(Math.max(1, this.#attempt));
    this.retryAt = performance.now() + wait;
    this.#timer = setTimeout(() => this.#connect(), wait);
    this.#set(this.phase);
  }

  #alive() {
    this.lastMessage = performance.now();
  }

  #message(follow, message) {
    this.#alive();
    if (follow.left || !follow.mine(message)) return;
    const verdict = follow.room.receive(message);
    if (verdict === "apply") follow.take(message, message.full);
    else if (verdict === "ask") this.#ask(follow);
  }

  #ask(follow) {
    if (follow.asking || follow.left || !this.#socket?.connected) return;
    follow.asking = true;
    follow.asked += 1;
    const asked = follow.asked;
    this.#socket.timeout(ACK_MS).emit("subscribe", { page: follow.page, ...follow.params }, (late, answer) => {
      if (asked !== follow.asked) return; // another room was asked for meanwhile
      follow.asking = false;
      if (follow.left || !this.#socket.connected) return;
      if (late || !answer || answer.error || answer.loading) {
        if (answer && !late) follow.wait(answer);
        setTimeout(() => this.#ask(follow), answer?.loading ? 500 : 2000);
        return;
      }
      this.#alive();
      const early = follow.room.snapshot(answer);
      follow.take(answer, true);
      for (const message of early) follow.take(message, message.full);
      this.#attempt = 0;
      this.signedOut = false;
      if (this.phase !== "live") this.#set("live");
    });
  }

  /** A socket that says nothing is no connection, whatever the browser thinks of it. */
  #watch() {
    if (this.#opening && performance.now() - this.#openingSince > OPENING_MS) {
      this.#socket.disconnect(); // says nothing of itself where it never connected
      this.#failed();
    }
    if (document.hidden || !this.#socket?.connected) return;
    const silent = performance.now() - this.lastMessage;
    if (silent > SILENT_MS && this.phase === "live") this.#set("lost");
    else if (silent <= SILENT_MS && this.phase === "lost") this.#set("live");
    if (silent > DEAD_MS) this.#socket.disconnect();
  }

  #startPolling() {
    if (this.#pollTimer) return;
    this.#pollTimer = setInterval(() => this.#poll(), POLL_MS);
    this.#poll();
  }

  #stopPolling() {
    clearInterval(this.#pollTimer);
    this.#pollTimer = 0;
  }

  async #poll() {
    if (document.hidden) return;
    try {
      for (const follow of this.#follows.values()) {
        const { url } = follow;
        const answer = await get(url, { accept: [404, 422, 503] });
        if (!this.#pollTimer) return; // a socket came back meanwhile
        if (follow.url !== url) continue;
        if (answer.error) {
          follow.wait(answer);
          continue;
        }
        follow.take(follow.page === "health" ? { health: answer, full: true } : { ...answer, full: true }, true);
      }
      this.#alive();
      this.#set("polling");
    } catch (problem) {
      this.signedOut = problem.status === 401;
      if (this.phase !== "connecting" || this.#attempt > 1) this.#set("lost");
    }
  }

  /** A hidden tab leaves its painting rooms after a while and asks again when it is seen. */
  #visibility() {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      this.#hiddenTimer = setTimeout(() => this.#leave(), HIDDEN_MS);
      return;
    }
    this.lastMessage = performance.now();
    for (const follow of this.#follows.values()) {
      if (!follow.left) continue;
      follow.left = false;
      this.#ask(follow);
    }
    if (this.phase !== "live") this.retryNow();
  }

  #leave() {
    for (const follow of this.#follows.values()) {
      if (follow.always) continue;
      follow.left = true;
      follow.room.forget();
      if (this.#socket?.connected) this.#socket.emit("unsubscribe", { page: follow.page, ...follow.params });
    }
  }
}
