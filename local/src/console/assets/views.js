// How entries look. Everything is built as nodes: no text of an entry is ever read as HTML.

export const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
};

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const time = (at) => el("time", { datetime: at, title: new Date(at).toLocaleString() }, clock.format(new Date(at)));
const duration = (micros) => (micros < 1000 ? `${micros} µs` : micros < 1e6 ? `${(micros / 1000).toFixed(1)} ms` : `${(micros / 1e6).toFixed(2)} s`);
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

export const matches = (entry, text) => !text || JSON.stringify(entry).toLowerCase().includes(text.toLowerCase());

export const counts = (entries) => {
  const sums = {};
  for (const { kind } of entries) {
    const name = ["mail", "event", "deadLetter"].includes(kind) ? kind : "activity";
    sums[name] = (sums[name] ?? 0) + 1;
  }
  for (const badge of document.querySelectorAll("[data-count]")) {
    const count = sums[badge.dataset.count] ?? 0;
    badge.textContent = count || "";
    badge.classList.toggle("alarm", badge.dataset.count === "deadLetter" && count > 0);
  }
};

// The first and second line of an entry in a list.
export const row = {
  mail: ({ mail }) => [mail.subject || "(no subject)", mail.to.join(", ")],
  event: ({ event, bus, targets }) => [event["detail-type"], `${event.source} · ${bus} bus → ${targets.join(", ") || "nobody"}`],
  deadLetter: ({ queue, message }) => [queue, message["detail-type"] ?? message.requestContext?.condition ?? "message"],
};

export const listOf = (shown, selected, line, choose, empty) => {
  if (!shown.length) return [el("p", { class: "empty" }, empty)];
  const items = shown.map((entry) => {
    const [first, second] = line(entry);
    const button = el(
      "button",
      { type: "button", "data-sequence": entry.sequence, "aria-current": entry === selected ? "true" : null },
      el("span", { class: "first" }, first), time(entry.at), el("span", { class: "second" }, second),
    );
    button.addEventListener("click", () => choose(entry));
    return el("li", {}, button);
  });
  return [el("ol", { class: "list" }, ...items)];
};

