// Import of a tree or an old config.json, and earlier versions: the list of changes first.

import { post } from "../api.js";
import { ask, openDialog } from "../dialog.js";
import { display } from "../display.js";
import { h, part } from "../dom.js";
import { clock, date, zoneLabel } from "../format.js";
import { toast } from "../toast.js";
import { ago, some } from "./words.js";

export class Transfer {
  #file = part(document, "import-file");

  /** tree() is the newest; edit(op, params) changes it; took(tree) after an import. */
  constructor({ tree, edit, took, wall }) {
    Object.assign(this, { tree, edit, took, wall });
    this.#file.addEventListener("change", () => this.#read());
  }

  /** Offer a file and the versions that are kept. */
  async open() {
    const choose = h("button", { type: "button", class: "button primary" }, "Choose a file…");
    const close = h("button", { type: "button", class: "button" }, "Close");
    const versions = this.tree().versions ?? [];
    const list = versions.length
      ? h("table", { class: "versions" }, h("tbody", {}, versions.map((each) => h("tr", {},
        h("td", {}, `${date(each.at_ms, display.time_zone)} ${clock(each.at_ms, display.time_zone)} ${zoneLabel(display.time_zone)}`), h("td", { class: "muted" }, `${ago(each.at_ms, this.wall())} ago`),
        h("td", { class: "num" }, h("button", { type: "button", class: "button", onclick: () => dialog.close({ restore: each }) }, "Restore…"))))))
      : h("p", { class: "muted" }, "No earlier version is kept yet; each change keeps one, ten at most.");
    const dialog = openDialog("Import or go back", [
      h("p", {}, "A routing.json of this program or a config.json of the older server. What would change is shown before anything does."),
      h("div", { class: "import-file" }, choose), h("h3", {}, "Earlier versions"), list, h("div", { class: "actions" }, close),
    ], { wide: true });
    choose.addEventListener("click", () => { dialog.close(false); this.#file.click(); });
    close.addEventListener("click", () => dialog.close(false));
    choose.focus();
    const answer = await dialog.done;
    if (answer?.restore) await this.#restore(answer.restore);
  }

  async #restore({ n, at_ms: at }) {
    const when = `${date(at, display.time_zone)} ${clock(at, display.time_zone)}`;
    const live = this.tree().strategies.filter((each) => each.mode === "live").map((each) => each.name);
    const yes = await ask({
      title: `Restore the routing of ${when}?`, sentence: "Strategies, tickers, ports, options and modes become those of that moment.",
      rows: [["Now live", live.join(", ") || "none"], ["Could go live", "what was live then"], ["Undo", "the version of now is kept"]],
      risky: "Restore", safe: "Keep what is",
    });
    if (yes && await this.edit("restore", { n })) toast(`Routing of ${when} restored`);
  }

  async #read() {
    const [file] = this.#file.files;
    this.#file.value = "";
    if (!file) return;
    let document_;
    try {
      document_ = JSON.parse(await file.text());
    } catch {
      toast(`${file.name} is not JSON`, { kind: "warning" });
      return;
    }
    try {
      const { changes } = await post("/api/routing/import?dry_run=1", { document: document_ });
      if (!changes.length) {
        toast(`${file.name} changes nothing`);
        return;
      }
      const yes = await ask({
        title: `Import ${file.name}?`, sentence: `${some(changes.length, "change")}. The routing of now is kept as a version.`,
        rows: changes.map((text) => ["", text]), risky: "Import", safe: "Keep what is", wide: true,
      });
      if (!yes) return;
      const { tree } = await post("/api/routing/import", { document: document_ });
      this.took(tree);
      toast(`${file.name} imported, ${some(changes.length, "change")}`);
    } catch (problem) {
      await ask({ title: `${file.name} was not imported`, sentence: problem.message, rows: problem.field ? [["Where", problem.field]] : [], risky: "Close", safe: "Back", harmless: true });
    }
  }
}
