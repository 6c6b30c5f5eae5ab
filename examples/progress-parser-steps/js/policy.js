// Reads steps such as `[3/7] Compiling` off the output. A piece of text may end in the
// middle of a line, so the unfinished line is kept, within bounds.

import { progressParser } from "quarterdeck-sdk";

// Longer lines have their step at the beginning, or none.
const LONGEST_LINE = 4096;

export const { configuration, parseProgress } = progressParser({
  parser: () => new StepParser(),
});

class StepParser {
  #line = "";
  #last = undefined;

  feed(chunk) {
    return chunk.flatMap((piece) => {
      if (piece.tag === "text") return this.#read(piece.val);
      if (piece.tag === "command-end") return this.#end(piece.val);
      return [];
    });
  }

  #read(text) {
    // A carriage return begins the line anew: that is how bars are redrawn.
    const lines = text.split(/[\n\r]/);
    const updates = [];
    lines.forEach((part, index) => {
      this.#line = (this.#line + part).slice(0, LONGEST_LINE);
      if (index === lines.length - 1) return;
      const update = step(this.#line);
      this.#line = "";
      if (update && !same(update, this.#last)) updates.push((this.#last = update));
    });
    return updates;
  }

  /** The command is over, and with it what was under way. */
  #end(exitStatus = 0) {
    const last = this.#last;
    this.#line = "";
    this.#last = undefined;
    return last ? [{ ...last, status: exitStatus === 0 ? "completed" : "failed" }] : [];
  }
}

/** `[3/7] label` as an update. */
function step(line) {
  const match = /^\s*\[\s*(\d{1,9})\s*\/\s*(\d{1,9})\s*\](.*)$/.exec(line);
  if (!match) return undefined;
  const [done, total] = [Number(match[1]), Number(match[2])];
  if (done > total || total === 0) return undefined;
  return {
    item: "",
    label: match[3].trim(),
    status: "running",
    completed: BigInt(done),
    total: BigInt(total),
    percent: (done * 100) / total,
  };
}

const same = (a, b) => a.label === b?.label && a.completed === b.completed && a.total === b.total;
