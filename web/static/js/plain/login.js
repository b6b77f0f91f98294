// The sign-in page is a plain form; this shows the password on demand, asks for a code without losing what was typed,
// and counts down while the server takes no further try.

import { t } from "../core/text.js";
import { tellTabs } from "../shell/tabs.js";
import { startPasswordButtons } from "./password.js";

const form = document.querySelector("form");
const button = form.querySelector("button[type=submit]");
const problem = document.querySelector("#problem");
const code = document.querySelector("#code");
const root = new URL(form.action);

startPasswordButtons();
countDown(Number(problem.dataset.wait || 0));
form.addEventListener("submit", submit);

async function submit(event) {
  event.preventDefault();
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  const fields = new FormData(form);
  const body = { username: fields.get("username"), password: fields.get("password"), remember: fields.has("remember") };
  if (!code.hidden && fields.get("totp")) body.totp = fields.get("totp");
  let wait = 0;
  try {
    const response = await fetch(new URL("api/v1/session", root), {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (response.ok) {
      tellTabs();
      location.replace(new URL(fields.get("next") || "./", root));
      return;
    }
    const told = await response.json();
    wait = Number(response.headers.get("Retry-After") ?? 0);
    refused(told.code, wait);
  } catch {
    say(t("core.offline"));
  }
  button.removeAttribute("aria-busy");
  button.disabled = false;
  countDown(wait);
}

function refused(why, wait) {
  if (why === "totp_required") {
    say(code.hidden ? t("login.code_needed") : t("login.wrong_code"), code.hidden);
    code.hidden = false;
    const input = code.querySelector("input");
    input.required = true;
    input.select();
  } else if (why === "unauthenticated") {
    say(t("login.wrong"));
    form.querySelector("#password").select();
  } else if (why === "rate_limited") say(t("login.throttled", { count: wait }));
  else say(t("login.busy"));
}

function say(text, calm = false) {
  problem.textContent = text;
  problem.classList.toggle("calm", calm);
  problem.hidden = false;
}

/** Tell the seconds that are left, and take no try before. */
function countDown(seconds) {
  if (!seconds || problem.hidden) return;
  const end = Date.now() + seconds * 1000;
  button.disabled = true;
  const timer = setInterval(() => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) {
      say(t("login.throttled", { count: left }));
      return;
    }
    clearInterval(timer);
    button.disabled = false;
    problem.hidden = true;
  }, 1000);
}
