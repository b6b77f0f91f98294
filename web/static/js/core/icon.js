// Icons of the sprite (Lucide). They are decoration: whatever has one has a name beside it or an aria-label.

import { asset } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an icon in the colour of the text around it.
 *
 * @param {string} name a name in web/vendor.lock.json, "icons"
 * @param {{size?: number, class?: string}} [options] size in px, 20 unless said
 * @returns {SVGElement}
 */
export function icon(name, { size = 20, class: extra = "" } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${asset("icons.svg")}#${name}`);
  for (const [key, value] of Object.entries({ width: size, height: size, "aria-hidden": "true", focusable: "false" })) {
    svg.setAttribute(key, value);
  }
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.append(use);
  return svg;
}
