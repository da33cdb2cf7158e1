// Behaviour that HTML does not have by itself. Everything works by delegation, so that swapped-in parts need no set-up.
import { closeDialogs } from "./dialogs.js";
import "./keys.js";
import "./lists.js";
import { isLive, lost } from "./live.js";
import "./palette.js";
import "./sums.js";
import { toast } from "./toasts.js";

const root = document.documentElement;

function switchTheme() {
  const shown = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.dataset.theme = shown === "dark" ? "light" : "dark";
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${secure}`;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-switch]")) switchTheme();
  if (event.target.closest("[data-reload]")) location.reload();
});

// A request that failed says so, with its number, and can be tried again.
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if (isLive(ctx.sourceElement)) return lost();
  const { request, target, swap, select } = ctx;
  const again = () => htmx.ajax(request.method, request.action, { target, swap, select });
  toast("failed", { detail: ctx.response.headers.get("x-request-id"), retry: again });
});
document.addEventListener("htmx:error", ({ detail: { ctx } }) => (isLive(ctx?.sourceElement) ? lost() : toast("offline")));

// Back and forward may show a page as it was left: nothing stays open or half sent.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  closeDialogs();
  document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent);
});

// One press, one command.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});

document.querySelector("[data-error-summary]")?.focus();

const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);
document.addEventListener("pointermove", (event) => {
  const text = event.target.closest?.("[data-tip]")?.dataset.tip;
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${left}px`;
  tip.style.top = `${event.clientY + 16}px`;
});
