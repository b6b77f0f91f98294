// Photos: all pictures and videos that one sees, by month, whatever folder they are in.

import { fill, h } from "../core/dom.js";
import { onChange } from "../core/events.js";
import { icon } from "../core/icon.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { selecting } from "../files/selection.js";
import { openViewer } from "../viewer/open.js";
import { selectionBar } from "./actions.js";
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
  const grid = new Grid({ timeline, selection, signal, onScroll: () => {
    scrubber.follow();
    look();
  } });
  const scrubber = new Scrubber({ grid, months: () => timeline.months, signal });
  const app = { grid, timeline, selection, open, reload };
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

  async function reload() {
    if (await timeline.count()) changed();
    else {
      timeline.markStale();
      look();
    }
  }

  /** Show a photo; the viewer goes on through those that are not here yet. */
  async function open(index) {
    const month = monthAt(grid.plan.starts, index);
    await timeline.load(month);
    const files = [...timeline.months[month].items];
    let last = month;
    let first = month;
    while (first > 0 && timeline.months[first - 1].items.length >= timeline.months[first - 1].count) files.unshift(...timeline.months[(first -= 1)].items);
    await openViewer({
      files,
      at: index - grid.plan.starts[first],
      from: (file) => grid.element(grid.indexOf(file.file_id))?.querySelector("img.drawn") ?? null,
      async more() {
        last += 1;
        if (last >= timeline.months.length) return [];
        await timeline.load(last);
        return timeline.months[last].items;
      },
      onMove: (file) => {
        const to = grid.indexOf(file.file_id);
        if (to >= 0) grid.reveal(to);
      },
      onClose: (file) => grid.focus(Math.max(0, grid.indexOf(file.file_id))),
    });
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
