// The screen of one session, and the way to its keyboard.

import { readable } from "./colors.js";
import { address, byId, complain, CSRF, element } from "./page.js";
import { refresh } from "./state.js";

/** The session that is on the screen. */
let watched = null;
let connection = null;

/** Puts a session's screen into the page in place of the one before; null empties it. */
export function watch(session) {
  watched = session;
  connection?.close();
  connection = null;
  byId("screen").replaceChildren();
  waitsForYes = null;
  drawnRows = [];
  following = true;
  if (session) connect(session);
}

function connect(session) {
  const socket = new WebSocket(address(`/dashboard/screen/${encodeURIComponent(session)}`));
  connection = socket;
  socket.addEventListener("message", ({ data }) => {
    const told = JSON.parse(data);
    if (told.screen) draw(told.screen);
    if (told.refused) hearRefusal(told.refused);
    if (told.closed) refresh();
  });
  socket.addEventListener("close", () => {
    if (connection !== socket) return;
    connection = null;
    setTimeout(() => watched === session && !connection && connect(session), 2000);
  });
}

/** What was typed last, and the number that the host knows it by. */
let lastTyped = null;
let typedSoFar = 0;
/** What was typed last, while the host asks the person about it. */
let waitsForYes = null;

function hearRefusal(refused) {
  complain(refused);
  if (refused.confirmationId && refused.number === typedSoFar) {
    waitsForYes = { confirmation: refused.confirmationId, input: lastTyped };
  }
}

/** Types again what the host asked the person about, now that they have said yes, unless
    they have typed something else since. */
export function typeApproved(confirmation) {
  if (waitsForYes?.confirmation === confirmation) type(waitsForYes.input);
}

/** A person's no ends the question beside the screen, too. */
export function forgetDenied(confirmation) {
  if (waitsForYes?.confirmation !== confirmation) return;
  waitsForYes = null;
  complain(null);
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
  followCursor(view.querySelector(".cursor"));
}

/** Text that a keyboard composes is shown where it will stand. */
function followCursor(cursor) {
  if (!cursor) return;
  const { left, top } = byId("terminal").getBoundingClientRect();
  const at = cursor.getBoundingClientRect();
  byId("keyboard").style.left = `${at.left - left}px`;
  byId("keyboard").style.top = `${at.top - top}px`;
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

/** Types into the watched session; false where nothing can be typed. */
export function type(input) {
  following = true;
  waitsForYes = null;
  if (connection?.readyState !== WebSocket.OPEN) {
    complain(watched ? "Nothing was typed: the session's screen is not connected. It is tried again."
      : "Nothing was typed: no session is open.");
    return false;
  }
  complain(null);
  lastTyped = input;
  connection.send(JSON.stringify({ csrf: CSRF, number: ++typedSoFar, ...input }));
  return true;
}
