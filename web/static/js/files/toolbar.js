// What stands above the list: the way here, the filter, how it is sorted and shown.

import { fill, h } from "../core/dom.js";
import { icon } from "../core/icon.js";
import { openMenu } from "../core/menu.js";
import { t } from "../core/text.js";
import { crumbs } from "./crumbs.js";

const SORTS = [
  ["natural", () => t("files.name")], ["mtime", () => t("files.modified")], ["size", () => t("files.size")], ["type", () => t("files.type")],
];

/** The words for what one can sort by. */
export const sortLabel = (sort) => SORTS.find(([name]) => name === sort)[1]();

/**
 * Make the bar.
 *
 * @param {{sortBy: (sorting: Object) => void, setLayout: (layout: string) => void,
 *   filter: (text: string) => void, toggleDetails: () => void, menu: () => Object[]}} does
 */
export function toolbar(does) {
  const way = crumbs();
  const input = h("input", { class: "input", type: "text", placeholder: t("files.filter"), "aria-label": t("files.filter_here"),
    autocomplete: "off", spellcheck: "false", enterkeyhint: "done" });
  const filterBox = h("div", { class: "files-filter" }, icon("filter", { size: 16 }), input);
  const openFilter = h("button", { type: "button", class: "icon-button files-filter-open", "aria-label": t("files.filter_here"), onclick: showFilter }, icon("filter"));
  const sortButton = h("button", { type: "button", class: "button quiet files-sort", "aria-haspopup": "menu" });
  const layoutButton = h("button", { type: "button", class: "icon-button" });
  const detailsButton = h("button", { type: "button", class: "icon-button files-details-open", "aria-label": t("files.details"), onclick: does.toggleDetails }, icon("panel-right"));
  const menuButton = h("button", { type: "button", class: "icon-button", "aria-haspopup": "menu", "aria-label": t("files.folder_menu"), onclick: () => openMenu(menuButton, does.menu(), { label: t("files.folder_menu") }) }, icon("ellipsis"));
  const plain = h("div", { class: "files-tools" }, way.element, h("div", { class: "files-tools-end" }, filterBox, openFilter, sortButton, layoutButton, detailsButton, menuButton));
  const element = h("header", { class: "files-head" }, plain);

  input.addEventListener("input", () => does.filter(input.value));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    closeFilter();
    event.stopPropagation();
  });
  input.addEventListener("blur", () => input.value || element.classList.remove("filtering"));

  function showFilter() {
    element.classList.add("filtering");
    input.focus();
    input.select();
  }

  function closeFilter() {
    input.value = "";
    does.filter("");
    element.classList.remove("filtering");
    input.blur();
  }

  return {
    element,
    showFilter,
    clearFilter() {
      input.value = "";
      element.classList.remove("filtering");
    },
    /** The bar with the path, onto which entries can be dragged. */
    way: way.element,
    showPlace: way.show,
    showSorting({ sort, order }) {
      fill(sortButton, icon(order === "asc" ? "arrow-up" : "arrow-down", { size: 16 }), h("span", {}, sortLabel(sort)));
      sortButton.setAttribute("aria-label", t("files.sorted_by", { what: sortLabel(sort) }));
      sortButton.onclick = () => openMenu(sortButton, sortItems(sort, order, does.sortBy), { label: t("files.sort") });
    },
    showLayout(layout) {
      const other = layout === "list" ? "grid" : "list";
      layoutButton.setAttribute("aria-label", other === "grid" ? t("files.as_grid") : t("files.as_list"));
      layoutButton.onclick = () => does.setLayout(other);
      fill(layoutButton, icon(other === "grid" ? "layout-grid" : "list"));
    },
    showDetails(isOpen) {
      detailsButton.setAttribute("aria-pressed", String(isOpen));
    },
  };
}

/** The heads of the columns: one sorts by a click on them; by keyboard the sort menu does the same. */
export function columnHeads({ sortBy, selectAll }) {
  const all = h("input", { type: "checkbox", tabindex: "-1", "aria-label": t("files.select_everything"), onchange: () => selectAll(all.checked) });
  const element = h("div", { class: "files-columns", role: "row", "aria-rowindex": "1" });
  return {
    element,
    showSorting({ sort, order }) {
      const head = (name, label, extra) => {
        const isBy = sort === name;
        const next = { sort: name, order: isBy && order === "asc" ? "desc" : isBy ? "asc" : name === "natural" ? "asc" : "desc" };
        return h("div", { role: "columnheader", class: extra, "aria-sort": isBy ? (order === "asc" ? "ascending" : "descending") : null },
          h("button", { type: "button", class: "files-column", tabindex: "-1", onclick: () => sortBy(next) }, label, isBy && icon(order === "asc" ? "arrow-up" : "arrow-down", { size: 14 })));
      };
      fill(element,
        h("div", { role: "columnheader", class: "file-check" }, all),
        head("natural", t("files.name"), "file-main"),
        head("mtime", t("files.modified"), "file-when"),
        head("size", t("files.size"), "file-size"),
        h("div", { role: "columnheader", class: "file-more" }, h("span", { class: "visually-hidden" }, t("files.more"))));
    },
    showChosen(count, total) {
      all.checked = count > 0 && count === total;
      all.indeterminate = count > 0 && count < total;
    },
  };
}

function sortItems(sort, order, sortBy) {
  return [
    ...SORTS.map(([name, label]) => ({ label: label(), checked: name === sort, run: () => sortBy({ sort: name, order: name === "natural" || name === "type" ? "asc" : "desc" }) })),
    "-",
    { label: t("files.ascending"), checked: order === "asc", run: () => sortBy({ sort, order: "asc" }) },
    { label: t("files.descending"), checked: order === "desc", run: () => sortBy({ sort, order: "desc" }) },
  ];
}
