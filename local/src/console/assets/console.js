// The console: follows the journal and draws the view that is chosen in the fragment.

import { activityRow, callsTable, counts, deadLetter, eventDetail, listOf, mailDetail, matches, routesTable, row } from "/views.js";

const $ = (selector) => document.querySelector(selector);
const view = $("#view");
const filter = $("#filter");
const entries = [];
const chosen = {};
let stack = { name: "Local stack", api: "", routes: [] };

// Each view with a list: which entries it has, how a line looks, and the detail beside it.
const lists = {
  inbox: { title: "Inbox", kind: "mail", empty: "No mail yet. It appears here the moment a function sends one.", line: row.mail, detail: mailDetail },
  events: { title: "Events", kind: "event", empty: "No event yet. Events appear here when they reach a bus.", line: row.event, detail: eventDetail },
  "dead-letters": { title: "Dead letters", kind: "deadLetter", empty: "Nothing here, which is as it should be: everything was delivered.", line: row.deadLetter, detail: deadLetter },
};
const titles = { activity: "Activity", calls: "Table calls", routes: "Routes" };
const active = ["request", "invocation", "relayed", "log"];

const current = () => {
  const name = location.hash.slice(1).split("/")[0];
  return name in lists || name in titles ? name : "inbox";
};

const found = (kinds) =>
  entries.filter((entry) => kinds.includes(entry.kind) && matches(entry, filter.value)).reverse();

const drawList = (name) => {
  const { kind, empty, line, detail } = lists[name];
  const shown = found([kind]).slice(0, 500);
  const selected = shown.find((entry) => entry.sequence === chosen[name]) ?? shown[0];
  const choose = (entry) => {
    chosen[name] = entry.sequence;
    draw();
  };
  const previous = view.querySelector(".detail");
  // A preview that is being read must not be reloaded because something else arrived.
  const keep = previous?.dataset.sequence === String(selected?.sequence) && previous?.dataset.view === name;
  const scrolled = view.querySelector(".list")?.scrollTop ?? 0;
  const panel = keep ? previous : selected && detail(selected);
  if (panel) Object.assign(panel.dataset, { sequence: selected.sequence, view: name });
  view.replaceChildren(...listOf(shown, selected, line, choose, filter.value ? "Nothing matches the filter." : empty), ...(panel ? [panel] : []));
  const list = view.querySelector(".list");
  if (list) list.scrollTop = scrolled;
};

const drawActivity = () => {
  const list = document.createElement("ol");
  list.className = "activity";
  list.append(...found(active).slice(0, 400).map(activityRow));
  const empty = document.createElement("p");
  empty.className = "empty";
  empty.textContent = "Nothing has run yet.";
  view.replaceChildren(list.childElementCount ? list : empty);
};

const drawCalls = async () => {
  const totals = await fetch("/api/calls").then((response) => response.json());
  if (current() === "calls") view.replaceChildren(callsTable(totals.filter((total) => matches(total, filter.value))));
};

const draw = () => {
  const name = current();
  const focused = document.activeElement?.dataset?.sequence;
  $("#title").textContent = lists[name]?.title ?? titles[name];
  document.title = `${$("#title").textContent} · ${stack.name}`;
  view.className = name in lists ? "split" : "whole";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  counts(entries);
  if (name in lists) drawList(name);
  else if (name === "activity") drawActivity();
  else if (name === "calls") drawCalls();
  else view.replaceChildren(routesTable(stack, (route) => matches(route, filter.value)));
  if (focused) view.querySelector(`button[data-sequence="${focused}"]`)?.focus();
};

// Many entries in one moment are one drawing.
let scheduled = false;
const later = () => {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
};

const state = (text, tone) => {
  if ($("#state").textContent === text) return;
  $("#state").textContent = text;
  $("#state").dataset.tone = tone;
};

const follow = () => {
  const source = new EventSource("/api/live");
  source.onopen = () => state("live", "good");
  source.onerror = () => state("stopped", "bad");
  source.onmessage = (message) => {
    const entry = JSON.parse(message.data);
    // A restarted stack counts from the start again.
    if (entries.length && entry.sequence <= entries.at(-1).sequence) entries.length = 0;
    entries.push(entry);
    if (entries.length > 20000) entries.splice(0, 5000);
    later();
  };
};

const move = (step) => {
  const buttons = [...view.querySelectorAll(".list button")];
  const at = buttons.findIndex((button) => button.getAttribute("aria-current") === "true");
  const next = buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)];
  next?.click();
  view.querySelector('.list button[aria-current="true"]')?.focus();
};

addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "Escape" && typing) filter.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  // Elsewhere the arrows scroll.
  const arrows = event.target instanceof Element && event.target.closest(".list");
  if (event.key === "/") filter.focus();
  else if (event.key === "j" || (arrows && event.key === "ArrowDown")) move(1);
  else if (event.key === "k" || (arrows && event.key === "ArrowUp")) move(-1);
  else return;
  event.preventDefault();
});
addEventListener("hashchange", () => {
  filter.value = "";
  draw();
});
filter.addEventListener("input", later);

stack = await fetch("/api/routes").then((response) => response.json());
$("#name").textContent = stack.name;
$("#api").textContent = stack.api;
draw();
follow();
