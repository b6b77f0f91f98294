// Tables of text (RFC 4180, and what programs make of it).

const SEPARATORS = [",", ";", "\t", "|"];

/** The separator of a table: the one that the first lines have most. */
export function separatorOf(text) {
  const head = text.slice(0, 10_000);
  const counts = SEPARATORS.map((sign) => head.split(sign).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))];
}

/**
 * Read up to `most` rows.
 *
 * @returns {{rows: string[][], isWhole: boolean}}
 */
export function readTable(text, most, separator = separatorOf(text)) {
  const rows = [];
  let [row, cell, at] = [[], "", 0];
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || row[0]) rows.push(row);
    [row, cell] = [[], ""];
  };
  while (at < text.length && rows.length < most) {
    const sign = text[at];
    if (sign === '"' && !cell) {
      let end = at + 1;
      for (;;) {
        const quote = text.indexOf('"', end);
        cell += text.slice(end, quote < 0 ? undefined : quote);
        at = quote < 0 ? text.length : quote + 1;
        if (text[at] !== '"') break;
        cell += '"';
        end = at + 1;
      }
    } else if (sign === separator) {
      row.push(cell);
      cell = "";
      at += 1;
    } else if (sign === "\n") {
      endRow();
      at += 1;
    } else {
      let end = at;
      while (end < text.length && text[end] !== separator && text[end] !== "\n") end += 1;
      cell += text.slice(at, end);
      at = end;
    }
  }
  if (rows.length < most && (cell || row.length)) endRow();
  return { rows, isWhole: at >= text.length };
}
