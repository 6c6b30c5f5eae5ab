import assert from "node:assert/strict";
import { test } from "node:test";

import { configuration, parseProgress } from "./policy.js";

configuration.configure("{}");

test("a percentage is read even if it is cut", () => {
  const parser = new parseProgress.Parser({ id: "test" });
  assert.deepEqual(parser.feed([{ tag: "text", val: "copying 4" }]), []);
  const [{ label, percent }] = parser.feed([{ tag: "text", val: "2%\r" }]);
  assert.deepEqual([label, percent], ["copying", 42]);
  assert.deepEqual(parser.feed([{ tag: "text", val: "100% sure\n 300%\n" }]), []);
});
