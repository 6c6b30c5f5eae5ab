"""A session is recorded, and asciinema itself plays the recording."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

from agent import agent_on_http, all_of
from waiting import until
from world import World

TOOLS = "native,screens"


def cat(world: World, recording: str) -> str:
    """What `asciinema cat` writes of a recording."""
    program = shutil.which("asciinema")
    assert program, "asciinema is missing: install it with `tests/run prepare`"
    # It insists on a terminal, which `script` gives it.
    command = ["script", "--quiet", "--return", "--command", f"{program} cat {recording}", "/dev/null"]
    done = subprocess.run(command, env=world.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout


async def test_asciinema_plays_what_was_recorded(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session(name="demo", columns=90, rows=20)
        await agent.run("echo before the recording", sessionId=session)
        started = await agent.do("recording_start", sessionId=session, title="A demonstration")
        assert started["started"] and started["underWay"]
        again = await agent.do("recording_start", sessionId=session)
        assert (again["started"], again["recording"]) == (False, started["recording"])

        await agent.run(
            "printf '\\033[32mgreen\\033[0m café\\n'; for n in 1 2 3; do echo line $n; done", sessionId=session
        )
        await agent.run("echo API_KEY=sesame-open-up", sessionId=session)
        await agent.do("session_resize", sessionId=session, columns=100, rows=30)
        await agent.run("seq 20000", sessionId=session)
        stopped = await agent.do("recording_stop", sessionId=session)
        assert stopped["stopped"] and not stopped["recording"]["underWay"]
        assert not (await agent.do("recording_stop", sessionId=session))["stopped"]

        path = Path(stopped["recording"]["path"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        header, *events = [json.loads(line) for line in path.read_text().splitlines()]
        assert (header["version"], header["width"], header["height"]) == (2, 90, 20)
        assert header["title"] == "A demonstration"
        times = [event[0] for event in events]
        assert times == sorted(times) and times[0] == 0
        assert [event[2] for event in events if event[1] == "r"] == ["100x30"]
        whole = path.read_text()
        assert "sesame-open-up" not in whole and "API_KEY=[masked]" in whole
        assert "]133;" not in whole, "the marks of the shell integration are the host's own"

        shown = cat(world, str(path))
        assert "before the recording" in shown, "the screen as it was comes first"
        assert "\033[32mgreen\033[0m café" in shown and "line 3" in shown
        numbers = [line for line in shown.replace("\r", "").splitlines() if line.isdigit()]
        assert numbers == [str(number) for number in range(1, 20001)], "nothing is missing"

        text, offset = "", 0
        while offset is not None:
            piece = await agent.do("recording_read", recording=started["recording"], offset=offset, maxBytes=50_000)
            text += piece["text"]
            offset = piece.get("nextOffset")
        assert text == whole
        [listed] = (await agent.do("recording_list"))["recordings"]
        assert listed == stopped["recording"]


async def test_who_begins_at_the_same_time_shares_one_recording(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        for _ in range(5):
            session = await agent.open_session()
            begun = await all_of(*[agent.do("recording_start", sessionId=session) for _ in range(8)])
            assert [one["started"] for one in begun].count(True) == 1, begun
            [recording] = {one["recording"] for one in begun}
            stopped = await agent.do("recording_stop", sessionId=session)
            assert stopped["stopped"] and stopped["recording"]["recording"] == recording, stopped
        listed = (await agent.do("recording_list"))["recordings"]
        assert len(listed) == 5 and not any(one["underWay"] for one in listed)


async def test_a_recording_ends_with_its_session(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session()
        started = await agent.do("recording_start", sessionId=session)
        await agent.run("echo the last words", sessionId=session)
        await agent.do("session_close", sessionId=session)

        async def ended() -> bool:
            return not (await agent.do("recording_list"))["recordings"][0]["underWay"]

        await until("the recording has ended", ended)
        assert "the last words" in cat(world, started["path"])
        assert (await agent.call("recording_start", sessionId=session)).is_error
        for wrong in ["nonsense", "../../token", ""]:
            assert "no recording" in (await agent.call("recording_read", recording=wrong)).text
