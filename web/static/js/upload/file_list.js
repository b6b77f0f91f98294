// The files of one tab of the panel, grouped by what was dropped together; only those in sight are in the page.

import { h, phone } from "../core/dom.js";
import { t } from "../core/text.js";
import { windowed } from "../core/windowed.js";
import { fileRow, groupRow } from "./rows.js";

const ROW = 48;
const ROW_PHONE = 56;

export class FileList {
  element;
  #scroller;
  #list = null;
  #act;
  #isHeld = false;
  #entries = []; // {key, group, count} or {key, row}
  #made = new Map(); // number of a file to its row, {id, element, update}, while that is in the page
  #byElement = new WeakMap();
  #spare = []; // rows that have left it, to show other files: to make them anew takes most of the time

  /** @param {(order: string, row: object) => void} act */
  constructor(act) {
    this.#act = act;
    this.element = h("div", { class: "upload-rows", role: "list" });
  }

  /**
   * @param {Map<number, object>} rows
   * @param {Set<string>} states  Those that are shown.
   * @param {boolean} isHeld  The whole queue is: no row goes on by itself.
   */
  show(rows, states, isHeld) {
    this.#isHeld = isHeld;
    const before = this.#entries;
    this.#entries = entriesOf(rows, states);
    this.#list ??= this.#window();
    const isSame = before.length === this.#entries.length && before.every(({ key }, index) => key === this.#entries[index].key);
    if (isSame) {
      for (const [id, { update }] of this.#made) update(rows.get(id), isHeld);
      return;
    }
    const focus = this.#focus();
    this.#list.refresh(this.#entries.length);
    if (focus) this.#focusAgain(focus);
  }

  /** Which button of which row has the focus: rows come and go while files do. */
  #focus() {
    const made = [...this.#made.values()].find(({ element }) => element.contains(document.activeElement));
    return made ? { id: made.id, at: [...made.element.querySelectorAll("button")].indexOf(document.activeElement) } : null;
  }

  #focusAgain({ id, at }) {
    (this.#made.get(id)?.element.querySelectorAll("button")[at] ?? this.#scroller).focus({ preventScroll: true });
  }

  #window() {
    this.#scroller = this.element.parentElement;
    const height = () => (phone.matches ? ROW_PHONE : ROW);
    const list = windowed({
      scroller: this.#scroller,
      host: this.element,
      rowHeight: height(),
      plain: 0, // the list changes four times a second
      render: (index) => this.#make(this.#entries[index]),
      recycled: (element) => {
        const made = this.#byElement.get(element);
        if (!made) return; // the head of a group
        this.#made.delete(made.id);
        this.#spare.push(made);
      },
    });
    phone.addEventListener("change", () => list.measure({ rowHeight: height() }));
    return list;
  }

  #make({ group, count, row }) {
    if (group !== undefined) return groupRow(group, count);
    const made = this.#made.get(row.id) ?? this.#spare.pop() ?? fileRow(this.#act);
    made.id = row.id;
    made.update(row, this.#isHeld);
    this.#made.set(row.id, made);
    this.#byElement.set(made.element, made);
    return made.element;
  }
}

function entriesOf(rows, states) {
  const groups = new Map();
  for (const row of rows.values()) {
    if (!states.has(row.state)) continue;
    const cut = row.path.indexOf("/");
    const top = cut < 0 ? "" : row.path.slice(0, cut);
    const key = `${row.batch}/${top}`;
    if (!groups.has(key)) groups.set(key, { key, group: labelOf(row.folder, top), rows: [] });
    groups.get(key).rows.push({ key: row.id, row });
  }
  return [...groups.values()].flatMap(({ key, group, rows: members }) => [{ key, group, count: members.length }, ...members]);
}

/** What was dropped, or the folder into which single files go. */
function labelOf(folder, top) {
  if (top) return top;
  return folder === "/" ? t("upload.home") : folder.slice(folder.lastIndexOf("/") + 1);
}
