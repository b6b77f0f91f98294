// Photos: all pictures and videos that one sees, by month, whatever folder they are in.

import { fill, h } from "../core/dom.js";
import { onChange } from "../core/events.js";
import { number as spelled } from "../core/format.js";
import { icon } from "../core/icon.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { toastError } from "../core/toast.js";
import { selecting } from "../files/selection.js";
import { openViewer } from "../viewer/open.js";
import { menuOf, selectionBar } from "./actions.js";
import { Grid } from "./grid.js";
import { bindPhotos } from "./input.js";
import { monthAt } from "./layout.js";
import { Scrubber } from "./scrubber.js";
import { Timeline } from "./timeline.js";

const SETTLE_MS = 1500;
const REST_MS = 90;

/** Show the view. */
export async function mount(container, { signal, setTitle }) {
  setTitle(t("nav.photos"));
  const selection = selecting();
  const timeline = new Timeline({ signal, onChange: () => changed() });
  let rest = 0;
  let settle = 0;
  let viewing = null;
  const grid = new Grid({ timeline, selection, signal, onScroll: () => {
    scrubber.follow();
    look();
  } });
  const scrubber = new Scrubber({ grid, months: () => timeline.months, signal });
  const app = { grid, timeline, selection, open, drop, reload };
  const bar = selectionBar(app, signal);
  const body = h("div", { class: "photos" },
    h("h1", { class: "photos-title" }, t("nav.photos")), bar, grid.scroller, scrubber.element);
  const empty = h("div", { class: "empty" }, icon("image", { size: 48 }), h("h2", {}, t("photos.empty")), h("p", {}, t("photos.empty_text")),
    h("a", { class: "button primary", href: href("files") }, t("photos.to_files")));

  // What one rushes past is not fetched.
  function look() {
    clearTimeout(rest);
    rest = setTimeout(() => timeline.want(() => grid.seen()), REST_MS);
  }

  function changed() {
    const isEmpty = !timeline.months.length;
    body.classList.toggle("empty-gallery", isEmpty);
    if (isEmpty) fill(grid.host, empty);
    else empty.remove();
    grid.arrange();
    scrubber.arrange();
    look();
  }

  function drop(ids) {
    timeline.drop(ids);
    changed();
  }

  async function reload() {
    if (await timeline.count()) {
      changed();
      await leaveGone();
    } else {
      timeline.markStale();
      look();
    }
  }

  /** Show a photo; the viewer goes on through those that are not here yet. */
  async function open(index) {
    const number = monthAt(grid.plan.starts, index);
    const { month } = timeline.months[number];
    try {
      await timeline.load(number);
      await show(month, index - grid.plan.starts[number]);
    } catch (error) {
      if (error.name !== "AbortError") toastError(error);
    }
  }

  /** The viewer leaves what others have taken away: the months that it has come to are asked for where they changed. */
  async function leaveGone() {
    if (!viewing) return;
    const { viewer, files, holds } = viewing;
    const there = new Set();
    for (const { month } of timeline.months.filter(holds)) {
      const place = () => timeline.months.findIndex((one) => one.month === month);
      if (!timeline.isWhole(place())) await timeline.load(place());
      if (place() < 0 || !timeline.isWhole(place())) return; // it changes still: the next news tells
      for (const file of timeline.months[place()].items) there.add(file.file_id);
    }
    viewer.drop(files.map((file) => file.file_id).filter((id) => !there.has(id)));
  }

  async function show(month, place) {
    const files = timeline.months.find((one) => one.month === month)?.items ?? [];
    let [first, last] = [month, month];
    if (!files.length) return;
    const seen = [...files];
    const take = (found) => {
      seen.push(...(found?.items ?? []));
      return found?.items ?? [];
    };
    const viewer = await openViewer({
      files,
      at: Math.min(place, files.length - 1),
      from: (file) => grid.element(grid.indexOf(file.file_id))?.querySelector("img.drawn") ?? null,
      async before() {
        const found = await beside((months) => months.findLast((one) => one.month > first));
        first = found?.month ?? first;
        return take(found);
      },
      async more() {
        const found = await beside((months) => months.find((one) => one.month < last));
        last = found?.month ?? last;
        return take(found);
      },
      position: (file) => ({ at: spelled(grid.indexOf(file.file_id) + 1), of: spelled(grid.plan.total) }),
      menu: (file) => menuOf(file, app, () => viewer.drop([file.file_id])),
      onMove: (file) => {
        const to = grid.indexOf(file.file_id);
        if (to >= 0) grid.reveal(to);
      },
      onClose: (file) => {
        viewing = null;
        grid.focus(Math.max(0, grid.indexOf(file?.file_id)));
      },
    });
    viewing = { viewer, files: seen, holds: (one) => last <= one.month && one.month <= first };
  }

  /** A whole month; undefined where there is none. @param {(months: Object[]) => Object} find */
  async function beside(find) {
    const wanted = find(timeline.months);
    const number = timeline.months.indexOf(wanted);
    if (wanted && !timeline.isWhole(number)) await timeline.load(number);
    return find(timeline.months);
  }

  bindPhotos(app, signal);
  onChange(() => {
    clearTimeout(settle);
    settle = setTimeout(() => reload().catch(() => {}), SETTLE_MS);
  }, { signal });
  signal.addEventListener("abort", () => {
    clearTimeout(rest);
    clearTimeout(settle);
  });
  await timeline.count();
  container.append(body);
  changed();
}
