// What PhotoSwipe is told of each file. The server's picture comes first, the original once one looks closer.

import { h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { t } from "../core/text.js";
import { hasThumbnail } from "../files/kinds.js";
import { drawsOriginal, kindOf, moves } from "./kinds.js";

const GUESS = { width: 1600, height: 1200 };
const LARGEST = 64 * 1024 * 1024; // of an original that is drawn
const CLOSER = 1.05;
const PATIENCE_MS = 600;

export class Pictures {
  #source;
  #from;
  #items = new Map();
  #blobs = [];

  constructor(source, from) {
    this.#source = source;
    this.#from = from;
  }

  /** The item of a file; the same one each time, for PhotoSwipe writes into it. */
  item(file) {
    const key = `${file.file_id} ${file.version_id}`;
    if (!this.#items.has(key)) this.#items.set(key, this.#make(file));
    return this.#items.get(key);
  }

  #make(file) {
    const kind = kindOf(file);
    if (kind !== "image" && kind !== "svg") return { html: "", file };
    const small = this.#from?.(file);
    const shape = small?.naturalWidth ? scaled(small.naturalWidth, small.naturalHeight) : GUESS;
    const src = this.#first(file);
    return { type: "image", src, msrc: small?.naturalWidth ? small.src : undefined, ...shape, alt: shown(file.name), element: small ?? undefined, file };
  }

  #first(file) {
    if (kindOf(file) === "svg") return "";
    return hasThumbnail(file) && !moves(file) ? this.#source.thumbnail(file, 1600) : this.#source.content(file);
  }

  /** Wait until the shape of a file's picture is known, but not for long. */
  async measured(file) {
    const item = this.item(file);
    if (item.type !== "image" || item.msrc || !item.src) return;
    const image = new Image();
    image.src = item.src;
    await Promise.race([image.decode().catch(() => {}), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    if (image.naturalWidth) Object.assign(item, { width: image.naturalWidth, height: image.naturalHeight });
  }

  attach(swipe) {
    swipe.addFilter("thumbEl", (_element, data) => this.#from?.(data.file) ?? null);
    swipe.addFilter("placeholderSrc", (src, content) => content.data.msrc ?? src);
    swipe.addFilter("contentErrorElement", () => h("div", { class: "viewer-failed" }, icon("file-image", { size: 48 }), h("p", {}, t("viewer.no_picture"))));
    swipe.on("contentLoad", (event) => this.#load(event));
    swipe.on("loadComplete", ({ content, isError }) => (isError ? this.#failed(content) : this.#measure(content)));
    swipe.on("zoomPanUpdate", ({ slide }) => this.#look(slide));
    // What was measured while it came in is told to what was put in meanwhile.
    swipe.on("openingAnimationEnd", () => swipe.currSlide?.updateContentSize(true));
    swipe.on("appendHeavyContent", ({ slide }) => queueMicrotask(() => slide.updateContentSize(true)));
    swipe.on("imageSizeChange", ({ slide }) => slide && this.#look(slide));
  }

  // A drawing of lines is no picture that a browser may run: as an image it does nothing, whatever stands in it.
  async #load(event) {
    const { content } = event;
    if (content.data.type !== "image" || kindOf(content.data.file) !== "svg" || content.data.src) return;
    event.preventDefault();
    const element = h("img", { class: "pswp__img", alt: shown(content.data.file.name) });
    content.element = element;
    content.state = "loading";
    try {
      const response = await fetch(this.#source.content(content.data.file));
      const src = URL.createObjectURL(new Blob([await response.arrayBuffer()], { type: "image/svg+xml" }));
      this.#blobs.push(src);
      element.src = content.data.src = src;
      await element.decode();
      content.onLoaded();
    } catch {
      content.onError();
    }
  }

  #measure(content) {
    const { naturalWidth: width, naturalHeight: height } = content.element;
    if (width && content.data.type === "image") resize(content, kindOf(content.data.file) === "svg" ? scaled(width, height, 1600) : { width, height });
  }

  #failed(content) {
    const { data } = content;
    if (data.tried || !drawsOriginal(data.file) || data.src === this.#source.content(data.file)) return;
    data.tried = true;
    data.src = this.#source.content(data.file);
    content.instance.refreshSlideContent(content.index);
  }

  /** Fetch the original where the picture is shown larger than it is. */
  async #look(slide) {
    const { data, content } = slide;
    if (data.type !== "image" || data.isSharp || !content.element?.naturalWidth || !content.isLoading || content.isLoading()) return;
    const needed = slide.currZoomLevel * slide.width * devicePixelRatio;
    if (needed <= content.element.naturalWidth * CLOSER || !drawsOriginal(data.file) || moves(data.file) || this.#source.isCounted) return;
    if (data.file.size > LARGEST || content.element.naturalWidth < 1600 && content.element.naturalHeight < 1600) return;
    data.isSharp = true;
    const original = new Image();
    original.src = this.#source.content(data.file);
    try {
      await original.decode();
    } catch {
      return;
    }
    if (!content.element) return;
    content.element.src = original.src;
    data.src = original.src;
  }

  close() {
    this.#blobs.forEach((blob) => URL.revokeObjectURL(blob));
  }
}

function scaled(width, height, edge = 1600) {
  const by = edge / Math.max(width, height);
  return { width: Math.round(width * by), height: Math.round(height * by) };
}

function resize(content, { width, height }) {
  const { slide, data } = content;
  const isSame = Math.abs(content.width - width) < 2 && Math.abs(content.height - height) < 2;
  Object.assign(data, { width, height, w: width, h: height });
  content.width = width;
  content.height = height;
  if (!slide || isSame) return;
  slide.width = width;
  slide.height = height;
  content.removePlaceholder?.();
  slide.resize();
  slide.updateContentSize(true);
}
