// Lists: J and K move through [data-row] links, X and Shift-click select, the bulk bar counts.

const rows = () => [...document.querySelectorAll("[data-list] [data-row]")].filter((row) => row.checkVisibility());
let last; // the box that a Shift-click counts from

function place(all) {
  const focused = all.findIndex((row) => row === document.activeElement || row.closest("tr, li")?.contains(document.activeElement));
  return focused >= 0 ? focused : all.findIndex((row) => row.closest("[aria-current]"));
}

export function moveInList(step) {
  const all = rows();
  const next = all[Math.min(Math.max(place(all) + step, 0), all.length - 1)];
  if (!next) return null;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  // In a list that is reviewed line by line, moving to a line shows it.
  if (next.closest("[data-list=follow]")) next.click();
  return next;
}

export function selectInList() {
  const box = document.activeElement?.closest("tr, li")?.querySelector("[data-select]");
  box?.click();
  return box;
}

function count() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  const boxes = [...document.querySelectorAll("[data-select]")];
  const chosen = boxes.filter((box) => box.checked).length;
  const every = document.querySelector("[data-select-all]");
  bar.hidden = !chosen;
  bar.querySelector("output").textContent = bar.dataset.bulk.replace("#", chosen);
  if (!every) return;
  every.checked = chosen > 0 && chosen === boxes.length;
  every.indeterminate = chosen > 0 && chosen < boxes.length;
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-select]");
  const boxes = [...document.querySelectorAll("[data-select]")];
  if (box && event.shiftKey && last?.isConnected) {
    const [from, until] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, until + 1).forEach((one) => (one.checked = box.checked));
  }
  if (box) last = box;
  if (event.target.closest("[data-select-none]")) boxes.forEach((one) => (one.checked = false));
  if (box || event.target.closest("[data-select-none]")) count();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-select-all]")) return;
  document.querySelectorAll("[data-select]").forEach((box) => (box.checked = event.target.checked));
  count();
});
document.addEventListener("htmx:after:swap", count);
addEventListener("pageshow", count);

// In a review list the row that is shown is the current one at once, not only after the answer.
document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-list=follow] [data-row]");
  if (!row) return;
  row.closest("[data-list]").querySelector("[aria-current]")?.removeAttribute("aria-current");
  row.closest("tr, li").setAttribute("aria-current", "true");
});
