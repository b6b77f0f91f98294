// Builds elements. Text goes in as text alone: nothing here reads markup, whatever a name holds.

const STATIC = new URL("../../", import.meta.url);

/**
 * Make an element.
 *
 * @param {string} tag such as "button"
 * @param {Object<string, any>} [props] attributes by name; `class` may be a list with false entries; `dataset` and
 *   `style` are objects; `on…` is a listener; true stands for an empty attribute, false, null and undefined for none;
 *   `value`, `checked`, `indeterminate` and `disabled` are set as properties
 * @param {...any} children nodes, texts, lists of these; null and false are left out
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  append(element, children);
  return element;
}

/** Put children in place of all that an element has. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Find one element that must be there. */
export function $(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`there is no ${selector}`);
  return found;
}

/** The URL of a static file of this build, such as "css/files.css". */
export function asset(name) {
  return new URL(name, STATIC).href;
}

const styles = new Map();

/** Load a style sheet of this build once; resolves when it counts. */
export function loadStyle(name) {
  if (!styles.has(name)) {
    styles.set(
      name,
      new Promise((resolve, reject) => {
        const link = h("link", { rel: "stylesheet", href: asset(name), onload: resolve, onerror: fail });
        document.head.append(link);
        function fail() {
          styles.delete(name); // it can be wanted again
          link.remove();
          reject(new TypeError(`the style of a module did not come: ${name}`));
        }
      }),
    );
  }
  return styles.get(name);
}

/** Whether the page is as narrow as a phone. */
export const phone = matchMedia("(max-width: 599px)");

/** Whether fingers point rather than a mouse. */
export const coarse = matchMedia("(pointer: coarse)");

const PROPERTIES = new Set(["value", "checked", "indeterminate", "disabled"]);

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "style") for (const [key, said] of Object.entries(value)) element.style.setProperty(key, said);
  else if (name === "class") element.className = Array.isArray(value) ? value.filter(Boolean).join(" ") : value;
  else if (PROPERTIES.has(name)) element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}