const terms = (pairs) =>
  el("dl", {}, ...pairs.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

const json = (value) => el("pre", { class: "json", tabindex: "0" }, JSON.stringify(value, null, 2));

const panel = (title, ...children) => el("article", { class: "detail", "aria-label": title }, el("h2", {}, title), ...children);

export const mailDetail = ({ mail, at, sequence }) => {
  const parts = [
    mail.html && ["HTML", () => el("iframe", { src: `/api/inbox/${sequence}/html`, sandbox: "allow-popups allow-popups-to-escape-sandbox", title: "The mail as HTML", referrerpolicy: "no-referrer" })],
    mail.text && ["Text", () => linked(mail.text)],
  ].filter(Boolean);
  const body = el("div", { class: "body" });
  const tabs = parts.map(([name, make], index) => {
    const tab = el("button", { type: "button", "aria-pressed": String(index === 0) }, name);
    tab.addEventListener("click", () => {
      for (const other of tabs) other.setAttribute("aria-pressed", String(other === tab));
      body.replaceChildren(make());
    });
    return tab;
  });
  if (parts.length) body.append(parts[0][1]());
  const tags = Object.entries(mail.tags).map(([name, value]) => el("span", { class: "tag" }, `${name}: ${value}`));
  return panel(
    mail.subject || "(no subject)",
    terms([["From", mail.from], ["To", mail.to.join(", ")], ["Sent", new Date(at).toLocaleString()], ["Tags", tags.length ? el("span", {}, ...tags) : null]]),
    el("div", { class: "tabs", role: "group", "aria-label": "Part of the mail" }, ...tabs),
    body,
  );
};

// Plain text with its links made links.
const linked = (text) => {
  const pieces = text.split(/(https?:\/\/[^\s<>"]+)/);
  const nodes = pieces.map((piece, index) => (index % 2 ? el("a", { href: piece, target: "_blank", rel: "noreferrer noopener" }, piece) : piece));
  return el("pre", { class: "text", tabindex: "0" }, ...nodes);
};

export const eventDetail = ({ event, bus, targets, at }) =>
  panel(
    event["detail-type"],
    terms([["Bus", bus], ["Source", event.source], ["Received", new Date(at).toLocaleString()], ["Targets", targets.join(", ") || "no rule matched"]]),
    json(event),
  );

export const deadLetter = ({ queue, message, at }) => {
  const again = el("button", { type: "button" }, "Redrive the queue");
  const outcome = el("p", { role: "status" });
  again.addEventListener("click", async () => {
    again.disabled = true;
    const answer = await fetch(`/api/queues/${encodeURIComponent(queue)}/redrive`, { method: "POST" });
    const { observed, failed, message } = await answer.json();
    outcome.textContent = answer.ok ? `${observed} observed, ${failed} failed again` : message;
    again.disabled = false;
  });
  return panel(
    queue,
    terms([["Received", new Date(at).toLocaleString()], ["Why", message.requestContext?.condition]]),
    el("div", { class: "tabs" }, again),
    outcome,
    json(message),
  );
};

const tone = (status) => (status >= 500 ? "bad" : status >= 400 ? "warn" : "good");

export const activityRow = (entry) => {
  const cells = {
    request: () => [el("span", { class: "badge", "data-tone": tone(entry.status) }, String(entry.status)), `${entry.method} ${entry.path}`, entry.function, duration(entry.micros)],
    invocation: () => [el("span", { class: "badge", "data-tone": entry.error ? "bad" : "plain" }, "run"), entry.error ?? (entry.cold ? "cold start" : "warm"), entry.function, duration(entry.micros)],
    relayed: () => [el("span", { class: "badge", "data-tone": "plain" }, "stream"), `${plural(entry.records, "record")} of ${entry.table}`, entry.function, ""],
    queued: () => [el("span", { class: "badge", "data-tone": "plain" }, "queue"), "a message waits", entry.queue, ""],
    taken: () => [el("span", { class: "badge", "data-tone": entry.failed ? "warn" : "plain" }, "queue"), `${plural(entry.messages, "message")} of ${entry.queue}${entry.failed ? `, ${entry.failed} to come again` : ""}`, entry.function, ""],
    log: () => [el("span", { class: "badge", "data-tone": "plain" }, "log"), entry.line, entry.function, ""],
  }[entry.kind]();
  const [badge, what, who, took] = cells;
  return el("li", { class: entry.kind }, time(entry.at), badge, el("span", { class: "what" }, what), el("span", { class: "who" }, who), el("span", { class: "took" }, took));
};

const table = (caption, heads, rows, empty) => {
  if (!rows.length) return el("p", { class: "empty" }, empty);
  const cell = (tag, value, index) => el(tag, { class: heads[index].number ? "number" : null, scope: tag === "th" ? "col" : null }, value);
  return el(
    "div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {},
      el("caption", { class: "hidden" }, caption),
      el("thead", {}, el("tr", {}, ...heads.map((head, index) => cell("th", head.name, index)))),
      el("tbody", {}, ...rows.map((values) => el("tr", {}, ...values.map((value, index) => cell("td", value, index)))))),
  );
};

export const callsTable = (totals) => {
  const units = (value) => (value ? String(Math.round(value * 10) / 10) : "–");
  const heads = [{ name: "Function" }, { name: "Operation" }, { name: "Table" }, { name: "Calls", number: true }, { name: "Errors", number: true }, { name: "Read units", number: true }, { name: "Write units", number: true }];
  const rows = totals.map((total) => [total.caller || "–", total.operation, el("code", {}, total.target || "–"), String(total.calls), total.errors ? String(total.errors) : "–", units(total.capacity.read), units(total.capacity.write)]);
  return table("Calls to the tables", heads, rows, "No function has called a table yet.");
};

export const routesTable = (stack, wanted) => {
  const heads = [{ name: "Method" }, { name: "Path" }, { name: "Function" }];
  const rows = stack.routes.filter(wanted).map((route) => [el("span", { class: "badge", "data-tone": "plain" }, route.method), el("code", {}, route.path), route.function]);
  return table("Routes of the API", heads, rows, "No route matches.");
};
