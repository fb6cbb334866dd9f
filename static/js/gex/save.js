// Pictures and files of what is shown.

import { csv, download } from "../csv.js";
import { announce } from "../dom.js";
import { toast } from "../toast.js";
import { look } from "./look.js";

const stamp = (iso) => (iso ? iso.slice(0, 19).replaceAll(":", "") : "now");

/** Save a table: full precision, unknown blank. */
export function saveCsv(name, asOf, heads, rows) {
  download(`${name}-${stamp(asOf)}.csv`, csv(heads, rows));
  announce("CSV saved");
  toast("CSV saved");
}

/** Save a canvas with a line above it that says what it is. */
export function savePng(name, asOf, title, canvas) {
  const colors = look();
  const ratio = devicePixelRatio || 1;
  const head = Math.round(30 * ratio);
  const picture = document.createElement("canvas");
  picture.width = canvas.width;
  picture.height = canvas.height + head;
  const context = picture.getContext("2d");
  context.fillStyle = colors.surface;
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = colors.text;
  context.font = `600 ${13 * ratio}px ${colors.font}`;
  context.textBaseline = "middle";
  context.fillText(title, 12 * ratio, head / 2, picture.width - 24 * ratio);
  context.drawImage(canvas, 0, head);
  picture.toBlob((blob) => {
    const url = URL.createObjectURL(blob);
    const link = document.createElement("a");
    link.href = url;
    link.download = `${name}-${stamp(asOf)}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }, "image/png");
  announce("PNG saved");
}

/** Put text on the clipboard; a browser that denies it gets a field to copy from. */
export async function copyText(text, says) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  announce(says);
  toast(says);
}
