// Asks a person before anything is deployed.

import { approver, review, safe, spanOf } from "quarterdeck-sdk";

export const { configuration, approve } = approver({
  config: {
    // What makes a command line worth a look.
    word: "deploy",
  },

  prepare(config) {
    if (config.word === "") throw new Error("`word` is empty, so that every command would match");
    return config;
  },

  review({ commandLine }, { word }) {
    const at = commandLine.indexOf(word);
    if (at === -1) return safe("Nothing to look at.");
    return review("A person looks at this first.", { rule: "{{name}}", span: spanOf(commandLine, at, at + word.length) });
  },
});
