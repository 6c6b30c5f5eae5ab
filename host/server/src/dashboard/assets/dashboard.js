// The dashboard: each part of the page has a file of its own.

import { listen } from "./events.js";
import "./keys.js";
import "./policies.js";
import "./sessions.js";
import { refresh } from "./state.js";
import "./waiting.js";

const REFRESH_EVERY = 5000;

listen();
refresh();
setInterval(() => document.visibilityState === "visible" && refresh(), REFRESH_EVERY);
