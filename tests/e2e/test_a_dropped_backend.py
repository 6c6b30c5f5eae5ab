"""What carries a session is gone: each strategy mends it, and the work goes on."""

from __future__ import annotations

import subprocess

import pytest

from agent import Agent, agent_on_http
from iterm2_world import StandIn
from waiting import until
from world import World


def kill_server(world: World) -> None:
    command = ["tmux", "-L", f"quarterdeck-test-{world.mark}", "kill-server"]
    subprocess.run(command, env=world.env, timeout=20, check=True)


@pytest.fixture
def on_tmux(world: World) -> World:
    world.configure(
        f'[sessions]\ntmux_socket = "quarterdeck-test-{world.mark}"\n'
        "[monitor]\ninterval_ms = 500\nhealth_seconds = 1\n[recovery]\n"
    )
    return world


async def lost(agent: Agent, world: World, session: str) -> None:
    """Takes the backend away, and waits until that is known."""
    kill_server(world)

    async def is_known() -> bool:
        health = await agent.do("health_check", detailed=True)
        return any(session in issue["message"] for issue in health.get("issues", []))

    await until("the loss is noticed", is_known)


@pytest.mark.parametrize("strategy", ["restart", "failover", "graceful"])
async def test_a_session_whose_tmux_server_was_killed_is_mended(on_tmux: World, strategy: str) -> None:
    async with agent_on_http(on_tmux.serve("--backend", "tmux")) as agent:
        (on_tmux.home / "project").mkdir()
        spare = await agent.open_session(name="spare", backend="pty")
        session = await agent.open_session(name="worker")
        await agent.at_prompt(session)
        assert (await agent.run("cd ~/project && pwd", sessionId=session))["exitStatus"] == 0
        await lost(agent, on_tmux, session)

        mended = await agent.do("error_recover", sessionId=session, strategy=strategy)
        assert mended["recovered"], mended
        new = mended["newSessionId"]
        assert (new == spare) == (strategy != "restart")
        ran = await agent.run("pwd", sessionId=new)
        assert ran["exitStatus"] == 0
        if strategy == "restart":
            assert ran["output"].strip() == str(on_tmux.home / "project"), "in the same place"
            (one,) = [it for it in (await agent.do("session_list"))["sessions"] if it["sessionId"] == new]
            assert one["name"] == "worker" and one["backend"] == "tmux", "a new server was started"


async def test_a_reset_cannot_bring_a_backend_back_and_says_so(on_tmux: World) -> None:
    async with agent_on_http(on_tmux.serve("--backend", "tmux")) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        await lost(agent, on_tmux, session)
        mended = await agent.do("error_recover", sessionId=session, strategy="reset", maxRetries=1)
        assert mended["recovered"] == bool(mended.get("newSessionId")), mended
        if not mended["recovered"]:
            assert "no shell left" in " ".join(mended["steps"]), mended


async def test_it_is_mended_without_being_asked_where_the_configuration_says_so(on_tmux: World) -> None:
    with (on_tmux.config_dir / "config.toml").open("a") as config:
        config.write('automatic = true\nstrategy = "restart"\n')
    async with agent_on_http(on_tmux.serve("--backend", "tmux")) as agent:
        session = await agent.open_session(name="worker")
        await agent.at_prompt(session)
        kill_server(on_tmux)

        async def another_works() -> bool:
            sessions = (await agent.do("session_list"))["sessions"]
            found = [it for it in sessions if it["name"] == "worker" and it["sessionId"] != session]
            return bool(found) and not found[0]["ended"]

        await until("a new one is in its place", another_works, deadline=60)

        async def is_told() -> bool:
            past = await agent.do("health_history", duration="1h")
            return any(incident.get("recovery") for incident in past["incidents"])

        await until("the incident names its recovery", is_told)


@pytest.mark.parametrize("strategy", ["restart", "reset", "failover", "graceful"])
@pytest.mark.parametrize("opened", ["by-us", "by-a-person"])
async def test_a_session_whose_iterm2_has_gone_is_mended(
    world: World, iterm2: StandIn, opened: str, strategy: str
) -> None:
    """The connection is dropped, and iTerm2 does not come back: its own sessions go on by
    their relays, those of a person's panes have to be left."""
    world.configure("[monitor]\ninterval_ms = 500\nhealth_seconds = 1\n")
    async with agent_on_http(world.serve("--backend", "iterm2")) as agent:
        (there,) = [one["sessionId"] for one in (await agent.do("session_list"))["sessions"]]
        spare = await agent.open_session(name="spare", backend="pty", tags=["backup"])
        session = await agent.open_session(name="worker", backend="iterm2") if opened == "by-us" else there
        await agent.run("true", sessionId=session)
        iterm2.control("restart 600000")

        mended = await agent.do("error_recover", sessionId=session, strategy=strategy)
        if strategy == "restart" or (opened, strategy) == ("by-a-person", "reset"):
            # Nobody can open another pane now, nor type into a person's: it says so.
            assert not mended["recovered"] and "newSessionId" not in mended, mended
            told = " ".join(mended["steps"])
            assert "iTerm2" in told or "it was found" in told
            return
        assert mended["recovered"], mended
        now = mended.get("newSessionId", session)
        ran = await agent.run("echo $((6 * 7))", sessionId=now)
        assert "42" in ran["output"].split()
        assert (now == spare) == (strategy == "failover" or (opened == "by-a-person" and strategy == "graceful"))
