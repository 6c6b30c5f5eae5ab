// The state of the host: sessions, confirmations and policies, asked for when something
// has happened. Parts of the page say what they do with it.

const REFRESH_AT_MOST_EVERY = 1000;

const listeners = [];

/** Has `listener` called with each state. */
export function onState(listener) {
  listeners.push(listener);
}

let refreshing = null;
let refreshedAt = 0;

/** Asks for the state soon, and not more often than the host likes. */
export function refresh() {
  if (refreshing) return;
  const wait = Math.max(0, refreshedAt + REFRESH_AT_MOST_EVERY - Date.now());
  refreshing = setTimeout(async () => {
    refreshedAt = Date.now();
    try {
      const answer = await fetch("/dashboard/state");
      if (answer.status === 401) return location.reload();
      if (answer.ok) tell(await answer.json());
    } catch {
      // The stream says when the host is back.
    } finally {
      refreshing = null;
    }
  }, wait);
}

let sessionNames = new Map();

/** A session as people know it: by its name, and its id where that says more. */
export function called(session) {
  const name = sessionNames.get(session);
  return name && name !== session ? `${name} (${session})` : session;
}

function tell(state) {
  sessionNames = new Map(state.sessions.map((session) => [session.sessionId, session.name]));
  for (const listener of listeners) listener(state);
}
