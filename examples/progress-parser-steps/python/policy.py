"""Reads steps such as `[3/7] Compiling` off the output.

A piece of text may end in the middle of a line, so the unfinished line is kept, within bounds.
"""

import re
from dataclasses import replace

from quarterdeck_sdk.progress_parser import (
    NoConfig,
    Piece,
    Piece_CommandEnd,
    Piece_Text,
    Session,
    Status,
    Update,
    progress_parser,
)

LONGEST_LINE = 4096
"""Longer lines have their step at the beginning, or none."""

STEP = re.compile(r"\s*\[\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*\](.*)")


class StepParser:
    """Reads one session."""

    def __init__(self) -> None:
        self.line = ""
        """The line under way."""
        self.last: Update | None = None
        """What was told last, so that nothing is told twice."""

    def feed(self, chunk: list[Piece]) -> list[Update]:
        updates: list[Update] = []
        for piece in chunk:
            if isinstance(piece, Piece_Text):
                updates += self.read(piece.value)
            elif isinstance(piece, Piece_CommandEnd):
                updates += self.end(piece.value)
        return updates

    def read(self, text: str) -> list[Update]:
        # A carriage return begins the line anew: that is how bars are redrawn.
        *lines, rest = re.split(r"[\n\r]", self.line + text)
        self.line = rest[:LONGEST_LINE]
        updates = []
        for line in lines:
            update = step(line[:LONGEST_LINE])
            if update and update != self.last:
                updates.append(update)
                self.last = update
        return updates

    def end(self, exit_status: int | None) -> list[Update]:
        """The command is over, and with it what was under way."""
        last, self.last, self.line = self.last, None, ""
        return [replace(last, status=Status.FAILED if exit_status else Status.COMPLETED)] if last else []


def step(line: str) -> Update | None:
    """`[3/7] label` as an update."""
    match = STEP.fullmatch(line)
    if not match:
        return None
    done, total = int(match[1]), int(match[2])
    if done > total or total == 0:
        return None
    return Update("", match[3].strip(), Status.RUNNING, done, total, done * 100 / total)


class Steps:
    """The policy: it has nothing to say but how to begin."""

    def __init__(self, _config: NoConfig) -> None:
        pass

    def parser(self, _session: Session) -> StepParser:
        return StepParser()


Configuration, ParseProgress, Parser = progress_parser(Steps)
