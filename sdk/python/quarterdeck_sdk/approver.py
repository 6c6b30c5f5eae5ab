"""Safety rules: kind `approver`."""

from typing import Any, Callable, Protocol

from wit_world.exports.approve import Certainty, Entry, Request, Verdict
from wit_world.imports.types import Attribute, Caller, PromptState, Session, Span, Tier

from .configuration import Configured, NoConfig

__all__ = [
    "Approver", "Attribute", "Caller", "Certainty", "Entry", "NoConfig", "PromptState", "Request", "Session", "Span",
    "Tier", "Verdict", "approver", "dangerous", "request_for_test", "review", "safe", "span_of",
]  # fmt: skip


class Approver(Protocol):
    """Judges what is about to run in a session."""

    def review(self, request: Request) -> Verdict:
        """Says how far the command may go. An exception counts as dangerous."""
        ...


def approver(make: Callable[[Any], Approver], config: type = NoConfig) -> tuple[type, type]:
    """The interfaces that the component exports; `make` gets a `config`, and raises ValueError to refuse it.

    `Configuration, Approve = approver(Policy, Config)`, in these names.
    """
    configured = Configured(make, config)

    class Approve:
        def review(self, request: Request) -> Verdict:
            return configured.policy.review(request)

    return configured.interface(), Approve


def safe(reason: str, *, rule: str | None = None) -> Verdict:
    """It may run."""
    return Verdict(Tier.SAFE, reason, rule, None, None)


def review(
    reason: str, *, rule: str | None = None, span: Span | None = None, suggestion: str | None = None
) -> Verdict:
    """A person is to be asked."""
    return Verdict(Tier.REVIEW, reason, rule, span, suggestion)


def dangerous(
    reason: str, *, rule: str | None = None, span: Span | None = None, suggestion: str | None = None
) -> Verdict:
    """It is refused."""
    return Verdict(Tier.DANGEROUS, reason, rule, span, suggestion)


def span_of(text: str, start: int, end: int) -> Span:
    """The span from index `start` to index `end`: indices count characters, spans bytes of UTF-8."""
    first = len(text[:start].encode())
    return Span(first, first + len(text[start:end].encode()))


def session_for_test(name: str = "test") -> Session:
    """A `pty` at its prompt, of which nothing else is known."""
    return Session(name, name, "pty", None, None, PromptState.AT_PROMPT, False, [], None, None, [])


def request_for_test(command_line: str) -> Request:
    """An agent hands this command line over whole; change the fields that your rule looks at."""
    caller = Caller("agent", None, None, None, "stdio")
    return Request(command_line, Entry.COMMAND, Certainty.EXACT, session_for_test(), caller, [], 0, [])
