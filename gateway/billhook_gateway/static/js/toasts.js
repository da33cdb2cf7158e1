// Short messages at the edge of the page. Texts stand in <template>s, so that the server can translate them.

const SHOWN_MS = 10_000;

function leave(element) {
  if (element.dataset.leaving) return;
  element.dataset.leaving = "1";
  setTimeout(() => element.remove(), SHOWN_MS);
}

const leaveAll = () => document.querySelectorAll(".toasts > *").forEach(leave);

export function toast(name, { detail, retry } = {}) {
  const region = document.querySelector(".toasts");
  const template = document.getElementById(`toast-${name}`);
  if (!region || !template) return;
  const element = template.content.firstElementChild.cloneNode(true);
  const place = element.querySelector("[data-detail]");
  if (place) place.textContent = detail ?? "";
  const button = element.querySelector("[data-retry]");
  if (button && retry) button.addEventListener("click", () => (element.remove(), retry()));
  else button?.remove();
  region.append(element);
  leave(element);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) button.closest(".toasts > *").remove();
});
document.addEventListener("htmx:after:swap", leaveAll);
leaveAll();
