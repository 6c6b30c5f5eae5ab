"""Sessions on iTerm2: in panes of their own and in those that a person has opened, with the
official client of iTerm2's API looking on and typing, too."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from iterm2_world import StandIn
from test_family_mcpretentious import client_of
from waiting import until, until_blocking
from world import ServingHost, World


def serve(world: World) -> ServingHost:
    return world.serve("--backend", "iterm2")


def kill(host: ServingHost) -> None:
    host.process.send_signal(signal.SIGKILL)
    until_blocking("the host is gone", lambda: host.process.poll() is not None)


async def sessions(agent: Agent) -> dict[str, dict]:
    return {one["sessionId"]: one for one in (await agent.do("session_list"))["sessions"]}


async def attached(agent: Agent) -> str:
    """The session of the pane that iTerm2 started with."""
    (session,) = await sessions(agent)
    await agent.wait_for(session, pattern=r"[$#] ?$")
    return session


async def test_a_session_on_iterm2_works_like_any_other(world: World, iterm2: StandIn) -> None:
    (first,) = iterm2.official("panes")
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session(backend="iterm2")
        assert (await sessions(agent))[session]["backend"] == "iterm2"
        ran = await agent.run("echo out; sh -c 'exit 3'", sessionId=session)
        assert (ran["exitStatus"], ran["output"]) == (3, "out\n")
        refused = await agent.type(session, "rm -rf ~", enter=True)
        assert refused.code == "PERMISSION_DENIED", "the gate is the same"
        assert world.victim.exists()

        (pane,) = set(iterm2.official("panes")) - {first}
        assert "out" in iterm2.official("screen", pane), "a person sees what the agent does"
        iterm2.official("type_line", pane, "person=here; echo $((40 + 2))", "42")
        assert (await agent.run("echo $person", sessionId=session))["output"] == "here\n"

        await agent.do("session_close", sessionId=session)
        assert session not in await sessions(agent)
        until_blocking("the pane is closed", lambda: iterm2.official("panes") == [first])


async def test_a_line_that_a_person_has_begun_is_not_run_over(world: World, iterm2: StandIn) -> None:
    (first,) = iterm2.official("panes")
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        (pane,) = set(iterm2.official("panes")) - {first}
        iterm2.control(f"press {pane} echo half")
        await agent.wait_for(session, pattern="echo half")
        refused = await agent.call("session_run", sessionId=session, command="echo whole")
        assert refused.code == "SESSION_BUSY" and "echo half" in refused.text, refused


async def test_a_pane_that_is_there_is_a_session_too(world: World, iterm2: StandIn) -> None:
    (pane,) = iterm2.official("panes")
    async with agent_on_http(serve(world)) as agent:
        session = await attached(agent)
        assert (await sessions(agent))[session]["backend"] == "iterm2"
        await agent.type(session, "echo agent-$((40 + 2))", enter=True)
        await agent.wait_for(session, pattern="(?m)^agent-42$")
        assert "agent-42" in iterm2.official("screen", pane)
        iterm2.official("type_line", pane, "echo official-$((40 + 3))", "official-43")
        await agent.wait_for(session, pattern="(?m)^official-43$")
        refused = await agent.type(session, "rm -rf ~", enter=True)
        assert refused.code == "PERMISSION_DENIED", "the gate judges what is typed there"
        assert world.victim.exists()
        ran = await agent.run("echo $((6 * 7))", sessionId=session)
        assert "42" in ran["output"].split() and ran["exitStatus"] is None, "nobody believes marks without a key"
        iterm2.official("close", pane)

        async def ended() -> bool:
            return (await sessions(agent))[session]["ended"]

        await until("the session has ended", ended)


async def test_a_pane_that_a_person_begins_again_is_the_same_session(world: World, iterm2: StandIn) -> None:
    (pane,) = iterm2.official("panes")
    async with agent_on_http(serve(world)) as agent:
        session = await attached(agent)
        await agent.type(session, "gone=yes", enter=True)
        iterm2.official("restart", pane)
        assert iterm2.official("panes") != [pane], "iTerm2 calls it otherwise now"

        async def is_back() -> bool:
            return not (await sessions(agent))[session]["ended"]

        async def ended() -> bool:
            return (await agent.type(session, " ")).code == "SESSION_ENDED"

        await until("the former one has ended", ended)
        await until("it is there again", is_back)
        await agent.type(session, 'echo "<$gone>"', enter=True)
        await agent.wait_for(session, pattern="(?m)^<>$")


async def test_a_program_fills_the_screen_of_an_attached_pane(world: World, iterm2: StandIn) -> None:
    # Without marks nobody can tell an answer from a command: the gate lets it pass.
    world.configure('[gate]\nmode = "warn"\n')
    async with agent_on_http(serve(world)) as agent:
        session = await attached(agent)
        await agent.type(session, "seq 500 > numbers; less numbers", enter=True)
        await agent.wait_for(session, pattern="(?m)^7$")
        await agent.type(session, "G")
        await agent.wait_for(session, pattern="(?m)^500$")
        await agent.type(session, "q")
        await agent.type(session, "echo left-$((1 + 1))", enter=True)
        await agent.wait_for(session, pattern="(?m)^left-2$")


async def test_after_a_crash_the_next_host_goes_on(world: World, iterm2: StandIn) -> None:
    host = serve(world)
    async with agent_on_http(host) as agent:
        there = await attached(agent)
        session = await agent.open_session()
        await agent.run("precious=kept; echo before the crash", sessionId=session)
        kill(host)
    async with agent_on_http(serve(world)) as agent:
        found = await sessions(agent)
        assert set(found) == {there, session}, "under the ids that they had"
        assert "before the crash" in await agent.screen(session)
        assert found[session]["shellIntegration"], "the relay has kept the key of the marks"
        assert (await agent.run("echo $precious", sessionId=session))["output"] == "kept\n"


async def test_two_hosts_do_not_have_the_same_session(world: World, iterm2: StandIn) -> None:
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        await agent.run("true", sessionId=session)
        elsewhere = world.root / "elsewhere"
        elsewhere.mkdir(mode=0o700)
        env = {name: str(elsewhere) for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR")}
        async with agent_on_stdio(world, env=env) as other:
            assert await other.open_session() != session
            assert len(await sessions(other)) == 2, "its own, and the pane that nobody has opened for a session"
        assert (await agent.run("echo still mine", sessionId=session))["output"] == "still mine\n"


async def test_a_restart_of_iterm2_ends_nothing(world: World, iterm2: StandIn) -> None:
    async with agent_on_http(serve(world)) as agent:
        there = await attached(agent)
        session = await agent.open_session()
        await agent.run("echo policies are loaded", sessionId=session)
        iterm2.control("restart 5000")
        missed = await agent.type(there, "echo missed", enter=True)
        assert missed.is_error and "nothing was typed" in missed.text, missed
        assert (await agent.run("echo meanwhile", sessionId=session))["output"] == "meanwhile\n"

        async def typed() -> bool:
            return not (await agent.type(there, "echo back-$((40 + 2))", enter=True)).is_error

        await until("iTerm2 is back", typed)
        await agent.wait_for(there, pattern="(?m)^back-42$")
        assert "missed" not in await agent.screen(there)
        assert not any(one["ended"] for one in (await sessions(agent)).values())


async def test_lost_connections_type_nothing_twice(world: World, iterm2: StandIn) -> None:
    # Without marks nobody can tell an answer from a command: the gate lets it pass.
    world.configure('[gate]\nmode = "warn"\n')
    async with agent_on_http(serve(world)) as agent:
        there = await attached(agent)
        await agent.type(there, "cat > typed", enter=True)
        await until("cat reads", (world.home / "typed").exists)
        confirmed = set()
        for number in range(100):
            iterm2.control("drop" if number % 2 else "drop-replies 1")

            async def typed(number: int = number) -> str:
                outcome = await agent.type(there, f"line-{number}", enter=True)
                if not outcome.is_error:
                    confirmed.add(number)
                    return "confirmed"
                # What was not sent can be typed again; what may have arrived is left alone.
                return "" if "nothing was typed" in outcome.text else "unsure"

            await until(f"line {number} is typed, or nobody knows", typed)
        await until("the connection is back", lambda: _typed_ok(agent, there, "the end"))
        text = await until("the end", lambda: _whole(world.home / "typed"))
        lines = [int(number) for number in re.findall(r"line-(\d+)", text)]
        assert len(lines) == len(set(lines)), "typed twice"
        assert confirmed <= set(lines), "confirmed and not typed"
        assert confirmed, "some got through"


async def _typed_ok(agent: Agent, session: str, text: str) -> bool:
    return not (await agent.type(session, text, enter=True)).is_error


def _whole(path: Path) -> str:
    text = path.read_text()
    return text if "the end\n" in text else ""


async def test_commands_go_on_while_connections_are_lost(world: World, iterm2: StandIn) -> None:
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        for number in range(30):
            iterm2.control("drop")
            ran = await agent.run(f"echo number-{number}", sessionId=session)
            assert ran["output"] == f"number-{number}\n"


async def test_a_closed_pane_ends_its_session(world: World, iterm2: StandIn) -> None:
    (first,) = iterm2.official("panes")
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        (pane,) = set(iterm2.official("panes")) - {first}
        iterm2.official("close", pane)
        await agent.wait_for(session, exit=True)
        refused = await agent.type(session, "echo lost", enter=True)
        assert refused.code == "SESSION_ENDED", refused


async def test_mcpretentious_knows_terminals_as_iterm2_does(world: World, iterm2: StandIn) -> None:
    (first,) = iterm2.official("panes")
    async with client_of(world, "mcpretentious", "-b", "iterm") as terminals:
        listed = json.loads(await terminals.say("list"))
        assert listed == [{"terminalId": f"iterm:{first}", "sessionId": first, "backend": "iTerm2"}]
        said = await terminals.say("open")
        (pane,) = set(iterm2.official("panes")) - {first}
        assert said == f"iTerm2 terminal opened with ID: iterm:{pane}"
        info = json.loads(await terminals.say("info", terminalId=f"iterm:{pane}"))
        window = iterm2.official("window_of", pane)
        assert (info["sessionId"], info["windowId"]) == (pane, window)
        await terminals.type(f"iterm-{window}-1", "echo $((6 * 7))", {"key": "enter"})
        await terminals.shows(f"iterm:{pane}", r"^42$")


async def test_auto_takes_iterm2_where_it_answers(world: World, iterm2: StandIn) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        assert (await sessions(agent))[session]["backend"] == "iterm2"
        on_pty = await agent.open_session(backend="pty")
        assert (await sessions(agent))[on_pty]["backend"] == "pty"
    found = world.quarterdeck("doctor").stdout
    assert re.search(r"ok.*iTerm2: listens at", found), found


def test_run_leaves_nothing_behind_on_iterm2(world: World, iterm2: StandIn) -> None:
    before = iterm2.official("panes")
    done = world.quarterdeck("run", "--backend", "iterm2", "echo here; exit 4")
    assert "here" in done.stdout, done
    until_blocking("the pane is closed", lambda: iterm2.official("panes") == before)


@pytest.mark.parametrize("asked", ["iterm2", "api"])
def test_without_iterm2_it_is_said_what_to_do(world: World, asked: str) -> None:
    for done in (
        world.quarterdeck("run", "--backend", asked, "true"),
        world.quarterdeck("run", "true", env={"MCP_TERMINAL_BACKEND": asked}),
    ):
        assert done.returncode == 125
        assert "iTerm2 is not there" in done.stderr and "pty or tmux" in done.stderr
    assert world.quarterdeck("run", "echo on pty").stdout == "on pty\n"
