import assert from "node:assert/strict";
import { test } from "node:test";

import { configuration, parseProgress } from "./policy.js";

configuration.configure("{}");
const parser = () => new parseProgress.Parser({ id: "test" });
const text = (val) => [{ tag: "text", val }];

test("a step is read however its text is cut", () => {
  const whole = "building\n[1/4] Compiling a.c\r[2/4] Compiling b.c\n";
  const expected = parser().feed(text(whole));
  assert.deepEqual(expected.map(({ percent }) => percent), [25, 50]);
  for (let cut = 0; cut < whole.length; cut += 1) {
    const cutParser = parser();
    const updates = [...cutParser.feed(text(whole.slice(0, cut))), ...cutParser.feed(text(whole.slice(cut)))];
    assert.deepEqual(updates, expected, `cut at ${cut}`);
  }
});

test("the end of the command is the end of its progress", () => {
  const ended = parser();
  ended.feed(text("[1/2] Linking\n"));
  assert.equal(ended.feed([{ tag: "command-end", val: 1 }])[0].status, "failed");
  assert.deepEqual(ended.feed([{ tag: "command-end", val: 0 }]), []);
});
