"""Following a session's output ends when its files cannot be written, and says so."""

from __future__ import annotations

from pathlib import Path

from iterm_mcp import orchestrator
from waiting import until
from world import World


async def test_what_could_not_be_written_is_told_and_can_be_begun_again(world: World) -> None:
    async with orchestrator(world) as crew:
        [session] = await crew.sessions("server")
        started = await crew.call("start_monitoring_session", session_id=session)
        log = Path(started["log"])
        # Something lies where the snapshot is written.
        in_the_way = log.with_name(f"{session}.snapshot.new")
        in_the_way.mkdir()
        await crew.write("echo lost", {"name": "server"})

        async def is_told() -> bool:
            [listed] = await crew.call("list_sessions", format="full")
            return not listed["is_monitoring"]

        await until("the session counts as followed no more", is_told)
        in_the_way.rmdir()
        again = await crew.call("start_monitoring_session", session_id=session)
        assert "already" not in again["message"]
        await crew.write("echo kept", {"name": "server"})
        await until("the log goes on", lambda: "\nkept\n" in log.read_text())
