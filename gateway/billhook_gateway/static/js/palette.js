// The command palette: pages and actions come with the page, records are asked for while typing (htmx on the input).

const palette = document.getElementById("palette");
const input = palette?.querySelector("input");

const options = () => [...palette.querySelectorAll("[role=option]:not([hidden])")];

function select(option) {
  palette.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  palette.querySelectorAll("[data-static] [role=option]").forEach((option) => {
    const text = option.textContent.toLowerCase();
    option.hidden = !words.every((word) => text.includes(word));
  });
  palette.querySelectorAll("[role=group]").forEach((group) => {
    group.hidden = !group.querySelector("[role=option]:not([hidden])");
  });
  palette.querySelector("[data-none]").hidden = options().length > 0;
  select(options()[0]);
}

function move(step) {
  const all = options();
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  select(all[(at + step + all.length) % all.length]);
}

if (palette) {
  input.addEventListener("input", filter);
  palette.addEventListener("htmx:after:swap", filter);
  palette.addEventListener("toggle", () => {
    if (palette.open) filter();
  });
  palette.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option.getAttribute("aria-selected") !== "true") select(option);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
    if (event.key === "Enter") {
      event.preventDefault();
      palette.querySelector("[aria-selected=true]")?.click();
    }
  });
}
