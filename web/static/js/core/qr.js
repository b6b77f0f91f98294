// QR codes: the server draws them, so that a phone need not type what stands here.

import { csrfToken, url } from "./api.js";
import { h } from "./dom.js";
import { t } from "./text.js";

/**
 * A text as a QR code; it appears once the server has drawn it, and stays away where it cannot.
 *
 * @param {string} text at most 500 characters; it may be a secret: it is sent in a body, and nothing keeps the picture
 * @param {{label?: string}} [options] says what it is of
 * @returns {HTMLElement}
 */
export function qrCode(text, { label = t("core.qr") } = {}) {
  const image = h("img", { class: "qr", alt: label, width: 176, height: 176 });
  draw(text).then((drawn) => {
    image.addEventListener("load", () => URL.revokeObjectURL(drawn), { once: true });
    image.src = drawn;
  }).catch(() => image.remove());
  return image;
}

async function draw(text) {
  const response = await fetch(url("api/v1/qr"), {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken() },
    body: JSON.stringify({ text }),
  });
  if (!response.ok) throw new Error(`no QR code: ${response.status}`);
  return URL.createObjectURL(await response.blob());
}
