// /setup: what is edited, what is saved, and the way between.

import { start } from "./app.js";
import { get, post, put } from "./api.js";
import { applyDisplay } from "./display.js";
import { ask } from "./dialog.js";
import { h, pageData, part, setText } from "./dom.js";
import { Draft } from "./draft.js";
import { changes } from "./settings_diff.js";
import { Credentials } from "./setup_credentials.js";
import { NoticeSettings } from "./setup_notices.js";
import { Sources } from "./setup_sources.js";
import { StrategySettings } from "./setup_strategy.js";
import { SymbolGroups } from "./setup_symbols.js";
import { toast } from "./toast.js";

const NUMBERS = ["gex.strikes_each_side", "gex.expiries", "orb.rr_ratio", "orb.buffer_ticks", "profile.value_area", "profile.weeks"];
const data = pageData("setup-data");
let sources = null;
const app = start({ health: (report) => sources?.report(report) });
new Credentials({ first: data.first_run, clock: app.clock });
if (!data.first_run) editSettings();

function editSettings() {
  const draft = new Draft(data.settings, data.revision);
  const symbols = new SymbolGroups(draft);
  sources = new Sources(draft, data.absent);
  if (app.header.health) sources.report(app.header.health);
  equipSegments(draft);
  equipFields(draft);
  equipGexSymbols(draft);
  equipLists(draft);
  new NoticeSettings(draft);
  new StrategySettings(draft);
  equipSave(draft);
  equipImport(draft);
  equipLeaving(draft);
  followSections();
  const query = new URLSearchParams(location.search);
  if (query.get("add")) symbols.offer(query.get("add"), query.get("group"));
}

function equipSegments(draft) {
  const groups = [...document.querySelectorAll(".segments[data-field]")];
  for (const group of groups) {
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) draft.set(group.dataset.field, button.dataset.value);
    });
  }
  const draw = () => {
    for (const group of groups) {
      for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.value === draft.get(group.dataset.field)));
    }
  };
  let shown = JSON.stringify(draft.now.display);
  draft.onChange(() => {
    draw();
    const now = JSON.stringify(draft.now.display);
    if (now !== shown) applyDisplay(draft.now.display);
    shown = now;
  });
  draw();
}

function equipFields(draft) {
  const fields = [
    ...document.querySelectorAll('input.switch[data-field^="display."]'),
    ...NUMBERS.map((path) => document.querySelector(`[data-field="${path}"] input`)),
  ];
  const pathOf = (field) => field.dataset.field ?? field.closest("[data-field]").dataset.field;
  for (const field of fields) {
    field.addEventListener("change", () => {
      const path = pathOf(field);
      if (field.type === "checkbox") draft.set(path, field.checked);
      else takeNumber(draft, field, path);
    });
  }
  const draw = () => {
    for (const field of fields) {
      const value = draft.get(pathOf(field));
      if (field.type === "checkbox") field.checked = Boolean(value);
      else if (field.getAttribute("aria-invalid") !== "true") field.value = String(value);
    }
  };
  draft.onChange(draw);
  draw();
}

/** A number inside the field's bounds; else the field says what it wants and keeps what was typed. */
function takeNumber(draft, field, path) {
  const value = Number(field.value);
  const isWhole = field.step === "1";
  const isGood = field.value !== "" && (isWhole ? Number.isInteger(value) : Number.isFinite(value)) && value >= Number(field.min) && value <= Number(field.max);
  fieldError(path, isGood ? "" : `A ${isWhole ? "whole " : ""}number from ${field.min} to ${field.max}.`);
  if (isGood) draft.set(path, value);
}

