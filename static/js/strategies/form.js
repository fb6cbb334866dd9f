// A small question with fields: errors stand at the field, what was typed stays.

import { ApiError } from "../api.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";

/**
 * Ask for some values. fields: [{name, label, value?, type?, help?, placeholder?, ...attributes}].
 * submit(values) sends them and may throw an ApiError, whose field is marked.
 * Answers what submit answered, or false when it was closed.
 */
export async function askFields({ title, sentence = "", fields, action, submit }) {
  const lines = fields.map(({ name, label, help = "", value = "", as = null, ...rest }) => {
    const id = `ask-${name}`;
    const input = h("input", { class: "input", id, name, type: "text", value, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-error ${id}-help`, ...rest });
    const error = h("p", { class: "field-error", id: `${id}-error` });
    return { name, as, input, error, box: h("div", { class: "field" }, h("label", { class: "label", for: id }, label), input, error, h("p", { class: "help", id: `${id}-help` }, help)) };
  });
  const problem = h("p", { class: "field-error", role: "alert" });
  const go = h("button", { type: "submit", class: "button primary" }, action);
  const stay = h("button", { type: "button", class: "button" }, "Cancel");
  const form = h("form", { class: "ask-form", novalidate: true }, lines.map((each) => each.box), problem, h("div", { class: "actions" }, go, stay));
  const dialog = openDialog(title, [sentence ? h("p", {}, sentence) : null, form].filter(Boolean));
  stay.addEventListener("click", () => dialog.close(false));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    for (const { error, input } of lines) {
      error.textContent = "";
      input.removeAttribute("aria-invalid");
    }
    go.disabled = true;
    try {
      dialog.close(await submit(Object.fromEntries(lines.map(({ name, input, as }) => [name, as ? as(input.value) : input.value]))));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const line = lines.find((each) => each.name === error.field) ?? (lines.length === 1 && error.field ? lines[0] : null);
      if (line) {
        line.error.textContent = error.message;
        line.input.setAttribute("aria-invalid", "true");
        line.input.focus();
      } else problem.textContent = error.message;
      go.disabled = false;
    }
  });
  lines[0].input.focus();
  lines[0].input.select();
  return dialog.done;
}
