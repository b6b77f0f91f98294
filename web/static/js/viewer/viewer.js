// The viewer: a dialog over the whole screen. Pictures are PhotoSwipe's, everything else is shown on a stage above it;
// both follow one list, so that one goes from a photo to a film to a text without leaving.

import PhotoSwipe from "../../vendor/photoswipe/photoswipe.esm.min.js";
import { h } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { showHelp, shortcut } from "../core/keys.js";
import { openMenu } from "../core/menu.js";
import { shown } from "../core/format.js";
import { t } from "../core/text.js";
import { keepToasts, liftToasts, toastError } from "../core/toast.js";
import { Details } from "./details.js";
import { pushEntry } from "./entry.js";
import { kindOf } from "./kinds.js";
import { Pictures } from "./pictures.js";
import { ownSource } from "./source.js";
import { Stage } from "./stage.js";

const MORE_WITHIN = 5;
const KEPT_SLIDES = 20; // more than PhotoSwipe keeps on either side
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Viewer {
  #options;
  #files;
  #source;
  #dialog;
  #swipe;
  #stage;
  #details;
  #pictures;
  #off = new AbortController();
  #dropEntry = () => {};
  #at = 0;
  #isClosing = false;
  #current = null;
  #ends;
  #loading = new Map();
  #wanted = null;

  constructor(options) {
    this.#options = options;
    this.#files = [...options.files];
    this.#source = options.source ?? ownSource;
    this.#ends = { before: !options.before, more: !options.more };
    this.#pictures = new Pictures(this.#source, options.from);
    this.#build();
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    liftToasts();
    this.#dialog.focus();
    this.#bindKeys();
  }

  /** Show a file. A picture whose shape is not known yet is waited for a moment, so that it does not jump. */
  async open(at = 0) {
    this.#at = at;
    [this.#dropEntry] = await Promise.all([pushEntry(() => this.#wentBack()), this.#pictures.measured(this.#files[at])]);
    if (this.#isClosing) this.#dropEntry();
    else this.#startSwipe(at);
    return this;
  }

  /** The file that is shown. */
  get file() {
    return this.#files[this.#swipe?.currIndex ?? this.#at];
  }

  #build() {
    this.title = h("h2", { class: "viewer-title", id: "viewer-title" });
    this.position = h("span", { class: "viewer-position" });
    this.tools = h("div", { class: ["viewer-tools", "viewer-own"] });
    this.back = this.#arrow("back", "chevron-left", t("viewer.previous"), () => this.#step(-1));
    this.next = this.#arrow("next", "chevron-right", t("viewer.next"), () => this.#step(1));
    this.steps = [
      this.#tool("chevron-left", t("viewer.previous"), () => this.#step(-1)),
      this.#tool("chevron-right", t("viewer.next"), () => this.#step(1)),
    ];
    this.download = h("a", { class: "icon-button", download: true, "aria-label": t("viewer.download"), title: t("viewer.download") }, icon("download"));
    this.info = this.#tool("info", t("viewer.details"), () => this.#toggleDetails());
    this.menu = this.#options.menu
      ? this.#tool("ellipsis", t("viewer.more"), (event) => openMenu(event.currentTarget, this.#options.menu(this.file), { label: t("viewer.more") }))
      : null;
    this.#details = new Details(this.#source, () => this.#toggleDetails());
    this.#stage = new Stage({
      source: this.#source,
      tools: this.tools,
      siblings: () => this.#files,
      onEnd: () => this.#playNext(),
      onStep: (by) => this.#step(by),
      onSaved: (file) => this.#replace(file),
      onShow: (file) => this.#goTo(this.#files.findIndex((one) => one.file_id === file.file_id)),
    });
    this.body = h("div", { class: "viewer-body" }, this.#stage.element, this.back, this.next);
    this.#dialog = h("dialog", { class: "viewer", "aria-labelledby": "viewer-title", tabindex: -1 },
      h("header", { class: "viewer-bar" },
        this.#tool("arrow-left", t("viewer.close"), () => this.close()),
        h("div", { class: "viewer-heading" }, this.title, this.position),
        h("div", { class: ["viewer-tools", "viewer-steps"] }, this.steps),
        this.tools,
        h("div", { class: "viewer-tools" }, this.download, this.info, this.menu)),
      this.body,
      this.#details.element,
      h("p", { class: "visually-hidden", role: "status", "aria-live": "polite" }));
    const dismiss = (event) => {
      event.preventDefault();
      if (this.#details.isOpen) this.#toggleDetails();
      else this.close();
    };
    // A browser heeds only so many refusals of its own way to close a dialog: keys do not get that far.
    this.#dialog.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && dismiss(event));
    this.#dialog.addEventListener("cancel", dismiss);
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  #tool(name, label, run) {
    return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick: run }, icon(name));
  }

  #arrow(side, name, label, run) {
    return h("button", { type: "button", class: ["viewer-arrow", side], "aria-label": label, onclick: run }, icon(name, { size: 28 }));
  }

  #startSwipe(at) {
    const options = {
      dataSource: { gallery: null, items: [] },
      index: at,
      appendToEl: this.body,
      mainClass: "viewer-swipe",
      bgOpacity: 1,
      loop: false,
      showHideAnimationType: calm.matches ? "none" : this.#options.from?.(this.#files[at]) ? "zoom" : "fade",
      zoomAnimationDuration: calm.matches ? 0 : 240,
      arrowKeys: false,
      escKey: false,
      trapFocus: false,
      returnFocus: false,
      arrowPrev: false,
      arrowNext: false,
      close: false,
      zoom: false,
      counter: false,
      preloader: false,
      bgClickAction: "close",
      tapAction: () => this.#dialog.classList.toggle("bare"),
      imageClickAction: "zoom",
      doubleTapAction: "zoom",
      closeOnVerticalDrag: true,
      initialZoomLevel: "fit",
      secondaryZoomLevel: (level) => Math.max(level.fit * 2.5, Math.min(1, level.fill)),
      maxZoomLevel: (level) => Math.max(level.fit * 5, 2),
      getViewportSizeFn: () => ({ x: this.body.clientWidth, y: this.body.clientHeight }),
      paddingFn: (size) => ({ top: 64, bottom: size.x < 600 ? 12 : 24, left: size.x < 600 ? 0 : 24, right: size.x < 600 ? 0 : 24 }),
    };
    const swipe = new PhotoSwipe(options);
    this.#swipe = swipe;
    swipe.addFilter("numItems", () => this.#files.length);
    swipe.addFilter("itemData", (_item, index) => this.#pictures.item(this.#files[index]));
    this.#pictures.attach(swipe);
    swipe.on("keydown", (event) => event.preventDefault()); // keys are the shortcuts' here
    swipe.on("change", () => this.#moved());
    swipe.on("openingAnimationEnd", () => setTimeout(() => this.#opened()));
    swipe.on("close", () => this.#leave());
    swipe.on("destroy", () => this.#gone());
    swipe.init();
    swipe.element.removeAttribute("role"); // the dialog is the one around it
    this.#moved();
  }

  #bindKeys() {
    const options = { signal: this.#off.signal, within: this.#dialog };
    const still = (run) => (event) => (this.#stage.takes(event) ? false : run());
    shortcut("ArrowLeft", t("viewer.previous"), still(() => this.#step(-1)), options);
    shortcut("ArrowRight", t("viewer.next"), still(() => this.#step(1)), options);
    shortcut("?", "", showHelp, options);
    shortcut("Home", "", still(() => this.#goTo(0)), options);
    shortcut("End", "", still(() => this.#goTo(this.#files.length - 1)), options);
    shortcut(" ", t("viewer.play_pause"), (event) => !(event.target.closest("button, a, input, textarea, summary")) && this.#stage.media?.toggle(), options);
    shortcut("j", t("viewer.back_10"), () => this.#stage.media?.skip(-10), options);
    shortcut("l", t("viewer.forward_10"), () => this.#stage.media?.skip(10), options);
    shortcut("f", t("viewer.full_screen"), () => this.#fullScreen(), options);
    shortcut("i", t("viewer.details"), () => this.#toggleDetails(), options);
    shortcut("d", t("viewer.download"), () => this.download.click(), options);
  }

  #moved() {
    const file = this.file;
    this.#markEnds();
    if (file === this.#current) return; // what is beside it has changed
    this.#current = file;
    this.title.textContent = shown(file.name);
    this.download.href = this.#source.download(file);
    this.#dialog.dataset.kind = kindOf(file);
    this.#dialog.classList.remove("bare");
    this.#dialog.querySelector(":scope > [role=status]").textContent = shown(file.name);
    this.#details.show(file);
    this.#stage.show(file);
    this.#options.onMove?.(file);
    if (this.#swipe.currIndex >= this.#files.length - MORE_WITHIN) this.#load("more");
    if (this.#swipe.currIndex < MORE_WITHIN) this.#load("before");
  }

  #toggleDetails() {
    this.#details.toggle();
    this.info.setAttribute("aria-pressed", String(this.#details.isOpen));
    this.#dialog.classList.toggle("with-details", this.#details.isOpen);
    this.#swipe?.updateSize(true);
  }

  #markEnds() {
    const index = this.#swipe.currIndex;
    const [atStart, atEnd] = [index === 0, index === this.#files.length - 1];
    const place = this.#options.position?.(this.file) ?? { at: index + 1, of: `${this.#files.length}${this.#ends.more ? "" : "+"}` };
    this.position.textContent = place.of === "1" ? "" : t("viewer.position", place);
    this.back.hidden = atStart;
    this.next.hidden = atEnd;
    this.steps[0].disabled = atStart;
    this.steps[1].disabled = atEnd;
  }

  #load(side) {
    if (this.#ends[side] || this.#loading.has(side)) return;
    this.#loading.set(side, this.#fetch(side).finally(() => this.#loading.delete(side)));
  }

  async #fetch(side) {
    try {
      const known = new Set(this.#files.map((file) => file.file_id));
      const files = (await this.#options[side]()).filter((file) => !known.has(file.file_id));
      this.#ends[side] = !files.length;
      if (!this.#isClosing) this.#change(side === "more" ? [...this.#files, ...files] : [...files, ...this.#files]);
    } catch (error) {
      if (error.name !== "AbortError" && !this.#isClosing) toastError(error); // asked for again at the next step
    }
  }

  /** Show files no more that are gone: what comes next takes the place of the one that is shown. */
  drop(ids) {
    if (this.#isClosing || !this.#swipe) return;
    const gone = new Set(ids);
    if (this.#stage.holds) gone.delete(this.file.file_id); // with a text that is nowhere else
    const left = this.#files.filter((file) => !gone.has(file.file_id));
    if (left.length === this.#files.length) return;
    if (left.length) this.#change(left);
    else this.close();
  }

  /** Show others, with the same one in sight as long as it is among them. */
  #change(files) {
    const swipe = this.#swipe;
    const before = swipe.currIndex;
    const stays = files.indexOf(this.#files[before]);
    const left = new Set(files);
    const at = stays >= 0 ? stays : Math.min(this.#files.slice(0, before).filter((file) => left.has(file)).length, files.length - 1);
    // PhotoSwipe knows what it shows by number. It has no call for other numbers.
    for (let index = before - KEPT_SLIDES; index <= before + KEPT_SLIDES; index += 1) swipe.contentLoader.removeByIndex(index);
    swipe.currIndex += at - before;
    swipe.potentialIndex += at - before;
    if (this.#wanted !== null) this.#wanted += at - before;
    for (const { slide } of swipe.mainScroll.itemHolders) {
      if (!slide) continue;
      slide.index += at - before;
      slide.content.index += at - before;
    }
    this.#files = files;
    for (const index of [at - 1, at + 1]) swipe.refreshSlideContent(index);
    if (stays < 0) swipe.refreshSlideContent(at);
  }

  async #step(by) {
    const there = () => (this.#wanted ?? this.#swipe?.potentialIndex ?? 0) + by;
    if (!this.#files[there()]) await this.#loading.get(by < 0 ? "before" : "more"); // what is on its way is waited for
    if (!this.#files[there()] || !(await this.#stage.mayLeave()) || this.#isClosing) return;
    const to = there();
    this.#goTo(to);
    if (this.next.hidden && document.activeElement === document.body) this.#dialog.focus();
  }

  // While it opens PhotoSwipe must not be moved: it would lose what it shows.
  #goTo(index) {
    if (this.#swipe && !this.#swipe.opener.isOpening) this.#swipe.goTo(index);
    else this.#wanted = index;
  }

  #opened() {
    const index = this.#wanted;
    this.#wanted = null;
    if (index !== null && !this.#isClosing) this.#swipe.goTo(index);
  }

  #playNext() {
    const kinds = ["audio", "video"];
    const here = this.#swipe.currIndex;
    const next = this.#files.findIndex((file, index) => index > here && kinds.includes(kindOf(file)));
    if (next < 0) return;
    this.#stage.playAtOnce();
    this.#goTo(next);
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else (this.#stage.media?.element ?? this.#dialog).requestFullscreen?.();
  }

  #replace(file) {
    this.#files = this.#files.map((one) => (one.file_id === file.file_id ? file : one));
    this.#current = this.file;
    this.download.href = this.#source.download(this.file);
    this.#details.show(this.file);
  }

  async #wentBack() {
    if (!(await this.close())) this.#dropEntry = await pushEntry(() => this.#wentBack());
  }

  /** Close, unless there is something unsaved that one wants to keep. @returns {Promise<boolean>} whether it closes */
  async close() {
    if (this.#isClosing) return true;
    if (!(await this.#stage.mayLeave())) return false;
    const swipe = this.#swipe;
    if (swipe?.opener.isOpen && !swipe.opener.isOpening) {
      swipe.close();
      return true;
    }
    this.#leave();
    if (!swipe) {
      this.#gone();
      return true;
    }
    this.#dialog.classList.add("gone"); // it is still opening, which PhotoSwipe lets nobody interrupt
    swipe.on("openingAnimationEnd", () => setTimeout(() => {
      swipe.options.showHideAnimationType = "none";
      swipe.close();
    }));
    return true;
  }

  #leave() {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#dropEntry();
    this.#dialog.classList.add("closing");
    this.#stage.clear();
    this.#details.close();
  }

  // A browser has closed the dialog without asking, as on a second gesture to go back.
  #closed() {
    if (this.#isClosing) return;
    this.#leave();
    if (!this.#swipe) return void this.#gone();
    this.#swipe.options.showHideAnimationType = "none";
    this.#swipe.close();
  }

  #gone() {
    this.#pictures.close();
    this.#dialog.close();
    keepToasts(this.#dialog);
    this.#dialog.remove();
    this.#options.onClose?.(this.file); // now that what is below can have the focus
    this.#off.abort();
  }
}
