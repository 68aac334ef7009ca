// Makes the text larger or smaller, for a projector: the keys + and -, or two buttons.
// What one has chosen is kept from page to page.

const KEY = "text-size";
const SIZES = [100, 112, 125, 150, 175];

function chosen() {
  const kept = Number(localStorage.getItem(KEY));
  return SIZES.includes(kept) ? kept : SIZES[0];
}

function show(size) {
  document.documentElement.style.fontSize = size === 100 ? "" : `${size}%`;
}

function change(direction) {
  const next = SIZES[SIZES.indexOf(chosen()) + direction];
  if (next === undefined) return;
  localStorage.setItem(KEY, String(next));
  show(next);
}

function makeButton(label, title, direction) {
  const button = document.createElement("button");
  button.textContent = label;
  button.title = title;
  button.setAttribute("aria-label", title);
  button.className = "larger-text";
  button.addEventListener("click", () => change(direction));
  return button;
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "+") change(1);
  if (event.key === "-") change(-1);
});

document.addEventListener("DOMContentLoaded", () => {
  show(chosen());
  const place = document.querySelector(".sidebar-search-container, .sidebar-brand");
  const row = document.createElement("p");
  row.append(makeButton("A+", "Larger text (key +)", 1));
  row.append(makeButton("A-", "Smaller text (key -)", -1));
  row.style.padding = "0 1rem";
  place?.after(row);
  // What scrolls sideways must be reachable with the keyboard.
  for (const part of document.querySelectorAll("pre, .table-wrapper")) {
    part.tabIndex = 0;
  }
  // The theme leaves these out, and a screen reader needs them.
  for (const caption of document.querySelectorAll("p.caption[role=heading]")) {
    caption.setAttribute("aria-level", "2");
  }
  const names = { ".sidebar-drawer": "Contents", ".toc-drawer": "On this page" };
  for (const [place, name] of Object.entries(names)) {
    document.querySelector(place)?.setAttribute("aria-label", name);
  }
});
