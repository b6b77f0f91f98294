// Who sees a folder: its members with what they may do there.

import { call, get, patch, post } from "../core/api.js";
import { confirm } from "../core/dialog.js";
import { fill, h } from "../core/dom.js";
import { shown } from "../core/format.js";
import { icon } from "../core/icon.js";
import { href } from "../core/router.js";
import { t } from "../core/text.js";
import { errorText, toast, toastError } from "../core/toast.js";

/** What a role is called. */
export const roleName = (role) => t(`share.role_${role}`);

/** A sign of a person: the first letters of the name. */
export const sign = (name) => h("span", { class: "share-sign", "aria-hidden": "true" }, [...name].slice(0, 2).join(""));

/**
 * The part of the share dialog about people.
 *
 * @param {{file: Object, me: Object, signal: AbortSignal, close: () => void}} options
 * @returns {Promise<HTMLElement | null>} null where there is nobody to tell of
 */
export async function people({ file, me, signal, close }) {
  const base = `files/${file.file_id}/members`;
  const space = me.spaces.find((one) => one.space_id === file.space_id);
  const isShared = space !== undefined && space !== me.spaces[0];
  const isRoot = isShared && space.root_id === file.file_id;
  // A folder in a shared one is seen by the same people, and files are shared by links or with their folder.
  const mayAdd = file.permissions.includes("share") && file.kind === "folder" && (isRoot || !isShared);
  const list = h("ul", { class: "share-people", "aria-label": t("share.people") });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  let members = (await get(base, {}, { signal })).items;

  function draw() {
    fill(list, members.map(row));
  }

  function row(member) {
    const isMe = member.username === me.user.username;
    const mayChange = mayAdd && member.role !== "owner";
    return h("li", { class: "share-person" },
      sign(member.username),
      h("span", { class: "share-name" }, member.username, isMe && h("span", { class: "soft" }, ` ${t("share.you")}`)),
      mayChange ? roleField(member.role, t("share.role_of", { name: member.username }), (role) => change(member, role)) : h("span", { class: "soft share-role" }, roleName(member.role)),
      mayChange && h("button", { type: "button", class: "icon-button", "aria-label": t("share.remove", { name: member.username }), title: t("share.remove_short"), onclick: () => remove(member) }, icon("x")),
      isMe && isRoot && member.role !== "owner" && h("button", { type: "button", class: "button quiet", onclick: () => leave(member) }, t("share.leave")));
  }

  function roleField(value, label, run) {
    const roles = ["viewer", "editor", ...(run ? ["owner"] : [])];
    return h("select", { class: "input share-role", "aria-label": label, value: null, onchange: (event) => run?.(event.target.value) },
      roles.map((role) => h("option", { value: role, selected: role === value }, role === "owner" ? t("share.make_owner") : roleName(role))));
  }

  async function change(member, role) {
    try {
      if (role === "owner" && !(await confirm({ title: t("share.hand_over", { name: member.username }), text: t("share.hand_over_text"), action: t("share.hand_over_go") }))) return draw();
      await patch(`${base}/${encodeURIComponent(member.username)}`, { role });
      if (role === "owner") return close();
      members = members.map((one) => (one === member ? { ...one, role } : one));
    } catch (error) {
      toastError(error);
    }
    draw();
  }

  async function remove(member) {
    try {
      await call("DELETE", `${base}/${encodeURIComponent(member.username)}`);
      members = members.filter((one) => one !== member);
      draw();
      toast(t("share.removed", { name: member.username }), { action: { label: t("share.again"), run: () => add(member.username, member.role).catch(toastError) } });
      (list.querySelector("select, button") ?? field).focus();
    } catch (error) {
      toastError(error);
    }
  }

  async function leave(member) {
    const sure = await confirm({ title: t("share.leave_title", { name: shown(file.name) }), text: t("share.leave_text"), action: t("share.leave") });
    if (!sure) return;
    try {
      await call("DELETE", `${base}/${encodeURIComponent(member.username)}`);
      close();
    } catch (error) {
      toastError(error);
    }
  }

  async function add(username, role) {
    const made = await post(base, { username, role });
    members = [...members.filter((one) => one.username !== made.username), made];
    draw();
  }

  const field = h("input", { class: "input", id: "share-name", autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: t("share.name_example"), maxlength: 255 });
  const roles = roleField("editor", t("share.new_role"));
  const button = h("button", { type: "button", class: "button", onclick: send }, t("share.add"));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    send();
  });

  async function send() {
    const name = field.value.trim();
    if (!name) return field.focus();
    problem.hidden = true;
    button.disabled = true;
    try {
      await add(name, roles.value);
      field.value = "";
    } catch (error) {
      problem.hidden = false;
      problem.textContent = error.code === "not_found" ? t("share.unknown", { name }) : errorText(error);
    } finally {
      button.disabled = false;
      field.focus();
    }
  }

  if (!mayAdd && !isShared) return null;
  draw();
  return h("section", { class: "share-part", "aria-labelledby": "share-people-head" },
    h("h3", { id: "share-people-head" }, t("share.people")),
    mayAdd && h("div", { class: "share-add" },
      h("label", { class: "label visually-hidden", for: "share-name" }, t("share.name")), field, roles, button),
    problem,
    list,
    isShared && !isRoot && h("p", { class: "hint" }, t("share.through"), " ", h("a", { href: href("shared") }, shown(space.name))));
}
