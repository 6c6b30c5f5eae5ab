import assert from "node:assert/strict";
import { test } from "node:test";

import { approve, configuration } from "./policy.js";

configuration.configure("{}");

test("the word is looked at", () => {
  assert.equal(approve.review({ commandLine: "ls" }).tier, "safe");
  const { tier, span } = approve.review({ commandLine: "make deploy" });
  assert.deepEqual([tier, span], ["review", { start: 5, end: 11 }]);
});
