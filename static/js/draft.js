// Settings as edited and as saved, with steps back.

import { changedSections, changes, merged } from "./settings_diff.js";

export class Draft {
  #steps = [];
  #listeners = new Set();

  constructor(settings, revision) {
    this.adopt(settings, revision);
  }

  /** Take what the server holds; nothing is unsaved after this. */
  adopt(settings, revision) {
    this.saved = structuredClone(settings);
    this.now = structuredClone(settings);
    this.revision = revision;
    this.#steps = [];
    this.tell();
  }

  /** Take a newer server state but keep what was edited here. */
  rebase(settings, revision) {
    this.now = merged(this.saved, this.now, settings);
    this.saved = structuredClone(settings);
    this.revision = revision;
    this.#steps = [];
    this.tell();
  }

  onChange(listener) {
    this.#listeners.add(listener);
  }

  tell() {
    for (const listener of this.#listeners) listener();
  }

  /** Change the settings through edit(now). */
  edit(edit) {
    const before = structuredClone(this.now);
    edit(this.now);
    if (JSON.stringify(before) === JSON.stringify(this.now)) return;
    this.#steps.push(before);
    this.tell();
  }

  /** One step back. */
  undo() {
    const before = this.#steps.pop();
    if (!before) return;
    this.now = before;
    this.tell();
  }

  get changes() {
    return changes(this.saved, this.now);
  }

  get sections() {
    return changedSections(this.saved, this.now);
  }

  /** Value at a dotted path. */
  get(path) {
    return path.split(".").reduce((value, key) => value?.[key], this.now);
  }

  /** Set the value at a dotted path. */
  set(path, value) {
    this.edit((now) => {
      const keys = path.split(".");
      const last = keys.pop();
      keys.reduce((part, key) => (part[key] ??= {}), now)[last] = value;
    });
  }
}
