// The dashboard's script. What hosts, terminals and agents say is only ever put into the
// page as text (textContent), never as markup.
"use strict";

const CSRF = document.querySelector("meta[name=csrf]").content;
const EVENTS_SHOWN = 300;
const POINTS = 240;
const REFRESH_AT_MOST_EVERY = 1000;
const MEASURE_EVERY = 5000;

const byId = (id) => document.getElementById(id);

/** An element with text or children in it. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function address(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

async function post(path, body = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": CSRF },
    body: JSON.stringify(body),
  });
  if (answer.ok) return answer.json();
  const told = await answer.json().catch(() => ({}));
  throw new Error(told.error ? told.error.message : `the host answered ${answer.status}`);
}

const inWords = (error) => (error ? error.message || String(error) : "");

/** Says beside the screen why something was not typed; nothing, if all is well. */
function complain(error) {
  byId("refusal").textContent = inWords(error);
}

/** Says at the top of the page why a button did not do what it says. */
function report(error) {
  byId("problem").textContent = inWords(error);
}

// --- the state: sessions, confirmations, policies ---------------------------------------

let refreshing = null;
let refreshedAt = 0;

/** Asks for the state soon, and not more often than the host likes. */
function refresh() {
  if (refreshing) return;
  const wait = Math.max(0, refreshedAt + REFRESH_AT_MOST_EVERY - Date.now());
  refreshing = setTimeout(async () => {
    refreshedAt = Date.now();
    try {
      const answer = await fetch("/dashboard/state");
      if (answer.status === 401) return location.reload();
      if (answer.ok) show(await answer.json());
    } catch {
      // The stream says when the host is back.
    } finally {
      refreshing = null;
    }
  }, wait);
}

let sessionNames = new Map();

/** A session as people know it: by its name, and its id where that says more. */
function called(session) {
  const name = sessionNames.get(session);
  return name && name !== session ? `${name} (${session})` : session;
}

function show(state) {
  sessionNames = new Map(state.sessions.map((session) => [session.sessionId, session.name]));
  showWaiting(state.waiting);
  showSessions(state.sessions);
  showPolicies(state.policies);
  if (!measuredByHost) measure(state);
}

function showWaiting(waiting) {
  byId("waiting").hidden = waiting.length === 0;
  // Also a person who looks at another tab sees that somebody waits.
  document.title = waiting.length ? `(${waiting.length}) Quarterdeck` : "Quarterdeck";
  keepFocus(byId("waiting-list"), waiting.map((pending) =>
    element("li", { "data-key": pending.confirmationId },
      element("pre", { class: "command" }, pending.command),
      element("p", {}, pending.verdict.reason),
      element("p", { class: "faint" }, whereAndWho(pending)),
      element("div", { class: "buttons" },
        answerButton(pending, true, "Approve"), answerButton(pending, false, "Deny")))));
}

function whereAndWho(pending) {
  const left = pending.expiresInSeconds;
  return [
    `In ${called(pending.sessionId)}`,
    pending.cwd,
    pending.client && `asked by ${pending.client}`,
    left < 60 ? `${left} s left` : `${Math.floor(left / 60)} min ${left % 60} s left`,
  ].filter(Boolean).join(" · ");
}

function answerButton(pending, allow, text) {
  return element("button", {
    type: "button",
    class: allow ? null : "quiet",
    "data-key": `${text} ${pending.confirmationId}`,
    "aria-label": `${text} ${pending.command}`,
    onclick: async () => {
      try {
        await post(`/dashboard/confirmations/${encodeURIComponent(pending.confirmationId)}`, { allow });
        report(null);
      } catch (error) {
        report(error);
      }
      refresh();
    },
  }, text);
}

let chosen = null;

