// Restarts a session's program, waiting twice as long each time, and fails over to a
// backup with the last attempt that it is allowed.

import { recovery } from "quarterdeck-sdk";

export const { configuration, recover } = recovery({
  config: {
    // Before the second attempt; the first comes at once.
    "first-delay-ms": 500,
    // No delay is longer.
    "longest-delay-ms": 60_000,
  },

  prepare(config) {
    const [first, longest] = [config["first-delay-ms"], config["longest-delay-ms"]];
    if (![first, longest].every((delay) => Number.isSafeInteger(delay) && delay >= 0)) {
      throw new Error("delays have to be whole numbers of milliseconds");
    }
    if (first > longest) throw new Error("`first-delay-ms` is longer than `longest-delay-ms`");
    return {
      longest: BigInt(longest),
      delay: (attempts) => BigInt(attempts === 0 ? 0 : Math.min(first * 2 ** (attempts - 1), longest)),
    };
  },

  decide({ cause, attempts, maxAttempts, backups }, { longest, delay }) {
    if (cause === "awaits-person") {
      return { action: { tag: "wait" }, reason: "Only a person can answer.", delayMs: longest };
    }
    if (attempts >= maxAttempts) {
      return { action: { tag: "give-up" }, reason: "Every attempt failed.", delayMs: 0n };
    }
    if (attempts + 1 === maxAttempts && backups.length > 0) {
      return { action: { tag: "failover", val: backups[0] }, reason: `${attempts} attempts did not help.`, delayMs: 0n };
    }
    // A shell that hangs is still there: interrupt it before replacing it.
    const tag = cause === "hung" && attempts === 0 ? "reset" : "restart";
    return { action: { tag }, reason: `Attempt ${attempts + 1} of ${maxAttempts}.`, delayMs: delay(attempts) };
  },
});
