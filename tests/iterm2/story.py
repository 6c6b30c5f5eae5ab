"""A story: a coroutine that is given a connection of the official client.

pytest runs this file as a program for each story, which runs the story in that process.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import iterm2

from stand_in import StandIn

Story = Callable[[iterm2.Connection], Awaitable[None]]
T = TypeVar("T")

STORY_SECONDS = 60
WAIT_SECONDS = 20


def story(tell: Story) -> Callable[[StandIn], None]:
    """Makes a test of a story."""

    @functools.wraps(tell)
    def test(stand_in: StandIn) -> None:
        module = sys.modules[tell.__module__].__file__
        assert module is not None
        told = subprocess.run(
            [sys.executable, __file__, Path(module).stem, tell.__name__],
            env=stand_in.client_environment(),
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=STORY_SECONDS,
        )
        assert told.returncode == 0, f"{told.stdout[-4000:]}\n{told.stderr[-8000:]}"

    # pytest must see the fixture, not the connection.
    del test.__wrapped__
    test.story = tell  # type: ignore[attr-defined]
    return test


async def until(what: str, look: Callable[[], Awaitable[T]]) -> T:
    """Looks until there is something true, and returns that."""
    ends = time.monotonic() + WAIT_SECONDS
    while not (seen := await look()):
        assert time.monotonic() < ends, f"waited in vain for this: {what} (last: {seen!r})"
        await asyncio.sleep(0.02)
    return seen


async def soon(awaitable: Awaitable[T]) -> T:
    """What comes within reasonable time."""
    return await asyncio.wait_for(awaitable, WAIT_SECONDS)


async def screen(session: iterm2.Session) -> list[str]:
    """The lines that a session shows, without the empty ones at the end."""
    contents = await session.async_get_screen_contents()
    lines = [contents.line(at).string for at in range(contents.number_of_lines)]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


async def shows(session: iterm2.Session, text: str) -> list[str]:
    """Waits until a line of the screen is this text."""

    async def look() -> list[str]:
        lines = await screen(session)
        return lines if text in [line.strip() for line in lines] else []

    return await until(f"a line `{text}`", look)


async def first_session(connection: iterm2.Connection) -> tuple[iterm2.App, iterm2.Session]:
    """The application and the session that it started with, at its prompt."""
    app: Any = await iterm2.async_get_app(connection)
    session = app.current_terminal_window.current_tab.current_session

    async def prompt() -> bool:
        return await iterm2.async_get_last_prompt(connection, session.session_id) is not None

    await until("a prompt", prompt)
    return app, session


if __name__ == "__main__":
    iterm2.run_until_complete(getattr(importlib.import_module(sys.argv[1]), sys.argv[2]).story)
