import assert from "node:assert/strict";
import { test } from "node:test";

import { approver, progressParser, safe, spanOf } from "./index.js";

const policy = { config: { limit: 1, words: ["x"] }, review: (_, config) => safe(JSON.stringify(config)) };

test("a configuration is laid over the defaults", () => {
  const { configuration, approve } = approver(policy);
  configuration.configure('{"limit":2}');
  assert.equal(approve.review({}).reason, '{"limit":2,"words":["x"]}');
});

test("a wrong configuration is thrown as the text that its author reads", () => {
  const { configuration } = approver(policy);
  const refusal = (json) => {
    try {
      configuration.configure(json);
    } catch (text) {
      return text;
    }
  };
  assert.equal(refusal('{"limits":2}'), "unknown key `limits`; there is `limit`, `words`");
  assert.equal(refusal('{"limit":"2"}'), "`limit` has to be a number, not a text");
  assert.equal(refusal('{"words":{}}'), "`words` has to be a list, not a table");
  assert.equal(refusal("{}"), undefined);
});

test("each session has a parser of its own, made with what was prepared", () => {
  const { configuration, parseProgress } = progressParser({
    prepare: () => "prepared",
    parser: (session, state) => ({ feed: (chunk) => [session.id, state, chunk.length] }),
  });
  configuration.configure("{}");
  const [a, b] = [new parseProgress.Parser({ id: "a" }), new parseProgress.Parser({ id: "b" })];
  assert.deepEqual([a.feed([]), b.feed([1])], [["a", "prepared", 0], ["b", "prepared", 1]]);
});

test("spans count bytes of UTF-8", () => {
  const text = "é€🚢 push";
  const start = text.indexOf("push");
  assert.deepEqual(spanOf(text, start, text.length), { start: 10, end: 14 });
});