function showSessions(sessions) {
  byId("no-sessions").hidden = sessions.length > 0;
  keepFocus(byId("sessions"), sessions.map((session) => {
    const mood = session.state === "error" ? "bad" : session.state === "active" ? "good" : "faint";
    return element("li", {},
      element("button", {
        type: "button",
        "data-key": session.sessionId,
        "aria-pressed": String(session.sessionId === chosen),
        onclick: () => choose(session.sessionId),
      },
      element("strong", {}, session.name), " ",
      element("span", { class: mood }, session.ended ? `ended (${session.exitStatus ?? "?"})` : session.state),
      element("span", { class: "faint" },
        `${session.program ?? "–"} in ${session.workingDirectory ?? "–"} · ` +
        `${session.cpu.toFixed(0)} % · ${session.memory.toFixed(0)} MB`)));
  }));
  if (!sessions.some((session) => session.sessionId === chosen)) {
    choose(sessions.length ? sessions[0].sessionId : null);
  }
  showTitle();
}

function showTitle() {
  byId("screen-title").textContent = chosen ? `Screen of ${called(chosen)}` : "Screen";
}

const FAILING = ["failed", "quarantined"];

function showPolicies(policies) {
  const micros = (value) => (value >= 1000 ? `${(value / 1000).toFixed(1)} ms` : `${value} µs`);
  const number = (text) => element("td", { class: "number" }, String(text));
  const sleeps = ({ state }) => state === "dormant";
  const failing = ({ state }) => FAILING.includes(state);
  const awake = policies.filter((policy) => !sleeps(policy))
    .sort((a, b) => failing(b) - failing(a) || (b.kind === "approver") - (a.kind === "approver"));
  byId("policies").replaceChildren(...awake.map((policy) =>
    element("tr", {},
      element("th", { scope: "row" }, policy.name),
      element("td", {}, policy.kind ?? "?"),
      element("td", { class: failing(policy) ? "bad" : null }, policy.state),
      number(policy.generation), number(policy.calls),
      number(policy.calls ? micros(policy.p50Micros) : "–"), number(policy.calls ? micros(policy.p99Micros) : "–"),
      element("td", {}, policy.lastError ?? ""))));
  showDormant(policies.filter(sleeps));
}

/** Policies that wait for their first question: names are enough. */
function showDormant(policies) {
  const dormant = byId("dormant");
  dormant.hidden = policies.length === 0;
  dormant.querySelector("summary").textContent =
    `${policies.length} more ${policies.length === 1 ? "sleeps" : "sleep"} until they are needed`;
  const kinds = [...new Set(policies.map(({ kind }) => kind))].sort();
  dormant.querySelector("dl").replaceChildren(...kinds.flatMap((kind) => [
    element("dt", {}, kind ?? "?"),
    element("dd", {}, policies.filter((policy) => policy.kind === kind).map(({ name }) => name).join(", ")),
  ]));
}

/** Replaces children without taking the keyboard's focus away. */
function keepFocus(parent, children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  parent.replaceChildren(...children);
  if (focused) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// --- one session's screen ----------------------------------------------------------------

let window_ = null;

function choose(session) {
  if (session === chosen) return;
  chosen = session;
  complain(null);
  window_?.close();
  window_ = null;
  byId("screen").replaceChildren();
  drawnRows = [];
  following = true;
  askAgain(false);
  showTitle();
  for (const button of byId("sessions").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.key === session));
  }
  if (session) watch(session);
}

function watch(session) {
  const socket = new WebSocket(address(`/dashboard/screen/${encodeURIComponent(session)}`));
  window_ = socket;
  socket.addEventListener("message", ({ data }) => {
    const told = JSON.parse(data);
    if (told.screen) draw(told.screen);
    if (told.refused) complain(told.refused);
    if (told.closed) refresh();
  });
  socket.addEventListener("close", () => {
    if (window_ !== socket) return;
    window_ = null;
    setTimeout(() => chosen === session && !window_ && watch(session), 2000);
  });
}

/** Each row as it was told, to leave alone those that have not changed: what a person has
    selected there stays selected. */
