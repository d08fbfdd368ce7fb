// Keys, dialogs, the clock of the undo window, and keeping a claim while its person works.
// The pages work without any of it: each key presses a button, or follows a link, that is there.
"use strict";

const KEYS_OFF = "glideslope-keys-off";
const RENEW_EVERY = 60_000;
const byId = (id) => document.getElementById(id);
const keysOff = () => localStorage.getItem(KEYS_OFF) === "yes"; // WCAG 2.2, 2.1.4

function typing(target) {
  if (target.closest("dialog:not([open])")) return false; // it keeps the focus for a moment
  return target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

function move(by) {
  const rows = [...document.querySelectorAll(".rows tbody tr[id]")];
  if (rows.length === 0) return;
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
  next.querySelector("a").focus();
}

function open(id) {
  const dialog = byId(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("textarea, select, input:not([type=hidden]), button")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (typing(event.target) || document.querySelector("dialog[open]") || keysOff()) return;
  const act = {
    j: () => move(1),
    k: () => move(-1),
    "?": () => open("help"),
    "/": () => byId("text")?.focus(),
  }[event.key];
  const pressed = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!act && !pressed) return;
  event.preventDefault();
  if (act) act();
  else pressed.click();
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) open(opener.dataset.open);
  if (event.target.closest("#help-button")) open("help");
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});

document.addEventListener("focusin", (event) => {
  for (const row of document.querySelectorAll(".rows tr.at")) row.classList.remove("at");
  event.target.closest(".rows tbody tr")?.classList.add("at");
});

// One decision is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// What was focused and chosen in the list stays so when the list is replaced.
let kept = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "queue") return;
  const row = document.activeElement?.closest(".rows tr");
  const chosen = [...document.querySelectorAll(".rows input:checked")].map((box) => box.id);
  kept = { row: row?.id, chosen };
});
document.addEventListener("htmx:afterSettle", () => {
  if (!kept) return;
  for (const id of kept.chosen) if (byId(id) && !byId(id).disabled) byId(id).checked = true;
  if (kept.row) byId(kept.row)?.querySelector("a")?.focus();
  kept = null;
});

document.addEventListener("DOMContentLoaded", () => {
  const switched = byId("keys-on");
  if (switched) {
    switched.checked = !keysOff();
    switched.addEventListener("change", () => {
      localStorage.setItem(KEYS_OFF, switched.checked ? "no" : "yes");
    });
  }
  countDown();
  keepClaim();
});

function countDown() {
  const shown = document.querySelector("#toast [data-until]");
  if (!shown) return;
  const until = Date.parse(shown.dataset.until);
  const timer = setInterval(() => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left > 0) {
      shown.textContent = `in ${left} s`;
      return;
    }
    clearInterval(timer);
    byId("toast").replaceChildren();
  }, 1000);
}

function keepClaim() {
  const item = byId("item");
  const form = document.querySelector('.deeds form[action$="/approve"], dialog#reject form');
  if (!item || !form || item.dataset.token === "0") return;
  let worked = true;
  for (const kind of ["keydown", "pointermove", "scroll"]) {
    document.addEventListener(kind, () => { worked = true; }, { passive: true });
  }
  setInterval(async () => {
    if (!worked || document.hidden) return;
    worked = false;
    const body = new URLSearchParams({ csrf: form.elements.csrf.value, token: item.dataset.token });
    const done = await fetch(`${location.pathname}/renew`, { method: "POST", body });
    if (!done.ok) byId("changed").textContent = "You do not have this item any more: claim it again.";
  }, RENEW_EVERY);
}