/** Put an error at the field of a dotted path, or at the nearest one above; false when there is none. */
function fieldError(path, text) {
  for (let name = path; name; name = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "") {
    const error = document.querySelector(`[data-error="${CSS.escape(name)}"]`);
    if (!error) continue;
    setText(error, text);
    const field = document.querySelector(`[data-field="${CSS.escape(name)}"]`);
    const input = field?.matches("input") ? field : field?.querySelector("input.input");
    if (input && text) input.setAttribute("aria-invalid", "true");
    else input?.removeAttribute("aria-invalid");
    if (text) field?.scrollIntoView({ block: "center" });
    return true;
  }
  return false;
}

function equipGexSymbols(draft) {
  const list = document.querySelector('[data-part="gex-symbols"]');
  const input = document.getElementById("gex-add");
  const draw = () => list.replaceChildren(...draft.now.gex.symbols.map((symbol) => h("li", { class: "symbol-chip" }, symbol,
    h("button", {
      type: "button", class: "remove", "aria-label": `Remove ${symbol} from GEX`,
      onclick: () => draft.set("gex.symbols", draft.now.gex.symbols.filter((each) => each !== symbol)),
    }))));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const symbol = input.value.trim().toUpperCase();
    if (!symbol) return;
    if (!/^[A-Z0-9./]{1,12}$/.test(symbol)) {
      fieldError("gex.symbols", "Letters, digits, a dot or a slash.");
      return;
    }
    fieldError("gex.symbols", "");
    input.value = "";
    if (!draft.now.gex.symbols.includes(symbol)) draft.set("gex.symbols", [...draft.now.gex.symbols, symbol]);
  });
  draft.onChange(draw);
  draw();
}

/** Lists written as text: minutes of opening ranges, own opens. */
function equipLists(draft) {
  const lists = [
    ["orb.minutes", "orb-minutes", /^\d{1,3}$/, (each) => Number(each), "1 to 6 whole numbers from 1 to 120, such as 5, 15, 30.", (all) => all.length > 0 && all.length <= 6 && all.every((each) => each >= 1 && each <= 120)],
    ["orb.opens", "orb-opens", /^\/?[A-Z0-9]{1,8}=([01]\d|2[0-3]):[0-5]\d$/i, (each) => each.toUpperCase(), "Symbol and time, such as CL=09:00.", () => true],
  ];
  for (const [path, id, shape, read, wants, fits] of lists) {
    const field = document.getElementById(id);
    const draw = () => { if (field.getAttribute("aria-invalid") !== "true") field.value = (draft.get(path) ?? []).join(", "); };
    field.addEventListener("change", () => {
      const parts = field.value.split(/[\s,;]+/).filter(Boolean);
      const all = parts.map(read);
      const isGood = parts.every((each) => shape.test(each)) && fits(all) && new Set(all).size === all.length;
      fieldError(path, isGood ? "" : wants);
      if (isGood) draft.set(path, path === "orb.minutes" ? all.sort((one, other) => one - other) : all);
      draw();
    });
    draft.onChange(draw);
    draw();
  }
}

function equipSave(draft) {
  const bar = document.querySelector('[data-part="savebar"]');
  const save = part(bar, "save");
  const draw = () => {
    const list = draft.changes;
    bar.hidden = list.length === 0;
    setText(part(bar, "change-count"), `${list.length} unsaved change${list.length === 1 ? "" : "s"}`);
    setText(part(bar, "change-list"), list.map(({ label, text }) => `${label} ${text}`).join(" · "));
    setText(part(bar, "save-error"), "");
  };
  part(bar, "undo").addEventListener("click", () => draft.undo());
  save.addEventListener("click", async () => {
    save.disabled = true;
    try {
      while (!await saved(draft, bar)); // again after a conflict, on top of the newer settings
    } finally {
      save.disabled = false;
    }
  });
  draft.onChange(draw);
  draw();
}

/** Save once; false when a conflict was settled in favour of what is edited here. */
async function saved(draft, bar) {
  try {
    const answer = await put("/api/settings", { revision: draft.revision, settings: draft.sections });
    draft.adopt(answer.settings, answer.revision);
    toast("Settings saved");
  } catch (problem) {
    if (problem.status === 409) return !await conflict(draft, problem);
    if (!problem.field || !fieldError(problem.field, problem.message)) setText(part(bar, "save-error"), notSaved(problem.message));
  }
  return true;
}

