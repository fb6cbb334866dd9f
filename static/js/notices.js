// Notices in the browser: the list behind the bell, toasts, desktop notifications, a sound.
// The room is never left, so a hidden tab hears them too; of several tabs one makes itself heard.

import { chime, unlock } from "./chime.js";
import { minute, zoneLabel } from "./format.js";
import { display } from "./display.js";
import { h, setText } from "./dom.js";
import { remember, remembered } from "./store.js";
import { toast } from "./toast.js";

const FRESH_MS = 120_000; // older ones are listed, not told
const CLAIMS = 100;
const HIDDEN_WAIT_MS = 400; // a tab that is looked at goes first
const MARKS = { info: "fresh", warn: "late", urgent: "down" };
const WORDS = { info: "notice", warn: "warning", urgent: "urgent" };

/** Ids that some tab of this browser has told already; true when this one may tell id now. */
async function claim(id) {
  const take = () => {
    const claimed = remembered("notices.told", []);
    if (claimed.includes(id)) return false;
    remember("notices.told", [...claimed, id].slice(-CLAIMS));
    return true;
  };
  return navigator.locks ? navigator.locks.request("grok-sauce.notices", take) : take();
}

/** Those of a message that are to be told: newest last. told holds ids this tab dealt with. */
export function worthTelling({ t, notice }, told) {
  return (notice?.recent ?? []).filter((each) => {
    if (told.has(each.id)) return false;
    told.add(each.id);
    return each.show && t - Date.parse(each.made) < FRESH_MS;
  }).reverse();
}

/** May this browser show desktop notifications? "granted", "denied", "default" or "none". */
export const permission = () => (window.isSecureContext && "Notification" in window ? Notification.permission : "none");

export class Notices {
  #button = document.getElementById("notices-button");
  #panel = null;
  #recent = [];
  #told = new Set();

  constructor(connection) {
    if (!this.#button) return;
    this.#button.addEventListener("click", () => (this.#panel ? this.close() : this.open()));
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, unlock, { passive: true });
    addEventListener("storage", () => this.#draw()); // read, or switched, in another tab
    connection.follow("notice", { event: "notice", url: "/api/notices", always: true, take: (message, isSnapshot) => this.take(message, isSnapshot) });
    this.#draw();
  }

  /** Take a message of the room; what a snapshot brings may have been told on the page before. */
  take(message, isSnapshot) {
    this.#recent = message.notice?.recent ?? [];
    for (const each of worthTelling(message, this.#told)) this.#tell(each, isSnapshot);
    this.#draw();
    if (this.#panel) this.#fill();
  }

  async #tell(notice, isSnapshot) {
    const isSeen = !document.hidden;
    if (isSeen && !isSnapshot) pop(notice);
    if (!isSeen) await new Promise((done) => { setTimeout(done, HIDDEN_WAIT_MS); });
    if (!await claim(notice.id)) return;
    if (isSeen && isSnapshot) pop(notice);
    if (notice.sound || notice.rule === "test") this.#sound(notice.severity);
    if (!isSeen || !document.hasFocus()) this.#show(notice);
  }

  #sound(severity) {
    if (remembered("notices.sound", true)) chime(severity);
  }

  #show(notice) {
    if (permission() !== "granted" || !remembered("notices.desktop", true)) return;
    const title = /^(DEMO|REPLAY)$/.test(notice.mode) ? `${notice.mode}: ${notice.title}` : notice.title;
    const shown = new Notification(title, { body: notice.text, tag: notice.id, icon: "/static/favicon.svg", silent: true });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
      if (notice.link?.startsWith("/")) location.assign(notice.link);
    });
  }

  #unread() {
    const read = remembered("notices.read", "");
    return this.#recent.filter((each) => each.made > read && each.rule !== "test").length;
  }

  #draw() {
    const count = this.#unread();
    const badge = this.#button.querySelector(".badge");
    badge.hidden = count === 0;
    setText(badge, count > 9 ? "9+" : String(count));
    const words = count ? `Notices, ${count} new` : "Notices";
    this.#button.setAttribute("aria-label", words);
    this.#button.title = words;
    this.#button.dataset.muted = String(!remembered("notices.sound", true));
  }

  /** Show the list; what is in it counts as read. */
  open() {
    this.#panel = h("section", { class: "notices", role: "dialog", "aria-label": "Notices", tabindex: "-1" });
    this.#fill();
    document.body.append(this.#panel);
    this.#button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", this.#outside, true);
    document.addEventListener("keydown", this.#escape, true);
    this.#panel.focus();
  }

  close() {
    const hadFocus = this.#panel?.contains(document.activeElement);
    this.#panel?.remove();
    this.#panel = null;
    this.#button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", this.#outside, true);
    document.removeEventListener("keydown", this.#escape, true);
    if (hadFocus) this.#button.focus();
  }

  #outside = (event) => {
    if (!this.#panel.contains(event.target) && !this.#button.contains(event.target)) this.close();
  };

  #escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  };

  #fill() {
    if (this.#recent.length) remember("notices.read", this.#recent[0].made);
    this.#draw();
    const zone = display.time_zone;
    this.#panel.replaceChildren(
      h("div", { class: "panel-head" }, h("h2", {}, "Notices"), h("span", { class: "covers" }, zoneLabel(zone)),
        h("span", { class: "actions" }, this.#switch("notices.sound", "Sound", () => chime("warn")), this.#desktop())),
      this.#recent.length
        ? h("ul", {}, this.#recent.map((each) => item(each, zone)))
        : h("p", { class: "none" }, "No notices yet. What is told is chosen in Setup."),
      h("div", { class: "panel-foot" }, h("a", { href: "/setup#notices" }, "Rules, targets, log")),
    );
  }

  #switch(name, label, after) {
    const box = h("input", {
      type: "checkbox", class: "switch", role: "switch", checked: remembered(name, true),
      onchange: () => { remember(name, box.checked); this.#draw(); if (box.checked) after(); },
    });
    return h("label", { class: "inline-switch" }, box, label);
  }

  #desktop() {
    const now = permission();
    if (now === "granted") return this.#switch("notices.desktop", "Desktop", () => {});
    if (now === "none") return h("span", { class: "help", title: "Browsers allow them on localhost and over https." }, "No desktop notices here");
    if (now === "denied") return h("span", { class: "help", title: "Allow notifications for this address in the browser's settings." }, "Desktop blocked");
    return h("button", {
      type: "button", class: "button",
      onclick: async () => { await Notification.requestPermission(); if (this.#panel) this.#fill(); },
    }, "Allow desktop");
  }
}

function pop(notice) {
  const action = notice.link?.startsWith("/") ? { label: "Open", run: () => location.assign(notice.link) } : null;
  toast(notice.title, { kind: notice.severity === "info" ? "info" : "warning", action });
}

function item(notice, zone) {
  const mark = h("span", { class: "mark", dataset: { mark: MARKS[notice.severity] ?? "off" }, role: "img", "aria-label": WORDS[notice.severity] ?? "" });
  const title = notice.link?.startsWith("/") ? h("a", { href: notice.link }, notice.title) : h("strong", {}, notice.title);
  return h("li", {}, mark, h("time", { datetime: notice.at }, minute(Date.parse(notice.at), zone)),
    h("div", {}, title, h("p", {}, notice.text)));
}
