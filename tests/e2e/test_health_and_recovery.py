"""Something goes wrong in a session: it is noticed, remembered, and mended."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from agent import Agent, agent_on_stdio
from waiting import until
from world import World

# What hangs and asks is no project's: the gate lets it run, and says so.
CONFIG = """tools = ["native", "enhanced"]
[gate]
mode = "warn"
[monitor]
interval_ms = 300
health_seconds = 1
hung_seconds = 2
"""

DEAF = """
import signal, time
for deaf in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(deaf, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    time.sleep(1000)
"""


@pytest.fixture
def configured(world: World) -> World:
    world.configure(CONFIG)
    return world


async def issues(agent: Agent, **arguments: Any) -> list[dict[str, Any]]:
    return (await agent.do("health_check", **arguments))["issues"]


async def crashed(agent: Agent, world: World, **arguments: Any) -> str:
    """A session in a folder of its own whose shell has died."""
    folder = world.home / "project"
    folder.mkdir(exist_ok=True)
    session = await agent.open_session(name="worker", workingDirectory=str(folder), **arguments)
    await agent.type(session, "kill -KILL $$", enter=True)
    await agent.wait_for(session, exit=True)
    return session


async def hung(agent: Agent, world: World, name: str = "worker") -> str:
    """A session in which a program runs that listens to nobody."""
    script = world.home / "deaf.py"
    script.write_text(DEAF)
    session = await agent.open_session(name=name)
    await agent.type(session, f"{sys.executable} {script}", enter=True)
    await agent.wait_for(session, pattern="deaf\n")
    return session


async def takes_commands(agent: Agent, session: str) -> dict[str, Any]:
    ran = await agent.run("pwd", sessionId=session)
    assert ran["exitStatus"] == 0
    return ran


async def test_a_host_that_is_well_says_so(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = (await agent.run("true"))["sessionId"]
        health = await agent.do("health_check")
        assert health["status"] == "healthy" and health["issues"] == []
        components = health["components"]
        assert components["sessions"]["active"] == 1 and components["sessions"]["max"] == 1000
        assert components["performance"]["status"] == "healthy"
        assert components["connectivity"]["latency"] > 0

        detailed = (await agent.do("health_check", detailed=True, sessionId=session))["components"]
        assert [backend["backend"] for backend in detailed["connectivity"]["backends"]] == ["pty"]
        assert detailed["policies"]["loaded"] >= 16
        assert detailed["store"]["latency"] > 0 and detailed["disk"]["freeMb"] > 0
        assert (await agent.call("health_check", sessionId="nobody12")).code == "SESSION_NOT_FOUND"


async def test_what_goes_wrong_is_an_incident_with_a_beginning_and_an_end(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await crashed(agent, configured)
        found = await until("the crash is noticed", lambda: issues(agent, sessionId=session))
        assert found[0]["component"] == "sessions" and found[0]["severity"] == "error"
        health = await agent.do("health_check")
        assert health["status"] == health["components"]["sessions"]["status"] == "degraded", (
            "one session is not the host"
        )
        await agent.do("session_close", sessionId=session)
        # Health is looked at whenever somebody asks.
        await until("it is over", lambda: _healthy(agent))

        async def written_down() -> dict[str, Any] | None:
            past = await agent.do("health_history", duration="1h", includeIncidents=True)
            (incident,) = [it for it in past["incidents"] if it.get("sessionId") == session]
            return {**past, "incident": incident} if incident["resolved"] else None

        past = await until("its end is written down", written_down)
        assert past["incident"]["duration"] > 0 and "ended" in past["incident"]["cause"]
        assert past["uptime"] > 0 and past["availability"] == 100, "the host was there all the time"
    async with agent_on_stdio(configured) as agent:
        past = await agent.do("health_history", duration="1h")
        assert any(it.get("sessionId") == session for it in past["incidents"]), "it is remembered"
        assert (await agent.do("health_history", duration="1h", includeIncidents=False))["incidents"] == []


async def _healthy(agent: Agent) -> bool:
    return (await agent.do("health_check"))["status"] == "healthy"


async def test_thresholds_are_the_configurations(world: World) -> None:
    world.configure(CONFIG + "memory_mb = 1\n")
    async with agent_on_stdio(world) as agent:
        session = (await agent.run("true"))["sessionId"]
        found = await until("the memory is too much", lambda: issues(agent))
        assert found[0]["component"] == "performance" and found[0]["sessionId"] == session
        assert (await agent.do("health_check"))["status"] == "degraded"


@pytest.mark.parametrize(
    ("command", "word"),
    [("read -r -s -p 'Password: ' secret", "secret"), ("read -r -p 'Go on? [y/N] ' answer", "answer")],
)
async def test_a_program_that_waits_for_a_person_is_told_from_one_that_hangs(
    configured: World, command: str, word: str
) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await agent.open_session()
        await agent.type(session, f"bash -c {command!r}" if "'" not in command else f'bash -c "{command}"', enter=True)
        found = await until("it is noticed", lambda: issues(agent, sessionId=session))
        assert f"waits for a{'n' if word == 'answer' else ''} {word}" in found[0]["message"], found


async def test_a_hung_program_is_noticed(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await hung(agent, configured)
        found = await until("it is noticed", lambda: issues(agent, sessionId=session))
        assert "no life" in found[0]["message"] and found[0]["severity"] == "warning"


@pytest.mark.parametrize("strategy", ["restart", "reset", "failover", "graceful"])
async def test_a_crashed_shell_is_mended(configured: World, strategy: str) -> None:
    async with agent_on_stdio(configured) as agent:
        spare = await agent.open_session(name="spare", tags=["backup"])
        await agent.at_prompt(spare)
        session = await crashed(agent, configured)
        mended = await agent.do("error_recover", sessionId=session, strategy=strategy, maxRetries=3)
        assert mended["recovered"] and mended["sessionId"] == session, mended
        assert mended["strategy"] == strategy and mended["attempts"] == 1
        new = mended["newSessionId"]
        ran = await takes_commands(agent, new)
        if strategy == "failover":
            assert new == spare
        else:
            assert ran["output"].strip() == str(configured.home / "project"), "in the same place"
            names = {it["sessionId"]: it["name"] for it in (await agent.do("session_list"))["sessions"]}
            assert names[new] == "worker" and session not in names, "under the same name, in its place"


@pytest.mark.parametrize("strategy", ["restart", "reset", "failover", "graceful"])
async def test_a_hung_program_is_ended(configured: World, strategy: str) -> None:
    async with agent_on_stdio(configured) as agent:
        spare = await agent.open_session(name="spare")
        await agent.at_prompt(spare)
        session = await hung(agent, configured)
        mended = await agent.do("error_recover", sessionId=session, strategy=strategy)
        assert mended["recovered"], mended
        now = mended.get("newSessionId", session)
        await takes_commands(agent, now)
        assert (now == session) == (strategy in ("reset", "graceful")), mended


async def test_a_flood_is_ended_by_a_reset(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await agent.open_session()
        await agent.type(session, "yes flood", enter=True)
        await agent.wait_for(session, pattern="flood\nflood\n")
        mended = await agent.do("error_recover", sessionId=session, strategy="reset")
        assert mended["recovered"] and mended["attempts"] == 1, mended
        await takes_commands(agent, session)


async def test_a_reset_quits_what_an_interrupt_does_not_end(configured: World) -> None:
    """Asked before it is told: a program that is quit can still tidy up."""
    tidy = configured.home / "tidy"
    program = f"""
import signal, sys, termios
settings = termios.tcgetattr(0)
settings[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, settings)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGQUIT, lambda *_: (open({str(tidy)!r}, "w").close(), sys.exit()))
print("busy", flush=True)
while True:
    pass
