// Panels that refresh themselves while somebody can see them; what is typed, opened or focused stays as it is.

const EVERY_SECONDS = 20;
const TICK_MS = 1_000;
let asked = Date.now();

const panels = () => document.querySelector("[data-live]");

function refresh() {
  const element = panels();
  // A dialog lies over the panels: nothing moves behind it.
  if (!element || document.hidden || document.querySelector("dialog[open]")) return;
  if (Date.now() - asked < 1_000 * (element.dataset.every ?? EVERY_SECONDS)) return;
  asked = Date.now();
  htmx.trigger(element, "refresh");
}

setInterval(refresh, TICK_MS);
document.addEventListener("visibilitychange", refresh);

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
