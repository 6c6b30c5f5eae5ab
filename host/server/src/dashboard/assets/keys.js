// What a person's keys, clipboard and lines type into the session on the screen.

import { byId } from "./page.js";
import { type } from "./screen.js";

const KEYS = {
  Enter: "enter", Tab: "tab", Escape: "escape", Backspace: "backspace", Delete: "delete", Insert: "insert",
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Home: "home", End: "end",
  PageUp: "pageup", PageDown: "pagedown",
};
for (let number = 1; number <= 12; number++) KEYS[`F${number}`] = `f${number}`;

/** With which modifiers a terminal tells keys apart; it tells all others with any. */
const TOLD_APART = { enter: ["alt"], escape: ["alt"], tab: ["shift"], backspace: ["ctrl", "alt"] };
/** What else there is with Control; Control and ] leave the screen. */
const WITH_CONTROL = "@[\\^_/?";

const ON_A_MAC = navigator.platform.startsWith("Mac");

/** The modifiers of a press as the host names them. */
function held(event, among = ["ctrl", "alt", "shift"]) {
  return among.filter((modifier) => event[`${modifier}Key`]).map((modifier) => `${modifier}-`).join("");
}

/** What a key press types; null where it is the browser's, or part of a character. */
function typedBy(event) {
  if (event.isComposing || event.metaKey) return null;
  const named = KEYS[event.key];
  // Pasting, and looking back.
  if (event.shiftKey && ["insert", "pageup", "pagedown"].includes(named)) return null;
  if (named) return { key: held(event, TOLD_APART[named]) + named };
  const character = [...event.key].length === 1;
  const plain = /^[!-~]$/.test(event.key);
  // AltGr, and Option on a Mac, are how many keyboards write @ and {.
  const option = ON_A_MAC && event.altKey && !event.ctrlKey && !/^[a-z0-9]$/i.test(event.key);
  const writes = event.getModifierState("AltGraph") || option;
  if (character && (writes || !event.ctrlKey && !(event.altKey && (plain || event.key === " ")))) {
    return { text: event.key };
  }
  if (event.key === " ") return { key: `${held(event, ["ctrl", "alt"])}space` };
  const letter = /^[a-z]$/i.test(event.key);
  if (event.ctrlKey) {
    // Copying what is selected is the browser's, and so is what has Shift as well.
    if (event.key === "c" && !getSelection().isCollapsed) return null;
    const known = letter ? !event.shiftKey : character && WITH_CONTROL.includes(event.key);
    return known ? { key: held(event, ["ctrl", "alt"]) + event.key.toLowerCase() } : null;
  }
  // Which characters Shift makes is the keyboard's to know.
  return plain ? { key: held(event, letter ? ["alt", "shift"] : ["alt"]) + event.key.toLowerCase() } : null;
}

const screen = byId("screen");
const keyboard = byId("keyboard");

byId("terminal").addEventListener("keydown", (event) => {
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
byId("terminal").addEventListener("paste", (event) => {
  event.preventDefault();
  type({ paste: event.clipboardData.getData("text/plain") });
});

// Text that comes without a key of its own, from dead keys, input methods, dictation and
// the list of emoji, comes only where a page takes text: into a field at the cursor.
// While somebody selects with the pointer, the screen keeps the focus, or the selection goes.
let selecting = false;
screen.addEventListener("pointerdown", () => { selecting = true; });
addEventListener("pointerup", () => {
  if (!selecting) return;
  selecting = false;
  if (document.activeElement === screen && getSelection().isCollapsed) toKeyboard();
});
screen.addEventListener("focus", () => { if (!selecting) toKeyboard(); });

function toKeyboard() {
  keyboard.focus({ preventScroll: true });
}

function takeText() {
  const text = keyboard.value;
  keyboard.value = "";
  keyboard.classList.remove("composes");
  if (text) type({ text });
}
keyboard.addEventListener("input", (event) => { if (!event.isComposing) takeText(); });
keyboard.addEventListener("compositionstart", () => keyboard.classList.add("composes"));
keyboard.addEventListener("compositionend", takeText);

byId("line-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (type({ line: byId("line").value })) byId("line").value = "";
});
for (const button of document.querySelectorAll("#line-form [data-key]")) {
  button.addEventListener("click", () => type({ key: button.dataset.key }));
}
