"""Reads percentages at the end of a line, such as `copying 42%`."""

import re

from quarterdeck_sdk.progress_parser import NoConfig, Piece, Piece_Text, Session, Status, Update, progress_parser

LONGEST_LINE = 4096
"""Longer lines are not looked at."""

PERCENTAGE = re.compile(r"(.*) (\d{1,3}(?:\.\d{1,6})?)%\s*")


class SessionReader:
    """Reads one session."""

    def __init__(self) -> None:
        self.line = ""
        """The line under way: text may be cut anywhere."""

    def feed(self, chunk: list[Piece]) -> list[Update]:
        text = "".join(piece.value for piece in chunk if isinstance(piece, Piece_Text))
        *lines, self.line = re.split(r"[\n\r]", self.line + text)
        self.line = self.line[:LONGEST_LINE]
        return [update for line in lines if (update := percentage(line[:LONGEST_LINE]))]


def percentage(line: str) -> Update | None:
    match = PERCENTAGE.fullmatch(line)
    if not match or float(match[2]) > 100:
        return None
    return Update("", match[1].strip(), Status.RUNNING, None, None, float(match[2]))


class Policy:
    """The policy."""

    def __init__(self, _config: NoConfig) -> None:
        pass

    def parser(self, _session: Session) -> SessionReader:
        return SessionReader()


Configuration, ParseProgress, Parser = progress_parser(Policy)
