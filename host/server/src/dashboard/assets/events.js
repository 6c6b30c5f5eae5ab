// The stream of events: the log, and who is told of what comes.

import { address, byId, clock, element, plain } from "./page.js";
import { heard, measured } from "./plots.js";
import { refresh } from "./state.js";
import { remember } from "./work.js";

const EVENTS_SHOWN = 300;
/** Told every few seconds: the plots show them, and they would crowd out the rest. */
const MEASUREMENTS = ["performance.update", "system.stats"];
/** What the page asks the history for when it opens. */
const TELLING = ["session.*", "gate.*", "policy.*", "claude.*", "agent.*", "todo.*", "ticket.*", "task.*",
  "progress.*", "health.*", "system.error"];

const log = [];
const measurements = [];
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
  heard(event);
  note(event, summary(event.data));
  remember(event.type, event.data, event.timestamp);
  if (event.type === "performance.update") measured(event.data.overall);
  if (/^(session|gate|policy|claude|task|system\.error)/.test(event.type)) refresh();
}

function note(event, text) {
  const list = MEASUREMENTS.includes(event.type) ? measurements : log;
  list.unshift({ at: event.timestamp, type: event.type, text: plain(text) });
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

function drawLog() {
  const pattern = byId("only").value.trim();
  const regular = new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}`);
  const among = pattern ? [...log, ...measurements].sort((a, b) => b.at.localeCompare(a.at)) : log;
  byId("events").replaceChildren(...among.filter(({ type }) => regular.test(type)).map(({ at, type, text }) =>
    element("li", {}, element("time", { datetime: at, title: at }, clock(at)), ` ${type} `, text)));
}
byId("only").addEventListener("input", drawLater);

let patience = 500;
/** Hears events for as long as the page is open. */
export function listen() {
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