"""
    (configured.home / "busy.py").write_text(program)
    async with agent_on_stdio(configured) as agent:
        session = await agent.open_session()
        await agent.type(session, f"{sys.executable} busy.py", enter=True)
        await agent.wait_for(session, pattern="busy\n")
        mended = await agent.do("error_recover", sessionId=session, strategy="reset")
        assert mended["recovered"], mended
        assert tidy.exists()


async def test_an_agents_own_session_follows_it(configured: World) -> None:
    """The session of calls without a session id is another one after a restart."""
    async with agent_on_stdio(configured) as agent:
        session = (await agent.run("cd /; export KEPT=no"))["sessionId"]
        mended = await agent.do("error_recover", sessionId=session, strategy="restart")
        ran = await agent.run("pwd")
        assert ran["sessionId"] == mended["newSessionId"] and ran["output"].strip() == "/"


async def test_what_cannot_be_mended_is_given_up(configured: World) -> None:
    """A shell that dies at once, however often it is started."""
    async with agent_on_stdio(configured) as agent:
        session = await crashed(agent, configured)
        (configured.home / ".bashrc").write_text("exit 3\n")
        mended = await agent.do("error_recover", sessionId=session, strategy="restart", maxRetries=2)
        assert not mended["recovered"] and mended["attempts"] == 2, mended
        assert "give up" in mended["steps"][-1]
        past = await agent.do("health_history", duration="1h")
        assert any("given up" in it.get("recovery", "") for it in past["incidents"])


async def test_nonsense_is_refused(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = (await agent.run("true"))["sessionId"]
        refused = await agent.call("error_recover", sessionId=session, strategy="prayer")
        assert refused.code == "INVALID_PARAMETERS" and "graceful" in refused.text
        assert (await agent.call("error_recover", sessionId="nobody12")).code == "SESSION_NOT_FOUND"


async def test_incidents_are_mended_without_being_asked_where_the_configuration_says_so(world: World) -> None:
    world.configure(CONFIG + '[recovery]\nautomatic = true\nstrategy = "restart"\n')
    async with agent_on_stdio(world) as agent:
        session = await crashed(agent, world)

        async def replaced() -> list[str]:
            sessions = (await agent.do("session_list"))["sessions"]
            return [it["sessionId"] for it in sessions if it["name"] == "worker" and it["sessionId"] != session]

        (new,) = await until("another shell is in its place", replaced)
        await takes_commands(agent, new)


async def test_mending_without_being_asked_ends(world: World) -> None:
    """A shell that dies at once is not started for ever."""
    world.configure(CONFIG + '[recovery]\nautomatic = true\nstrategy = "restart"\nmax_retries = 2\n')
    async with agent_on_stdio(world) as agent:
        folder = world.home / "project"
        folder.mkdir()
        session = await agent.open_session(name="worker", workingDirectory=str(folder))
        await agent.at_prompt(session)
        (world.home / ".bashrc").write_text("exit 3\n")
        await agent.type(session, "kill -KILL $$", enter=True)

        async def given_up() -> bool:
            past = await agent.do("health_history", duration="1h")
            return any("given up" in it.get("recovery", "") for it in past["incidents"])

        await until("it is given up", given_up, deadline=60)
        (left,) = (await agent.do("session_list"))["sessions"]
        # Several looks at health later it is still the same dead session.
        for _ in range(5):
            assert (await issues(agent))[0]["sessionId"] == left["sessionId"]
        past = await agent.do("health_history", duration="1h")
        assert sum("given up" in it.get("recovery", "") for it in past["incidents"]) == 1
