"""Asks a person before anything is deployed."""

from dataclasses import dataclass

from quarterdeck_sdk.approver import Request, Verdict, approver, review, safe, span_of


@dataclass
class Config:
    """The sidecar's `[config]`."""

    word: str = "deploy"
    """What makes a command line worth a look."""


class Policy:
    """The rule."""

    def __init__(self, config: Config) -> None:
        if not config.word:
            raise ValueError("`word` is empty, so that every command would match")
        self.word = config.word

    def review(self, request: Request) -> Verdict:
        line = request.command_line
        at = line.find(self.word)
        if at == -1:
            return safe("Nothing to look at.")
        return review("A person looks at this first.", rule="{{name}}", span=span_of(line, at, at + len(self.word)))


Configuration, Approve = approver(Policy, Config)
