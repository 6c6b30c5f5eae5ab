// Commands that wait for a person's answer.

import { byId, element, keepFocus, plain, post, report } from "./page.js";
import { forgetDenied, typeApproved } from "./screen.js";
import { called, onState, refresh } from "./state.js";

onState(({ waiting }) => showWaiting(waiting));

/** What a person may say, as the host is told it. */
const ANSWERS = [
  ["Approve", { allow: "once" }],
  ["Approve for this session", { allow: "session" }],
  ["Approve always", { allow: "always" }],
  ["Deny", "deny"],
];

/** What had the keyboard before it came here. */
let cameFrom = null;
byId("waiting").addEventListener("focusin", ({ relatedTarget }) => {
  if (relatedTarget && !byId("waiting").contains(relatedTarget)) cameFrom = relatedTarget;
});

/** Who has answered goes on with the next question; not on its button, which the same key
    would press. After the last one they are back where they came from. */
function goOn(waiting) {
  const next = waiting.length ? byId("waiting-title") : cameFrom?.isConnected ? cameFrom : byId("sessions-title");
  next.focus();
}

function showWaiting(waiting) {
  const answers = byId("waiting").contains(document.activeElement);
  byId("waiting").hidden = waiting.length === 0;
  // Also a person who looks at another tab sees that somebody waits.
  document.title = waiting.length ? `(${waiting.length}) Quarterdeck` : "Quarterdeck";
  keepFocus(byId("waiting-list"), waiting.map((pending) =>
    element("li", { "data-key": pending.confirmationId },
      element("pre", { class: "command" }, plain(pending.command)),
      element("p", {}, pending.verdict.reason),
      element("p", { class: "faint" }, whereAndWho(pending)),
      element("div", { class: "buttons" },
        ...answersTo(pending).map(([text, answer]) => answerButton(pending, text, answer))))));
  if (answers && !byId("waiting").contains(document.activeElement)) goOn(waiting);
}

/** Whether there is no session yet, and so none to allow anything for. */
const isOpening = (pending) => pending.sessionId === "new";

function answersTo(pending) {
  return ANSWERS.filter(([, { allow }]) =>
    // A yes for good is for one folder.
    (allow !== "session" || !isOpening(pending)) && (allow !== "always" || pending.cwd));
}

function whereAndWho(pending) {
  const left = pending.expiresInSeconds;
  return [
    isOpening(pending) ? "In a session that is opened for it" : `In ${called(pending.sessionId)}`,
    pending.cwd && plain(pending.cwd),
    pending.client && `asked by ${pending.client}`,
    left < 60 ? `${left} s left` : `${Math.floor(left / 60)} min ${left % 60} s left`,
  ].filter(Boolean).join(" · ");
}

function answerButton(pending, text, answer) {
  return element("button", {
    type: "button",
    class: answer.allow === "once" ? null : "quiet",
    "data-key": `${text} ${pending.confirmationId}`,
    "aria-label": `${text} ${plain(pending.command)}`,
    onclick: async () => {
      try {
        await post(`/dashboard/confirmations/${encodeURIComponent(pending.confirmationId)}`, { answer });
        report(null);
        (answer.allow ? typeApproved : forgetDenied)(pending.confirmationId);
      } catch (error) {
        report(error);
      }
      refresh();
    },
  }, text);
}
