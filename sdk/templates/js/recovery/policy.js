// Restarts a session's program a few times, then gives up.

import { recovery } from "quarterdeck-sdk";

export const { configuration, recover } = recovery({
  config: {
    // Before each attempt.
    "delay-ms": 1000,
  },

  prepare({ "delay-ms": delay }) {
    if (!Number.isSafeInteger(delay) || delay < 0) throw new Error("`delay-ms` has to be a whole number of milliseconds");
    return { delayMs: BigInt(delay) };
  },

  decide({ attempts, maxAttempts }, { delayMs }) {
    if (attempts < maxAttempts) return { action: { tag: "restart" }, reason: "It may have been bad luck.", delayMs };
    return { action: { tag: "give-up" }, reason: "Every attempt failed.", delayMs: 0n };
  },
});
