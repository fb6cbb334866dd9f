// The credentials wizard: two fields, a test whose lines fill in place, then "Use live data".

import { post } from "./api.js";
import { announce, h, part, setText } from "./dom.js";
import { clock as clockText, zoneLabel } from "./format.js";
import { display } from "./display.js";
import { toast } from "./toast.js";

const SECRET_LENGTH = 40;
const DEMO = "demo"; // what the embedded market takes for both

/** What is wrong with a refresh token as pasted, in words; "" when its shape is right. */
export function tokenProblem(text) {
  if (!text || text === DEMO) return "";
  if (/\s/.test(text)) return "The token contains a blank or a line break. Copy it again.";
  const parts = text.split(".");
  if (parts.length < 3) return `Token ends early: ${text.length} characters, a refresh token has three parts joined by dots. Copy it again.`;
  if (parts.length > 3 || parts.some((each) => !each)) return `A refresh token has three parts joined by dots, this has ${parts.filter(Boolean).length}. Copy it again.`;
  if (!/^[\w-]+$/.test(parts.join(""))) return "The token has a character that no token has. Copy it again.";
  return "";
}

/** The same for a client secret. */
export function secretProblem(text) {
  if (!text || text === DEMO) return "";
  if (/\s/.test(text)) return "The secret contains a blank or a line break. Copy it again.";
  if (text.length < SECRET_LENGTH / 2) return `Secret ends early: ${text.length} characters, it usually has ${SECRET_LENGTH}. Copy it again.`;
  return "";
}

export class Credentials {
  #form = document.querySelector('[data-part="credentials"]');
  #checks = document.querySelector('[data-part="checks"]');
  #busy = false;
  #tested = null;
  #saved = "";
  #first;
  #clock;

  /** first: the page of the first start; clock: the market's, which the header shows too. */
  constructor({ first, clock }) {
    this.#first = first;
    this.#clock = clock;
    this.test = part(this.#form, "test");
    this.use = part(this.#form, "use");
    this.why = part(this.#form, "why");
    this.secret = document.getElementById("client-secret");
    this.token = document.getElementById("refresh-token");
    for (const input of [this.secret, this.token]) {
      input.addEventListener("input", () => this.#edited(input));
      input.addEventListener("blur", () => this.#judge(input));
    }
    for (const button of this.#form.querySelectorAll("[data-show]")) {
      button.addEventListener("click", () => this.#reveal(button));
    }
    this.#form.addEventListener("submit", (event) => { event.preventDefault(); this.#run(); });
    this.use.addEventListener("click", () => this.#save());
    this.#draw();
  }

  get #values() {
    return { client_secret: this.secret.value.trim(), refresh_token: this.token.value.trim() };
  }

  #reveal(button) {
    const input = document.getElementById(button.dataset.show);
    const isHidden = input.type === "password";
    input.type = isHidden ? "text" : "password";
    button.textContent = isHidden ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(isHidden));
  }

  #edited(input) {
    this.#tested = null;
    this.#saved = "";
    this.#say(input, "");
    this.#draw();
  }

  #judge(input) {
    const text = input.value.trim();
    this.#say(input, input === this.token ? tokenProblem(text) : secretProblem(text));
  }

  #say(input, text) {
    setText(this.#form.querySelector(`[data-error="${input.name}"]`), text);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }

  #draw() {
    const { client_secret: secret, refresh_token: token } = this.#values;
    const missing = !secret && !token ? "Both fields are needed for a test" : !secret ? "The client secret is missing" : !token ? "The refresh token is missing" : "";
    this.test.disabled = Boolean(missing) || this.#busy;
    this.test.hidden = this.#tested === true || this.#saved !== "";
    this.use.hidden = this.#tested !== true;
    setText(this.why, this.#saved || (this.#busy ? "" : missing));
    this.why.classList.toggle("saved", this.#saved !== "");
    if (this.#saved) setText(part(this.#form, "skip"), "Open the table");
    this.#drawSteps(this.#saved ? 4 : this.#tested === true || this.#busy ? 3 : secret || token ? 2 : 1);
  }

  /** Steps before this one are done; 4 is behind the last. */
  #drawSteps(step) {
    for (const item of document.querySelectorAll("[data-step]")) {
      const number = Number(item.dataset.step);
      item.toggleAttribute("data-done", number < step || (number === 3 && this.#tested === true));
      if (number === step) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    for (const text of document.querySelectorAll('[data-part="step-text"]')) {
      setText(text, step > 3 ? "saved" : `${this.#first ? "first start, " : ""}step ${step} of 3`);
    }
  }

  async #run() {
    this.#judge(this.secret);
    this.#judge(this.token);
    const bad = this.#form.querySelector('[aria-invalid="true"]');
    if (bad) {
      bad.focus();
      return;
    }
    this.test.style.setProperty("width", `${this.test.offsetWidth}px`);
    this.test.textContent = "Testing…";
    this.#busy = true;
    this.#draw();
    for (const line of this.#checks.children) this.#line(line, { ok: null, text: "testing…" });
    try {
      const { checks, passed } = await post("/api/credentials/test", this.#values);
      this.#fill(checks);
      this.#tested = passed;
      announce(passed ? "All checks passed" : "The test failed");
    } catch (problem) {
      for (const line of this.#checks.children) this.#line(line, { ok: null, text: "not run" });
      const input = problem.field === "client_secret" ? this.secret : this.token;
      this.#say(input, problem.message);
    } finally {
      this.#busy = false;
      this.test.textContent = "Test connection";
      this.test.style.removeProperty("width");
      this.#draw();
      if (this.#tested) this.use.focus();
    }
  }

  #fill(checks) {
    for (const check of checks) {
      let line = [...this.#checks.children].find((each) => each.dataset.check === check.name);
      if (!line) {
        line = h("li", { dataset: { check: check.name } }, h("span", { class: "mark" }), h("span", {}, check.name), h("span", { class: "result" }));
        this.#checks.append(line);
      }
      this.#line(line, check);
    }
    const known = new Set(checks.map((each) => each.name));
    for (const line of this.#checks.children) if (!known.has(line.dataset.check)) this.#line(line, { ok: null, text: "not run" });
    setText(document.querySelector('[data-part="checks-title"]'), "Last test");
    const zone = display.time_zone;
    setText(document.querySelector('[data-part="checks-time"]'), `${clockText(this.#clock.now(), zone)} ${zoneLabel(zone)}`);
  }

  #line(line, { ok, text, cure }) {
    line.dataset.state = ok === true ? "ok" : ok === false ? "failed" : "open";
    line.querySelector(".mark").dataset.mark = ok === true ? "fresh" : ok === false ? "down" : "off";
    setText(line.querySelector(".result"), text ?? (ok === null ? "not run" : ""));
    line.querySelector(".cure")?.remove();
    if (ok === false && cure) line.append(h("span", { class: "cure" }, cure));
  }

  async #save() {
    this.use.disabled = true;
    try {
      const { restart } = await post("/api/credentials", this.#values);
      this.secret.value = "";
      this.token.value = "";
      for (const input of [this.secret, this.token]) input.placeholder = "set; paste a new one to replace it";
      this.#tested = null;
      this.#saved = restart || "Saved.";
      document.querySelector('.sections a[href="#credentials"] .mark')?.remove();
      this.#draw();
      toast("Credentials saved");
      part(this.#form, "skip").focus();
    } catch (problem) {
      setText(this.why, `Not saved: ${problem.message}`);
    } finally {
      this.use.disabled = false;
    }
  }
}
