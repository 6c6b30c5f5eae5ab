// The list of sessions, and which of them is on the screen.

import { byId, complain, element, keepFocus, post, report } from "./page.js";
import { watch } from "./screen.js";
import { called, onState, refresh } from "./state.js";

onState(({ sessions }) => showSessions(sessions));

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

function choose(session) {
  if (session === chosen) return;
  chosen = session;
  complain(null);
  askAgain(false);
  showTitle();
  for (const button of byId("sessions").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.key === session));
  }
  watch(session);
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
