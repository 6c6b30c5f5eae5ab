"""iTerm2 in a world of its own: the stand-in, and the official client beside the host."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import iterm2

from world import World

SUPPORT = Path("Library/Application Support/iTerm2")


class StandIn:
    """A running stand-in below a world's home. It asks for no cookies: nobody could bring a
    second one, where there is no `osascript`."""

    def __init__(self, binary: Path, world: World) -> None:
        self.world = world
        self.process = subprocess.Popen(
            [str(binary), "--home", str(world.home), "--no-cookies"],
            env=world.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == "ready"

    def close(self) -> None:
        """Ends it: it runs until its standard input ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def control(self, line: str) -> str:
        """Says a line at the door for faults."""
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(self.world.home / SUPPORT / "private" / "control"))
            door.sendall(f"{line}\n".encode())
            answer = door.makefile().readline().strip()
        assert not answer.startswith("error:"), f"{line}: {answer}"
        return answer

    def official(self, verb: str, *arguments: str) -> Any:
        """What the official client answers: one of the functions below, in a process of its own."""
        done = subprocess.run(
            [sys.executable, __file__, verb, *arguments],
            env={**self.world.env, "ITERM2_COOKIE": "none-is-needed", "ITERM2_KEY": "story"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{verb}{arguments}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return json.loads(done.stdout.splitlines()[-1])


async def _lines(session: Any) -> list[str]:
    contents = await session.async_get_screen_contents()
    return [contents.line(at).string for at in range(contents.number_of_lines)]


async def panes(app: Any) -> list[str]:
    """The ids of all sessions that are shown."""
    tabs = [tab for window in app.terminal_windows for tab in window.tabs]
    return [pane.session_id for tab in tabs for pane in tab.sessions]


async def window_of(app: Any, pane: str) -> str:
    """The id of the window that shows a session."""
    window, _ = app.get_window_and_tab_for_session(app.get_session_by_id(pane))
    return window.window_id


async def screen(app: Any, pane: str) -> list[str]:
    """The lines that a session shows."""
    return await _lines(app.get_session_by_id(pane))


async def type_line(app: Any, pane: str, text: str, awaited: str) -> bool:
    """Types a line, and waits until another line is shown."""
    session = app.get_session_by_id(pane)
    await session.async_send_text(f"{text}\n")
    ends = time.monotonic() + 30
    while awaited not in [line.strip() for line in await _lines(session)]:
        assert time.monotonic() < ends, await _lines(session)
        await asyncio.sleep(0.02)
    return True


async def close(app: Any, pane: str) -> bool:
    """Closes a session's pane, as a person does who insists."""
    await app.get_session_by_id(pane).async_close(force=True)
    return True


async def restart(app: Any, pane: str) -> bool:
    """Begins a session again in its pane, as a person does from the menu."""
    await app.get_session_by_id(pane).async_restart()
    return True


async def look(app: Any, pane: str) -> dict[str, Any]:
    """How a session looks: its profile, its badge and the colour of its tab."""
    profile = await app.get_session_by_id(pane).async_get_profile()
    color = profile.tab_color if profile.use_tab_color else None
    return {
        "profile": profile.name,
        "badge": profile.badge_text,
        "tab": color and [round(color.red), round(color.green), round(color.blue)],
    }


async def profiles(app: Any) -> list[str]:
    """The names of all profiles."""
    return [profile.name for profile in await iterm2.PartialProfile.async_query(app.connection)]


async def _tell(connection: Any) -> None:
    app = await iterm2.async_get_app(connection)
    print(json.dumps(await globals()[sys.argv[1]](app, *sys.argv[2:])))


if __name__ == "__main__":
    os.environ.setdefault("ITERM2_KEY", "story")
    iterm2.run_until_complete(_tell)
