// The rule of examples/approver-force-push, in JavaScript.

import { approver, dangerous, review, safe, spanOf } from "quarterdeck-sdk";

export const { configuration, approve } = approver({
  config: {
    // Whether `--force-with-lease` is a push like any other.
    "allow-lease": false,
  },

  review({ commandLine }, config) {
    const verdicts = commands(commandLine).map((words) => reviewCommand(commandLine, words, config["allow-lease"]));
    return (
      verdicts.find((verdict) => verdict?.tier === "dangerous") ??
      verdicts.find((verdict) => verdict !== undefined) ??
      safe("Nothing is pushed.")
    );
  },
});

/** A verdict on one command, if it is a push. */
function reviewCommand(line, [git, ...words], allowLease) {
  if (!git || !/^(.*\/)?git$/s.test(git.text)) return undefined;
  const at = subcommandAt(words);
  const push = words[at];
  if (push?.text !== "push") return undefined;
  const forcing = words.slice(at + 1).find(({ text }) => forces(text, allowLease));
  if (forcing) {
    return dangerous("A forced push throws away what others pushed.", {
      rule: "git/force-push",
      span: spanOf(line, forcing.start, forcing.end),
      suggestion: "Pull, merge, and push without force.",
    });
  }
  return review("A push is seen by others.", { rule: "git/push", span: spanOf(line, push.start, push.end) });
}

/** The words of each command of a line. */
function commands(line) {
  return [...line.matchAll(/[^;&|()\n]+/g)].map((command) =>
    [...command[0].matchAll(/[^ \t]+/g)].map((word) => {
      const start = command.index + word.index;
      return { text: word[0], start, end: start + word[0].length };
    }),
  );
}

/** Where the first word after git's own options is. */
function subcommandAt(words) {
  let at = 0;
  while (words[at]?.text.startsWith("-")) {
    // These take a value.
    at += ["-C", "-c"].includes(words[at].text) ? 2 : 1;
  }
  return at;
}

function forces(argument, allowLease) {
  if (argument === "--force" || argument === "-f") return true;
  if (argument.startsWith("--force-with-lease")) return !allowLease;
  // A refspec such as `+main`.
  return argument.startsWith("+");
}
