// Keyboard: an element says which keys press it (data-key="n", data-key="g c"); single keys rest while a field has focus.
import { openDialog } from "./dialogs.js";
import { moveInList, selectInList } from "./lists.js";

const SEQUENCE_MS = 1200;
let pending = "";
let timer;

const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const enabled = () => localStorage.getItem("single-keys") !== "off";

function press(keys) {
  const marked = [...document.querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)];
  const element = marked.find((one) => one.checkVisibility()) ?? marked[0];
  if (element?.matches("input")) element.select();
  element?.focus();
  if (element && !element.matches("input")) element.click();
  return element;
}

function single(event) {
  const key = event.key.toLowerCase();
  const keys = pending ? `${pending} ${key}` : key;
  pending = "";
  clearTimeout(timer);
  if (keys === "?") return openDialog("shortcuts");
  if (keys === "j" || keys === "k") return moveInList(keys === "j" ? 1 : -1);
  if (keys === "x") return selectInList();
  const pressed = press(keys);
  if (!pressed && document.querySelector(`[data-key^="${CSS.escape(keys)} "]`)) {
    pending = keys;
    timer = setTimeout(() => (pending = ""), SEQUENCE_MS);
  }
  return pressed;
}

document.addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openDialog("palette");
  } else if (command && event.key === "Enter") {
    event.target.closest("form")?.requestSubmit();
  } else if (!command && !event.altKey && event.key.length === 1 && enabled()) {
    if (!typing(event.target) && !document.querySelector("dialog[open]") && single(event)) event.preventDefault();
  } else if (event.key === "Enter" && enabled()) {
    // Enter on a link or button is theirs; in a review list the chosen line's link hands it on to the accept button.
    const own = event.target.closest("a, button, input, select, textarea, summary, dialog");
    if ((!own || own.closest("[data-list=follow]")) && press("enter")) event.preventDefault();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-single-keys]")) {
    localStorage.setItem("single-keys", event.target.checked ? "on" : "off");
  }
});
const box = document.querySelector("[data-single-keys]");
if (box) box.checked = enabled();
