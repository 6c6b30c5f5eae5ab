import assert from "node:assert/strict";
import { test } from "node:test";

import { configuration, recover } from "./policy.js";

configuration.configure("{}");

test("it gives up in the end", () => {
  assert.equal(recover.decide({ attempts: 0, maxAttempts: 3 }).action.tag, "restart");
  assert.equal(recover.decide({ attempts: 3, maxAttempts: 3 }).action.tag, "give-up");
});