let drawnRows = [];
/** Whether the cursor is kept in sight, as long as nobody scrolls away from it. */
let following = true;

function draw(screen) {
  const view = byId("screen");
  const [cursorRow, cursorColumn] = screen.cursor ?? [-1, -1];
  const told = screen.lines.map((line, number) =>
    JSON.stringify([line, number === cursorRow ? cursorColumn : -1]));
  // What has scrolled out at the top goes, so that the rest stays where it is.
  const known = (at) => told.slice(0, 8).every((row, number) => drawnRows[at + number] === row);
  const scrolled = known(0) ? 0 : Math.max(0, drawnRows.findIndex((_, at) => known(at)));
  for (const row of [...view.children].slice(0, scrolled)) row.remove();
  drawnRows = drawnRows.slice(scrolled);
  while (view.children.length > told.length) view.lastChild.remove();
  told.forEach((row, number) => {
    if (row === drawnRows[number] && view.children[number]) return;
    const [line, at] = JSON.parse(row);
    const made = element("div", { class: "row" }, ...withCursor(line, at).map(drawRun));
    if (view.children[number]) view.children[number].replaceWith(made);
    else view.append(made);
  });
  drawnRows = told;
  const row = view.children[cursorRow];
  if (following && row) view.scrollTop = row.offsetTop + 2 * row.offsetHeight - view.clientHeight;
}

function looksAround() {
  const view = byId("screen");
  following = view.scrollTop + view.clientHeight >= view.scrollHeight - 2;
}
for (const how of ["wheel", "touchmove"]) {
  byId("screen").addEventListener(how, () => requestAnimationFrame(looksAround), { passive: true });
}

/** Cuts the run that the cursor stands on. */
function withCursor(line, at) {
  if (at < 0) return line;
  const runs = [];
  let column = 0;
  for (const run of line) {
    const inside = at - column;
    if (inside >= 0 && inside < run.columns) {
      const letters = [...run.text];
      const narrow = letters.length === run.columns;
      const [before, under, after] = narrow
        ? [letters.slice(0, inside), letters.slice(inside, inside + 1), letters.slice(inside + 1)]
        : [[], letters, []];
      if (before.length) runs.push({ ...run, text: before.join(""), columns: before.length });
      runs.push({ ...run, text: under.join(""), columns: narrow ? 1 : run.columns, cursor: true });
      if (after.length) runs.push({ ...run, text: after.join(""), columns: after.length });
    } else {
      runs.push(run);
    }
    column += run.columns;
  }
  if (at >= column) {
    if (at > column) runs.push({ text: " ".repeat(at - column), columns: at - column });
    runs.push({ text: " ", columns: 1, cursor: true });
  }
  return runs;
}

function drawRun(run) {
  const span = element("span", { class: [...(run.set ?? []), run.cursor ? "cursor" : ""].join(" ").trim() || null },
    run.text);
  span.style.width = `${run.columns}ch`;
  if (run.cursor) return span;
  if (run.color || run.background) {
    const background = run.background ?? "#000000";
    span.style.color = readable(run.color ?? "#cbcccd", background);
    if (run.background) span.style.backgroundColor = background;
  }
  return span;
}

const parts = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

