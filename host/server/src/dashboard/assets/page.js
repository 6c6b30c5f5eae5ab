// What every part of the page uses. What hosts, terminals and agents say is only ever put
// into the page as text (textContent), never as markup.

export const CSRF = document.querySelector("meta[name=csrf]").content;

export const byId = (id) => document.getElementById(id);

/** An element with text or children in it. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function address(path) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}

export async function post(path, body = {}) {
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
export function complain(error) {
  byId("refusal").textContent = inWords(error);
}

/** Says at the top of the page why a button did not do what it says. */
export function report(error) {
  byId("problem").textContent = inWords(error);
}

/** The text with what cannot be seen in it, or would turn it round, as its number: a person
 * approves what runs, not what looks like it. */
export function plain(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u00a0]/gu, (character) =>
    "\n\t".includes(character) ? character : `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** Replaces children without taking the keyboard's focus away. */
export function keepFocus(parent, children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  parent.replaceChildren(...children);
  if (focused) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** The time of day where the person is. */
export function clock(at) {
  return new Date(at).toLocaleTimeString([], { hourCycle: "h23" });
}
