"""The rule of examples/approver-force-push, in Python."""

import re
from dataclasses import dataclass

from quarterdeck_sdk.approver import Request, Verdict, approver, dangerous, review, safe, span_of


@dataclass
class Config:
    """The sidecar's `[config]`."""

    allow_lease: bool = False
    """Whether `--force-with-lease` is a push like any other."""


class ForcePush:
    """Reviews `git push`, refuses `git push --force`."""

    def __init__(self, config: Config) -> None:
        self.allow_lease = config.allow_lease

    def review(self, request: Request) -> Verdict:
        line = request.command_line
        commands = [
            list(re.compile(r"[^ \t]+").finditer(line, *command.span())) for command in re.finditer(r"[^;&|()\n]+", line)
        ]
        verdicts = [verdict for words in commands if (verdict := self.review_command(line, words))]
        # The strictest; of equals the first.
        return max(verdicts, key=lambda verdict: verdict.tier.value, default=safe("Nothing is pushed."))

    def review_command(self, line: str, words: list[re.Match[str]]) -> Verdict | None:
        """A verdict on one command, if it is a push."""
        if not words or not (words[0][0] == "git" or words[0][0].endswith("/git")):
            return None
        at = subcommand_at([word[0] for word in words])
        if at >= len(words) or words[at][0] != "push":
            return None
        for argument in words[at + 1 :]:
            if self.forces(argument[0]):
                return dangerous(
                    "A forced push throws away what others pushed.",
                    rule="git/force-push",
                    span=span_of(line, *argument.span()),
                    suggestion="Pull, merge, and push without force.",
                )
        return review("A push is seen by others.", rule="git/push", span=span_of(line, *words[at].span()))

    def forces(self, argument: str) -> bool:
        if argument.startswith("--force-with-lease"):
            return not self.allow_lease
        # The last is a refspec such as `+main`.
        return argument in ("--force", "-f") or argument.startswith("+")


def subcommand_at(words: list[str]) -> int:
    """Where the first word after git's own options is; past the end where there is none."""
    at = 1
    while at < len(words) and words[at].startswith("-"):
        # These take a value.
        at += 2 if words[at] in ("-C", "-c") else 1
    return at


Configuration, Approve = approver(ForcePush, Config)
