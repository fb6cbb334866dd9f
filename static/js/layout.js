// Which columns stand where and how wide: pure arithmetic, the table only obeys.

export const NARROWEST = 36;
export const WIDEST = 600;

/**
 * A stored layout made fit for these columns: {order, hidden, widths}.
 * Columns unknown to the store are put where the defaults have them; the fixed first one stays.
 */
export function repaired(stored, columns) {
  const ids = columns.map((each) => each.id);
  const known = Array.isArray(stored?.order) ? [...new Set(stored.order.filter((id) => ids.includes(id)))] : [];
  const order = known.filter((id) => id !== ids[0]);
  order.unshift(ids[0]);
  ids.forEach((id, index) => {
    if (order.includes(id)) return;
    const before = ids.slice(0, index).reverse().find((each) => order.includes(each));
    order.splice(order.indexOf(before) + 1, 0, id);
  });
  const hidden = {};
  for (const [id, value] of Object.entries(stored?.hidden ?? {})) {
    if (ids.includes(id) && id !== ids[0]) hidden[id] = Boolean(value);
  }
  const widths = {};
  for (const [id, value] of Object.entries(stored?.widths ?? {})) {
    if (ids.includes(id) && Number.isFinite(value)) widths[id] = clamp(value);
  }
  return { order, hidden, widths };
}

/** A width the user may have. */
export function clamp(width) {
  return Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));
}

/** The order with one column moved by `by` places; the first column keeps its place. */
export function moved(order, id, by) {
  const from = order.indexOf(id);
  const to = Math.min(order.length - 1, Math.max(1, from + by));
  if (from < 1 || from === to) return order;
  const rest = order.filter((each) => each !== id);
  rest.splice(to, 0, id);
  return rest;
}

/** Is a column shown: as the user said, else as the column says of itself. */
export function isShown(column, hidden) {
  return column.id in hidden ? !hidden[column.id] : !column.optional;
}

/**
 * Ids shown in `available` pixels. Where they do not fit, columns with `leaves` go by that
 * rank (1 first), except those the user switched on. Once the user set a width nothing
 * leaves: the table scrolls instead.
 */
export function shownColumns(columns, { order, hidden, widths }, natural, available) {
  const byId = new Map(columns.map((each) => [each.id, each]));
  let shown = order.filter((id) => isShown(byId.get(id), hidden));
  if (Object.keys(widths).length) return shown;
  const total = () => shown.reduce((sum, id) => sum + natural[id], 0);
  const leaving = columns
    .filter((each) => each.leaves && hidden[each.id] !== false)
    .sort((one, other) => one.leaves - other.leaves);
  for (const column of leaving) {
    if (total() <= available) break;
    shown = shown.filter((id) => id !== column.id);
  }
  return shown;
}

/**
 * Pixels per shown column: those the user set keep theirs, the others share what is left
 * in proportion to their natural width and never get less than it.
 */
export function columnWidths(shown, widths, natural, available) {
  const free = shown.filter((id) => !(id in widths));
  const set = shown.filter((id) => id in widths).reduce((sum, id) => sum + widths[id], 0);
  const wanted = free.reduce((sum, id) => sum + natural[id], 0);
  const stretch = free.length && available - set > wanted ? (available - set) / wanted : 1;
  const result = {};
  let rest = Math.round(stretch > 1 ? available - set : wanted);
  free.forEach((id, index) => {
    result[id] = index === free.length - 1 ? rest : Math.floor(natural[id] * stretch);
    rest -= result[id];
  });
  for (const id of shown) if (id in widths) result[id] = widths[id];
  return result;
}

/**
 * Compare two values for a sort: numbers by size, text by locale, unknown last either way.
 * direction is 1 (ascending) or -1.
 */
export function compare(one, other, direction) {
  const first = one === null || one === undefined || Number.isNaN(one);
  const second = other === null || other === undefined || Number.isNaN(other);
  if (first || second) return Number(first) - Number(second);
  if (typeof one === "string") return direction * one.localeCompare(other, "en", { numeric: true });
  return direction * (Number(one) - Number(other));
}
