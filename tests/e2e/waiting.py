"""Waiting for a condition, with a deadline: no test sleeps for a guessed time."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")

DEADLINE = 30.0
"""Seconds after which a condition counts as never coming true. Generous, because
only a failing test waits this long."""


async def until(what: str, condition: Callable[[], T | Awaitable[T]], deadline: float = DEADLINE) -> T:
    """Asks `condition` until it answers something true, and returns that."""
    ends = time.monotonic() + deadline
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > ends:
            raise AssertionError(f"waited {deadline:.0f} s in vain for this: {what} (last answer: {answer!r})")
        await anyio.sleep(0.01)


def until_blocking(what: str, condition: Callable[[], T], deadline: float = DEADLINE) -> T:
    """`until` for code outside an event loop."""
    ends = time.monotonic() + deadline
    while not (answer := condition()):
        if time.monotonic() > ends:
            raise AssertionError(f"waited {deadline:.0f} s in vain for this: {what} (last answer: {answer!r})")
        time.sleep(0.01)
    return answer
