// How far it is, outside the panel: in the title, in the tab's icon, and for screen readers.

import { $, h } from "../core/dom.js";
import { percent } from "../core/format.js";
import { t } from "../core/text.js";

const STEP = 0.25; // told to screen readers
const SIZE = 32;
const COLOUR = "#3f8fb8"; // as the tab's bar may be light or dark whatever the page is

/** @param {import("./board.js").Board} board */
export function startTelling(board) {
  const region = h("div", { class: "visually-hidden", role: "status", "aria-live": "polite", id: "upload-told" });
  $("#upload-slot").append(region);
  const link = document.querySelector('link[rel="icon"]');
  const ownIcon = link?.href;
  let told = null; // the quarter that was told last; null while nothing runs
  let problems = 0;

  board.subscribe(() => {
    const { totals } = board;
    const share = totals.bytes > 0 ? totals.through / totals.bytes : 0;
    showTitle(board.isBusy ? share : null);
    if (link) showIcon(link, board.isBusy ? share : null, ownIcon);
    const failed = totals.count.problem ?? 0;
    const say = (text) => (region.textContent = text);
    if (board.isBusy && told === null) {
      told = Math.floor(share / STEP); // what went before counts too
      say(t("upload.told_start", { count: totals.files - totals.filesDone }));
    } else if (board.isBusy && Math.floor(share / STEP) > told) {
      told = Math.floor(share / STEP);
      say(t("upload.told_share", { percent: percent(told * STEP) }));
    } else if (!board.isBusy && told !== null) {
      told = null;
      say(failed ? t("upload.told_end_problems", { count: failed }) : t("upload.told_end", { count: totals.filesDone }));
    } else if (failed > problems) {
      say(t("upload.told_problem", { count: failed }));
    }
    problems = failed;
  });
}

let shownTitle = "";

/** Put the share before the title, whatever view has set it meanwhile. */
function showTitle(share) {
  const own = shownTitle && document.title.startsWith(shownTitle) ? document.title.slice(shownTitle.length) : document.title;
  shownTitle = share === null ? "" : `${percent(share)} · `;
  if (document.title !== shownTitle + own) document.title = shownTitle + own;
}

let shownStep = null;

/** Draw a ring that fills. */
function showIcon(link, share, ownIcon) {
  const step = share === null ? null : Math.floor(share * 20);
  if (step === shownStep) return;
  shownStep = step;
  if (step === null) {
    link.href = ownIcon;
    return;
  }
  const canvas = h("canvas", { width: SIZE, height: SIZE });
  const pen = canvas.getContext("2d");
  pen.lineWidth = 6;
  pen.strokeStyle = COLOUR;
  for (const [alpha, end] of [[0.25, 1], [1, step / 20]]) {
    pen.globalAlpha = alpha;
    pen.beginPath();
    pen.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 4, -Math.PI / 2, Math.PI * (2 * end - 0.5));
    pen.stroke();
  }
  link.href = canvas.toDataURL();
}