const notSaved = (text) => `Not saved: ${text.replace(/^not saved: /i, "").replace(/[.]?$/, ".")}`;

/** The file changed meanwhile: show both sides before anything is written over; true to save. */
async function conflict(draft, problem) {
  const theirs = await get("/api/settings").catch(() => null);
  if (!theirs) {
    toast(notSaved(problem.message), { kind: "warning" });
    return false;
  }
  const rows = [
    ...changes(draft.saved, theirs.settings).map(({ label, text }) => [`Saved meanwhile: ${label}`, text]),
    ...draft.changes.map(({ label, text }) => [`Yours: ${label}`, text]),
  ];
  const keep = await ask({
    title: "Keep your changes on top?", sentence: `${notSaved(problem.message)} What you did not touch takes the saved values.`,
    rows, risky: "Keep mine and save", safe: "Show the saved ones", wide: true,
  });
  if (!keep) {
    draft.adopt(theirs.settings, theirs.revision);
    return false;
  }
  draft.rebase(theirs.settings, theirs.revision);
  return draft.changes.length > 0;
}

function equipImport(draft) {
  const file = document.querySelector('[data-part="import-file"]');
  const error = document.querySelector('[data-part="import-error"]');
  document.querySelector('[data-part="import"]').addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (!chosen) return;
    setText(error, "");
    try {
      await importDocument(draft, JSON.parse(await chosen.text()), chosen.name);
    } catch (problem) {
      setText(error, problem instanceof SyntaxError ? `${chosen.name} is not JSON.` : problem.message);
    }
  });
}

async function importDocument(draft, document_, name) {
  const dry = await post("/api/settings/import?dry_run=1", { document: document_ });
  if (!dry.changes.length) {
    toast(`${name} changes nothing`);
    return;
  }
  const lost = draft.changes.length;
  const isSure = await ask({
    title: `Import ${dry.changes.length} change${dry.changes.length === 1 ? "" : "s"}?`, sentence: `From ${name}. The version before stays among the last ones.${lost ? ` What is not saved here is lost: ${lost} change${lost === 1 ? "" : "s"}.` : ""}`,
    rows: dry.changes.map((text) => ["", text]), risky: "Import and save", safe: "Keep as it is", wide: true,
  });
  if (!isSure) return;
  await post("/api/settings/import", { document: document_ });
  const fresh = await get("/api/settings");
  draft.adopt(fresh.settings, fresh.revision);
  toast("Settings imported");
}

/** Links and reloads ask only while something would be lost. */
function equipLeaving(draft) {
  addEventListener("beforeunload", (event) => { if (draft.changes.length) event.preventDefault(); });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !draft.changes.length || link.hash || link.hasAttribute("download") || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    const list = draft.changes;
    const isLeaving = await ask({
      title: `Leave with ${list.length} unsaved change${list.length === 1 ? "" : "s"}?`, sentence: "They are not kept.",
      rows: list.map(({ label, text }) => [label, text]), risky: "Leave", safe: "Stay", harmless: true,
    });
    if (!isLeaving) return;
    draft.adopt(draft.saved, draft.revision);
    location.assign(link.href);
  });
}

/** The section in view is marked in the list on the left. */
function followSections() {
  const links = new Map([...document.querySelectorAll('.sections a[href^="#"]')].map((link) => [link.hash.slice(1), link]));
  const show = (id) => {
    for (const [name, link] of links) {
      if (name === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  for (const [id, link] of links) link.addEventListener("click", () => show(id));
  addEventListener("hashchange", () => show(location.hash.slice(1)));
  show(links.has(location.hash.slice(1)) ? location.hash.slice(1) : "symbols");
}
