// Panels that refresh themselves while somebody can see them; what is typed, opened or focused stays as it is.

const EVERY_MS = 20_000;
let asked = Date.now();

const panels = () => document.querySelector("[data-live]");

function refresh() {
  const element = panels();
  // A dialog lies over the panels: nothing moves behind it.
  if (!element || document.hidden || document.querySelector("dialog[open]")) return;
  asked = Date.now();
  htmx.trigger(element, "refresh");
}

setInterval(refresh, EVERY_MS);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - asked >= EVERY_MS) refresh();
});

export const isLive = (element) => Boolean(element?.matches?.("[data-live]"));

// The server does not know which tables are open.
let opened = [];
document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (isLive(ctx.sourceElement)) opened = [...document.querySelectorAll("[data-live] details[open]")];
});
document.addEventListener("htmx:after:swap", () => {
  for (const table of opened) table.open = true;
  opened = [];
});

export function lost() {
  const element = panels();
  if (element) element.dataset.live = "lost";
}
