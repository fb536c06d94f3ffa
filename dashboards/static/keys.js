// The keys of queue and diff: each stands beside a link, button, field or list that names it in `aria-keyshortcuts`.
"use strict";
const rows = () => [...document.querySelectorAll("[data-row]")];
const here = () => document.activeElement.closest("[data-row]");

function step(by) {
  const all = rows();
  const at = all.indexOf(here());
  const row = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  if (row) row.querySelector("a").focus();
}

function press(target) {
  if (target.matches("textarea")) target.focus();
  else target.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (!["j", "k", "a", "r", "e", "?"].includes(event.key)) return;
  const within = rows().length && "are".includes(event.key) ? here() : document;
  const target = within && within.querySelector(`[aria-keyshortcuts="${event.key}"]`);
  if (target) press(target);
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else return;
  event.preventDefault();
});
