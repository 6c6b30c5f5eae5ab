import assert from "node:assert/strict";
import { test } from "node:test";

import { configuration, distribute } from "./policy.js";

configuration.configure("{}");

const task = (id, kind, openDependencies = []) => ({ id, kind, openDependencies });
const workers = [
  { sessionId: "a", running: 0, capacity: 1 },
  { sessionId: "b", running: 0, capacity: 2 },
];
const first = distribute.distribute({ tasks: [task("1", "build")], workers, limit: 9, running: 0, state: new Uint8Array() });

test("a kind comes home as long as there is room", () => {
  const tasks = [task("2", "test"), task("3", "build"), task("4", "build"), task("5", "build")];
  const plan = distribute.distribute({ tasks, workers, limit: 9, running: 0, state: first.state });
  assert.deepEqual(
    plan.assignments.map(({ taskId, sessionId }) => [taskId, sessionId]),
    [["2", "b"], ["3", "b"], ["4", "a"]],
  );
  assert.deepEqual(plan.waits, [{ taskId: "5", reason: "Every worker is busy." }]);
});

test("dependencies and the limit are kept", () => {
  const tasks = [task("2", "x", ["1"]), task("3", "x"), task("4", "x")];
  const plan = distribute.distribute({ tasks, workers, limit: 1, running: 0, state: first.state });
  assert.equal(plan.assignments[0].taskId, "3");
  assert.equal(plan.waits.length, 2);
});
