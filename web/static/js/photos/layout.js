// Where things stand in the gallery: months below each other, in each a heading and rows of squares. Pure numbers.

const GAP = { wide: 4, narrow: 2 };
const TILE = { wide: 150, narrow: 118 };
const HEAD = 56;
const FOOT = 20;
const NARROW = 600;

/**
 * Lay months out.
 *
 * @param {{count: number}[]} months
 * @param {number} width in px
 * @returns {{columns: number, tile: number, gap: number, height: number, tops: number[], starts: number[], total: number}}
 *   `tops` are where months begin, `starts` the numbers of their first photos among all
 */
export function layOut(months, width) {
  const size = width < NARROW ? "narrow" : "wide";
  const gap = GAP[size];
  const columns = Math.max(3, Math.floor((width + gap) / (TILE[size] + gap)));
  const tile = Math.max(1, (width - gap * (columns - 1)) / columns);
  const [tops, starts] = [[], []];
  let [height, total] = [0, 0];
  for (const { count } of months) {
    tops.push(height);
    starts.push(total);
    height += HEAD + Math.ceil(count / columns) * (tile + gap) + FOOT;
    total += count;
  }
  return { columns, tile, gap, height, tops, starts, total };
}

/** The number of the month that holds a height, or a photo, by where months begin. */
export function monthAt(begins, value) {
  let [low, high] = [0, begins.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (begins[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The rows between two heights, as [month, row] pairs, and the months whose heading is among them. */
export function between(plan, months, from, to) {
  const rows = [];
  const heads = [];
  if (!months.length) return { rows, heads };
  for (let month = monthAt(plan.tops, from); month < months.length && plan.tops[month] < to; month += 1) {
    heads.push(month);
    const top = plan.tops[month] + HEAD;
    const count = Math.ceil(months[month].count / plan.columns);
    const first = Math.max(0, Math.floor((from - top) / (plan.tile + plan.gap)));
    const last = Math.min(count - 1, Math.floor((to - top) / (plan.tile + plan.gap)));
    for (let row = first; row <= last; row += 1) rows.push([month, row]);
  }
  return { rows, heads };
}

/** The top of a row within the gallery. */
export const rowTop = (plan, month, row) => plan.tops[month] + HEAD + row * (plan.tile + plan.gap);

/** The photo that an arrow leads to from another, across months and keeping its column. */
export function stepFrom(plan, months, index, key) {
  if (key === "ArrowRight") return Math.min(plan.total - 1, index + 1);
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "Home") return 0;
  if (key === "End") return plan.total - 1;
  const month = monthAt(plan.starts, index);
  const place = index - plan.starts[month];
  const column = place % plan.columns;
  if (key === "ArrowDown") {
    if (place - column + plan.columns < months[month].count) return Math.min(index + plan.columns, plan.starts[month] + months[month].count - 1);
    return month + 1 < months.length ? plan.starts[month + 1] + Math.min(column, months[month + 1].count - 1) : index;
  }
  if (place >= plan.columns) return index - plan.columns;
  if (!month) return index;
  const before = months[month - 1].count;
  return plan.starts[month - 1] + Math.min(before - 1, Math.floor((before - 1) / plan.columns) * plan.columns + column);
}
