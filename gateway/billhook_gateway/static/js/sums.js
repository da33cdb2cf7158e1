// Amounts: ticked documents add up to what is paid; typing another amount is left alone.

document.addEventListener("change", (event) => {
  const list = event.target.closest("[data-sum]");
  const field = list && document.getElementById(list.dataset.sum);
  if (!field) return;
  const ticked = [...list.querySelectorAll("[data-amount]:checked")].map((box) => box.dataset.amount);
  const digits = Math.max(0, ...ticked.map((amount) => (amount.split(".")[1] ?? "").length));
  field.value = ticked.reduce((sum, amount) => sum + Number(amount), 0).toFixed(digits);
});

// What stands in an amount is a proposal: whoever comes to it and types replaces it.
const propose = (field) => field?.matches?.(".joined input") && field.select();
document.addEventListener("focusin", (event) => propose(event.target));
propose(document.activeElement);
