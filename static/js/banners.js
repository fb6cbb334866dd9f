// Lines under the header: connection, feed and settings. Each says what, since when, what next.

import { age, clock as clockText } from "./format.js";
import { h, mark, setText } from "./dom.js";
import { display } from "./display.js";
import { nextTry } from "./header.js";

const LOST_AFTER_MS = 2000;
const GREY_AFTER_MS = 5000;
const BACK_MS = 4000;
const POLLING_AFTER_MS = 5000; // a socket that comes back at once needs no warning
const root = document.documentElement;

/** One line; kind "error", "warning" or "info"; button is [label, href or function]. */
function line(name, kind, strong, text, button) {
  const box = h("div", { class: "line", dataset: { kind, banner: name }, role: kind === "error" ? "alert" : "status" });
  box.append(mark(kind === "error" ? "down" : kind === "warning" ? "late" : "fresh"),
    h("span", { class: "line-text" }, h("strong", {}, strong), " ", h("span", {}, text)));
  if (button) {
    const [label, to] = button;
    const action = typeof to === "string"
      ? h("a", { class: "button", href: to }, label)
      : h("button", { class: "button", type: "button", onclick: to }, label);
    box.append(h("span", { class: "actions" }, action));
  }
  return box;
}

/** What is wrong with the sources that prices come from, as {strong, text, button} or null. */
export function feedProblem(health, zone, wall) {
  const refused = health.sources.find((each) => each.state === "auth_failed");
  const needs = health.sources.filter((each) => each.required && each.mark === "down");
  const sick = refused ?? needs[0];
  if (health.mode.name !== "NO FEED" && !refused) {
    const [first, ...more] = health.problems;
    if (!first) return null;
    return { kind: "warning", strong: first.replace(/[.]?$/, "."), text: more.join(" "), button: ["Open status", "/status"] };
  }
  const why = sick?.last_error || sick?.detail || health.mode.detail || "The price source does not answer";
  const silent = health.sources.find((each) => each.required && each.age !== null && each.mark === "down");
  const from = silent ? `Prices are from ${clockText(health.clock.market_ms - silent.age * 1000 * health.clock.speed, zone)}. ` : "";
  const next = refused
    ? "No further try until you act."
    : sick?.next_try ? `Next try ${nextTry(sick.next_try, wall)}.` : "Trying again.";
  const name = sick && !why.startsWith(sick.label) ? `${sick.label}: ` : "";
  return {
    kind: health.mode.name === "NO FEED" ? "error" : "warning",
    strong: `${name}${why.replace(/[.]$/, "")}.`,
    text: from + next,
    button: refused ? ["Open credentials", "/setup#credentials"] : ["Open status", "/status"],
  };
}

export class Banners {
  #box = document.getElementById("banners");
  #connection = null;
  #feed = null;
  #feedKey = "";
  #wasLost = 0;

  constructor(connection, header) {
    this.connection = connection;
    this.header = header;
  }

  /** Called four times a second and on every change of the connection. */
  draw() {
    if (!this.#box) return;
    this.#drawConnection();
    this.#drawFeed();
  }

  #put(box) {
    this.#connection?.remove();
    this.#connection = box;
    if (box) this.#box.prepend(box);
  }

  #drawConnection() {
    const { phase, since, lastMessage, signedOut } = this.connection;
    const now = performance.now();
    const away = now - since;
    const lost = phase === "lost" || (phase === "connecting" && away > LOST_AFTER_MS);
    if (!lost || away < LOST_AFTER_MS) {
      if (phase === "live") this.#back();
      else if (phase === "polling") this.#polling(away);
      // This server is there and hears nothing itself: no number of it is live.
      root.dataset.connection = this.header.health?.feed_gone ? "lost" : phase === "lost" ? "away" : phase;
      return;
    }
    const grey = now - lastMessage > GREY_AFTER_MS || away > GREY_AFTER_MS;
    root.dataset.connection = grey ? "lost" : "away";
    if (!this.#wasLost) {
      this.#wasLost = Date.now() - away;
      this.header.setLost(true);
    }
    if (this.#connection?.dataset.banner !== "lost") {
      this.#put(line("lost", "error", "", "", signedOut
        ? ["Sign in", "/login"]
        : ["Retry now", () => this.connection.retryNow()]));
    }
    this.#words(now);
  }

  #words(now) {
    const { retryAt, attempt, lastMessage, signedOut } = this.connection;
    const wait = retryAt === null ? 0 : Math.ceil((retryAt - now) / 1000);
    const [strong, text] = this.#connection.querySelectorAll(".line-text > *");
    setText(strong, signedOut ? "Signed out." : `Connection lost, ${wait > 0 ? `retrying in ${wait} s` : "trying now"}.`);
    const from = this.header.health ? `Numbers are from ${clockText(this.header.clock.now(lastMessage), display.time_zone)}, ${age((now - lastMessage) / 1000)} ago.` : "Nothing was received yet.";
    setText(text, `${from}${attempt > 1 ? ` Attempt ${attempt}.` : ""}`);
  }

  /** Numbers come again, over the socket or over HTTP. */
  #found() {
    this.header.setLost(false);
    const missed = Math.round((Date.now() - this.#wasLost) / 1000);
    this.#wasLost = 0;
    const box = line("back", "info", "Connected again.", `Fresh snapshot at ${clockText(this.header.clock.now(), display.time_zone)}, ${missed} s missed.`);
    this.#put(box);
    setTimeout(() => { if (this.#connection === box) this.#put(null); }, BACK_MS);
  }

  #back() {
    if (this.#wasLost) this.#found();
    else if (["polling", "lost"].includes(this.#connection?.dataset.banner)) this.#put(null);
  }

  #polling(away) {
    if (this.#wasLost) this.#found();
    if (away < POLLING_AFTER_MS || this.#connection?.dataset.banner === "polling") return;
    this.#put(line("polling", "warning", "The live connection is blocked.",
      "Numbers are asked for every 3 s over HTTP instead.", ["Try again", () => this.connection.retryNow()]));
  }

  #drawFeed() {
    const { health } = this.header;
    if (!health) return;
    const problem = this.#wasLost ? null : feedProblem(health, display.time_zone, this.header.clock.wall());
    const key = problem ? `${problem.kind} ${problem.strong}` : "";
    if (key === this.#feedKey) {
      if (problem) setText(this.#feed.querySelector(".line-text > span"), problem.text);
      return;
    }
    this.#feedKey = key;
    this.#feed?.remove();
    this.#feed = problem ? line("feed", problem.kind, problem.strong, problem.text, problem.button) : null;
    if (this.#feed) this.#box.append(this.#feed);
  }
}
