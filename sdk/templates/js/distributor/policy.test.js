import assert from "node:assert/strict";
import { test } from "node:test";

import { configuration, distribute } from "./policy.js";

configuration.configure("{}");

test("the roomiest worker is taken and nobody is overfull", () => {
  const tasks = ["1", "2", "3", "4"].map((id) => ({ id, openDependencies: [] }));
  const workers = [
    { sessionId: "a", running: 0, capacity: 1 },
    { sessionId: "b", running: 0, capacity: 2 },
  ];
  const plan = distribute.distribute({ tasks, workers, limit: 9, running: 0, state: new Uint8Array() });
  assert.equal(plan.assignments[0].sessionId, "b");
  assert.deepEqual([plan.assignments.length, plan.waits.length], [3, 1]);
});
