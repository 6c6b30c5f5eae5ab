// Reads percentages at the end of a line, such as `copying 42%`.

import { progressParser } from "quarterdeck-sdk";

// Longer lines are not looked at.
const LONGEST_LINE = 4096;

export const { configuration, parseProgress } = progressParser({
  parser: () => {
    // The line under way: text may be cut anywhere.
    let line = "";
    return {
      feed(chunk) {
        const text = chunk.filter(({ tag }) => tag === "text").map(({ val }) => val).join("");
        const lines = text.split(/[\n\r]/);
        lines[0] = line + lines[0];
        line = lines.pop().slice(0, LONGEST_LINE);
        return lines.flatMap(percentage);
      },
    };
  },
});

function percentage(line) {
  const match = /^(.*) (\d{1,3}(?:\.\d{1,6})?)%\s*$/.exec(line.slice(0, LONGEST_LINE));
  const percent = Number(match?.[2]);
  return percent <= 100 ? [{ item: "", label: match[1].trim(), status: "running", percent }] : [];
}
