"""Readers of progress: kind `progress-parser`."""

from typing import Any, Callable, Protocol

from wit_world.exports.parse_progress import (
    Piece,
    Piece_CommandEnd,
    Piece_CommandStart,
    Piece_PromptStart,
    Piece_Reported,
    Piece_Text,
    ReportedProgress,
    Status,
    Update,
)
from wit_world.imports.types import Session

from .configuration import Configured, NoConfig

__all__ = [
    "NoConfig", "Piece", "Piece_CommandEnd", "Piece_CommandStart", "Piece_PromptStart", "Piece_Reported", "Piece_Text",
    "ProgressParser", "ReportedProgress", "Session", "SessionParser", "Status", "Update", "progress_parser",
]  # fmt: skip


class SessionParser(Protocol):
    """Reads the output of one session, from its first piece to its last."""

    def feed(self, chunk: list[Piece]) -> list[Update]:
        """Says what is new. A piece of text may end in the middle of a line."""
        ...


class ProgressParser(Protocol):
    """Tells how far running programs are."""

    def parser(self, session: Session) -> SessionParser:
        """Begins to read a session."""
        ...


def progress_parser(make: Callable[[Any], ProgressParser], config: type = NoConfig) -> tuple[type, type, type]:
    """What the component exports: `Configuration, ParseProgress, Parser = progress_parser(Policy, Config)`."""
    configured = Configured(make, config)

    class Parser:
        def __init__(self, session: Session) -> None:
            self._parser = configured.policy.parser(session)

        def feed(self, chunk: list[Piece]) -> list[Update]:
            return self._parser.feed(chunk)

    class ParseProgress:
        pass

    return configured.interface(), ParseProgress, Parser
