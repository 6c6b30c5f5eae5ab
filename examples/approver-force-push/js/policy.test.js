import assert from "node:assert/strict";
import { test } from "node:test";

import { approve, configuration } from "./policy.js";

function verdict(commandLine, config = {}) {
  configuration.configure(JSON.stringify(config));
  const { tier, span } = approve.review({ commandLine });
  return [tier, span && Buffer.from(commandLine).subarray(span.start, span.end).toString()];
}

test("a push is reviewed, a forced one refused", () => {
  assert.deepEqual(verdict("git status"), ["safe", undefined]);
  assert.deepEqual(verdict("git -C app push"), ["review", "push"]);
  assert.deepEqual(verdict("echo 🚢; git push -f"), ["dangerous", "-f"]);
});

test("a lease may be allowed", () => {
  assert.deepEqual(verdict("git push --force-with-lease", { "allow-lease": true }), ["review", "push"]);
});
