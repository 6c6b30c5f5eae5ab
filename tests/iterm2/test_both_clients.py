"""The official client and ours at one server, at the same time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import iterm2

from stand_in import control
from story import first_session, shows, story

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or Path(__file__).resolve().parents[2] / "target")


@story
async def test_both_clients_type_and_read_at_once(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    ours = await asyncio.create_subprocess_exec(
        os.environ.get("ITERM2_EXAMPLE") or str(TARGET / "debug" / "examples" / "type_and_read"),
        "100",
        env=os.environ | {"ITERM2_COOKIE": control("cookie"), "ITERM2_KEY": "ours"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    for number in range(20):
        await session.async_send_text(f"echo official-{number}\n")
        await shows(session, f"official-{number}")
    printed, complaint = await asyncio.wait_for(ours.communicate(), 30)
    assert ours.returncode == 0, complaint.decode()
    assert printed
    await app.async_refresh()
    sessions = [pane for window in app.terminal_windows for tab in window.tabs for pane in tab.sessions]
    assert len(sessions) == 2
    other = next(pane for pane in sessions if pane.session_id != session.session_id)
    assert await other.async_get_variable("jobName") == "cat"
    await shows(other, "ours 99")