/** Relative luminance, as WCAG 2 has it. */
function luminance(color) {
  const [red, green, blue] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const readableColors = new Map();

/** The colour, moved towards white or black until it can be read on the background. */
function readable(color, background) {
  const key = color + background;
  if (!readableColors.has(key)) {
    const ground = luminance(parts(background));
    const towards = ground < 0.18 ? 255 : 0;
    let text = parts(color);
    const contrast = () => {
      const [low, high] = [ground, luminance(text)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    };
    for (let step = 0; step < 20 && contrast() < 4.6; step++) {
      text = text.map((part) => Math.round(part + (towards - part) * 0.15));
    }
    if (readableColors.size > 4096) readableColors.clear();
    readableColors.set(key, `rgb(${text.join(" ")})`);
  }
  return readableColors.get(key);
}

/** Types into the chosen session; false where nothing can be typed. */
function type(input) {
  following = true;
  if (window_?.readyState !== WebSocket.OPEN) {
    complain(chosen ? "Nothing was typed: the session's screen is not connected. It is tried again."
      : "Nothing was typed: no session is open.");
    return false;
  }
  complain(null);
  window_.send(JSON.stringify({ csrf: CSRF, ...input }));
  return true;
}

const KEYS = {
  Enter: "enter", Tab: "tab", Escape: "escape", Backspace: "backspace", Delete: "delete", Insert: "insert",
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Home: "home", End: "end",
  PageUp: "pageup", PageDown: "pagedown",
};

const ON_A_MAC = navigator.platform.startsWith("Mac");

/** What a key press types; null where it is the browser's. */
function typedBy(event) {
  if (event.isComposing || event.metaKey) return null;
  const letter = /^[a-z]$/i.test(event.key);
  const character = [...event.key].length === 1;
  // AltGr, and Option on a Mac, are how many keyboards write @ and {.
  const option = ON_A_MAC && event.altKey && !event.ctrlKey && !/^[a-z0-9]$/i.test(event.key);
  const writes = event.getModifierState("AltGraph") || option;
  if (writes && character) return { text: event.key };
  if (event.ctrlKey) {
    // Copying what is selected is the browser's.
    if (event.key === "c" && !getSelection().isCollapsed) return null;
    return letter && !event.shiftKey ? { key: `ctrl-${event.key.toLowerCase()}` } : null;
  }
  if (event.altKey) return /^[a-z0-9]$/i.test(event.key) ? { key: `alt-${event.key}` } : null;
  if (event.key === "Tab" && event.shiftKey) return { key: "shift-tab" };
  if (/^F([1-9]|1[0-2])$/.test(event.key)) return { key: event.key.toLowerCase() };
  if (KEYS[event.key]) return { key: KEYS[event.key] };
  return character ? { text: event.key } : null;
}

byId("screen").addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "]") {
    event.preventDefault();
    byId("line").focus();
    return;
  }
  const typed = typedBy(event);
  if (!typed) return;
  event.preventDefault();
  type(typed);
});
byId("screen").addEventListener("paste", (event) => {
  event.preventDefault();
  type({ paste: event.clipboardData.getData("text/plain") });
});
byId("line-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (type({ line: byId("line").value })) byId("line").value = "";
});
for (const button of document.querySelectorAll("#line-form [data-key]")) {
  button.addEventListener("click", () => type({ key: button.dataset.key }));
}
let asked = null;

/** Has the button ask before what runs in the session is ended. */
function askAgain(ask) {
  clearTimeout(asked);
  asked = ask ? setTimeout(() => askAgain(false), 5000) : null;
  const button = byId("close-session");
  button.textContent = ask ? "Really close it" : "Close session";
  button.classList.toggle("grave", ask);
  button.classList.toggle("quiet", !ask);
}

byId("close-session").addEventListener("click", () => {
  if (!chosen) return;
  if (!asked) return askAgain(true);
  askAgain(false);
  post(`/dashboard/sessions/${encodeURIComponent(chosen)}/close`).then(() => report(null), report).finally(refresh);
});
byId("open-session").addEventListener("click", async () => {
  try {
    const { sessionId } = await post("/dashboard/sessions");
    choose(sessionId);
    report(null);
  } catch (error) {
    report(error);
  }
  refresh();
});

// --- use over time -----------------------------------------------------------------------

let measuredByHost = false;
const series = {
  cpu: { title: "Processor", unit: "%", points: [] },
  memory: { title: "Memory", unit: "MB", points: [] },
  latency: { title: "Slowest policy, 99 of 100 calls", unit: "ms", points: [] },
  events: { title: "Events", unit: "a minute", points: [] },
};
let eventsHeard = [];

