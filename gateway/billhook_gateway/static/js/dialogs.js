// Dialogs and drawers. <dialog> itself gives the focus trap, Esc and the backdrop.

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) {
    dialog.showModal();
    // At once: who types on while it opens must not lose letters.
    document.activeElement?.select?.();
  }
  return dialog;
}

export function closeDialogs() {
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
}

// A link marked data-drawer opens its page's form on the right; without script, or when that fails, it is just a link.
async function openDrawer(link) {
  const answer = await fetch(link.href).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = page && page.querySelector("main form[data-drawer-form]");
  if (!form) {
    location.href = link.href;
    return;
  }
  const drawer = document.getElementById("drawer");
  drawer.querySelector("h2").textContent = page.querySelector("main h1").textContent;
  drawer.querySelector(".inside").replaceChildren(form);
  htmx.process(form);
  drawer.showModal();
  const first = "input:not([type=hidden], .unseen), select, textarea";
  (form.querySelector("[autofocus]") ?? form.querySelector(first))?.focus();
}

document.addEventListener("click", (event) => {
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  const opener = event.target.closest("[data-open]");
  const closer = event.target.closest("[data-close]");
  const drawer = plain && event.target.closest("a[data-drawer]");
  if (opener) openDialog(opener.dataset.open);
  // Outside a dialog a way out is the link it is; inside, it closes. The backdrop counts as the dialog itself.
  const dialog = (closer ?? (event.target.nodeName === "DIALOG" ? event.target : null))?.closest("dialog");
  if (dialog) {
    event.preventDefault();
    dialog.close();
  }
  if (drawer) {
    event.preventDefault();
    openDrawer(drawer);
  }
});
