import assert from "node:assert/strict";
import { test } from "node:test";

import { configuration, recover } from "./policy.js";

configuration.configure("{}");
const decide = (facts) => recover.decide({ cause: "exited", attempts: 0, maxAttempts: 3, backups: [], ...facts });

test("delays double", () => {
  assert.deepEqual([0, 1, 2].map((attempts) => decide({ attempts }).delayMs), [0n, 500n, 1000n]);
});

test("a hung shell is interrupted before it is replaced", () => {
  assert.equal(decide({ cause: "hung" }).action.tag, "reset");
  assert.equal(decide({ cause: "hung", attempts: 1 }).action.tag, "restart");
});

test("with the last attempt a backup takes over if there is one", () => {
  assert.deepEqual(decide({ attempts: 2, backups: ["b"] }).action, { tag: "failover", val: "b" });
  assert.deepEqual(decide({ attempts: 3, backups: ["b"] }).action, { tag: "give-up" });
});

test("a configuration that contradicts itself is refused", () => {
  assert.throws(
    () => configuration.configure(`{"first-delay-ms":9,"longest-delay-ms":1}`),
    (text) => text.includes("longer"),
  );
});