/** Without a monitor that measures, the state's own figures do. */
function measure(state) {
  const sum = (name) => state.sessions.reduce((total, session) => total + session[name], 0);
  add("cpu", sum("cpu"));
  add("memory", sum("memory"));
  add("latency", Math.max(0, ...state.policies.map((policy) => policy.p99Micros)) / 1000);
  measureEvents();
}

function measureEvents() {
  const minuteAgo = Date.now() - 60_000;
  eventsHeard = eventsHeard.filter((at) => at > minuteAgo);
  add("events", eventsHeard.length);
  plot();
}

function add(name, value) {
  const { points } = series[name];
  points.push(value);
  if (points.length > POINTS) points.shift();
}

const SVG = "http://www.w3.org/2000/svg";
function plot() {
  byId("plots").replaceChildren(...Object.values(series).filter(({ points }) => points.length).map(
    ({ title, unit, points }) => {
      const most = Math.max(...points, 1);
      const now = points[points.length - 1];
      const text = `${title}: ${now.toFixed(now < 10 ? 1 : 0)} ${unit}`;
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("class", "plot");
      const width = Math.max(30, points.length - 1);
      svg.setAttribute("viewBox", `0 0 ${width} 100`);
      svg.setAttribute("preserveAspectRatio", "none");
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", `${text}, at most ${most.toFixed(1)}`);
      const line = document.createElementNS(SVG, "polyline");
      const drawn = points.length === 1 ? [points[0], points[0]] : points;
      const from = width + 1 - drawn.length;
      line.setAttribute("points",
        drawn.map((value, at) => `${from + at},${(98 - (value / most) * 94).toFixed(1)}`).join(" "));
      svg.append(line);
      return element("figure", {}, element("figcaption", {}, text), svg);
    }));
}

// --- tasks, agents, progress, health -----------------------------------------------------

const work = { tasks: new Map(), progress: new Map(), agents: null, todos: null, alerts: [], coding: new Map() };

function remember(kind, data, at) {
  const keep = (map, key) => {
    map.delete(key);
    map.set(key, data);
    if (map.size > 50) map.delete(map.keys().next().value);
  };
  if (kind === "task.update") keep(work.tasks, data.id);
  else if (kind === "progress.update") keep(work.progress, data.sessionId);
  else if (kind === "claude.status") keep(work.coding, data.session_id);
  else if (kind === "agent.status") work.agents = data;
  else if (kind === "todo.update") work.todos = data;
  else if (kind === "health.alert") work.alerts = [{ ...data, at }, ...work.alerts].slice(0, 10);
  else return false;
  return true;
}

/** States that no task leaves again, and how they look. */
const OVER = { completed: "good", failed: "bad", cancelled: "faint" };

function showWork() {
  const parts = [];
  const part = (title, ...rows) => parts.push(element("h3", {}, title), element("ul", {}, ...rows));
  const bar = (label, percent) => element("li", {}, `${label} – ${Math.round(percent)} %`,
    element("progress", { max: 100, value: percent, "aria-label": label }));
  if (work.alerts.length) {
    part("Health", ...work.alerts.map((alert) =>
      element("li", { class: alert.severity === "warning" ? "warn" : "bad" },
        `${clock(alert.at)} ${alert.severity}: ${alert.component}: ${alert.message}`)));
  }
  if (work.coding.size) {
    part("Coding agents", ...[...work.coding.values()].map((agent) =>
      element("li", {}, `${agent.message} in ${called(agent.session_id)}`)));
  }
  if (work.agents) {
    part("Agents", ...Object.entries(work.agents.agent_stats).map(([name, stats]) =>
      element("li", {}, `${name}${work.agents.active_agents.includes(name) ? " (at work)" : ""}: ` +
        `${stats.tasks} tasks, ${Math.round(stats.avg_duration_ms)} ms each`)));
  }
  if (work.tasks.size) {
    part("Tasks", ...[...work.tasks.values()].reverse().map((task) => OVER[task.status]
      ? element("li", { class: OVER[task.status] }, [`${task.id} ${task.status}`, task.error].filter(Boolean).join(": "))
      : bar(`${task.id} ${task.status}`, task.progress)));
  }
  if (work.progress.size) {
    part("Progress", ...[...work.progress.values()].map((it) =>
      bar(`${called(it.sessionId)} ${it.milestone ?? ""}`.trim(), it.progress)));
  }
  if (work.todos) {
    const { completed, total } = work.todos.stats;
    part("To do", bar(`${completed} of ${total} done`, total ? (100 * completed) / total : 0));
  }
  if (parts.length) byId("work").replaceChildren(...parts);
}

