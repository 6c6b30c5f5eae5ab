// What a person's keys, clipboard and lines type into the session on the screen.

import { byId } from "./page.js";
import { type } from "./screen.js";

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
    if (event.key === " ") return { key: "ctrl-space" };
    return letter && !event.shiftKey ? { key: `ctrl-${event.key.toLowerCase()}` } : null;
  }
  if (event.altKey) {
    const named = /^[a-z0-9]$/i.test(event.key) ? event.key : KEYS[event.key];
    return named ? { key: `alt-${named}` } : null;
  }
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