// --- the stream of events ----------------------------------------------------------------

/** Told every few seconds: the plots show them, and they would crowd out the rest. */
const MEASUREMENTS = ["performance.update", "system.stats"];
/** What the page asks the history for when it opens. */
const TELLING = ["session.*", "gate.*", "policy.*", "claude.*", "agent.*", "todo.*", "ticket.*", "task.*",
  "progress.*", "health.*", "system.error"];

const log = [];
const measured = [];
let last = null;
let drawing = false;

function hear(event) {
  if (event.type === "events.missed") {
    note(event, `${event.data.missed} events were too many`);
  } else if (event.sequence) {
    take(event);
  }
  drawLater();
}

function take(event) {
  if (last !== null && event.sequence <= last) return;
  last = event.sequence;
  eventsHeard.push(Date.parse(event.timestamp));
  note(event, summary(event.data));
  if (remember(event.type, event.data, event.timestamp)) showWork();
  if (event.type === "performance.update") {
    measuredByHost = true;
    add("cpu", event.data.overall.cpu);
    add("memory", event.data.overall.memory);
    measureEvents();
  }
  if (/^(session|gate|policy|claude|task|system\.error)/.test(event.type)) refresh();
}

function note(event, text) {
  const list = MEASUREMENTS.includes(event.type) ? measured : log;
  list.unshift({ at: event.timestamp, type: event.type, text });
  list.length = Math.min(list.length, EVENTS_SHOWN);
}

function summary(data) {
  return Object.entries(data)
    .filter(([, value]) => value !== null && value !== "")
    .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" · ")
    .slice(0, 400);
}

function drawLater() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawLog();
  });
}

/** The time of day where the person is. */
function clock(at) {
  return new Date(at).toLocaleTimeString([], { hourCycle: "h23" });
}

function drawLog() {
  const pattern = byId("only").value.trim();
  const regular = new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}`);
  const among = pattern ? [...log, ...measured].sort((a, b) => b.at.localeCompare(a.at)) : log;
  byId("events").replaceChildren(...among.filter(({ type }) => regular.test(type)).map(({ at, type, text }) =>
    element("li", {}, element("time", { datetime: at, title: at }, clock(at)), ` ${type} `, text)));
}
byId("only").addEventListener("input", drawLater);

let patience = 500;
function listen() {
  const socket = new WebSocket(address("/events"));
  socket.addEventListener("open", () => {
    patience = 500;
    byId("connection").textContent = "connected";
    refresh();
  });
  socket.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === "system.status") {
      // The greeting says how far the host is.
      if (last === null) {
        const params = { event_types: TELLING, limit: EVENTS_SHOWN };
        socket.send(JSON.stringify({ command: "get_history", params }));
      }
      socket.send(JSON.stringify({ command: "subscribe", channels: ["*"], since: last ?? event.data.sequence }));
    } else if (event.type === "history") {
      event.data.events.forEach(hear);
    } else {
      hear(event);
    }
  });
  socket.addEventListener("close", () => {
    byId("connection").textContent = "not connected; trying again";
    patience = Math.min(patience * 2, 15_000);
    setTimeout(listen, patience);
  });
}

listen();
refresh();
setInterval(() => document.visibilityState === "visible" && refresh(), MEASURE_EVERY);
