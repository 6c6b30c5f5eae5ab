"""Two agents, one registry: `quarterdeck mcp` joins the host that is running already."""

from __future__ import annotations

import stat

from agent import agent_on_http, agent_on_stdio
from approvers import drop_scripted
from test_swap_a_rule import loaded
from waiting import until
from wire import StdioWire
from world import World


async def test_mcp_joins_a_running_host(world: World) -> None:
    host = world.serve()
    socket = world.runtime / "quarterdeck" / "host.sock"
    assert stat.S_ISSOCK(socket.stat().st_mode) and stat.S_IMODE(socket.stat().st_mode) == 0o600

    async with agent_on_http(host) as first, agent_on_stdio(world) as second:
        session = await first.open_session(name="shared")
        seen = {entry["sessionId"]: entry["name"] for entry in (await second.do("session_list"))["sessions"]}
        assert seen.get(session) == "shared"

        await first.run("export SAID=hello; cd /tmp", sessionId=session)
        answered = await second.run("echo $SAID from $PWD", sessionId=session)
        assert answered["output"].strip() == "hello from /tmp"

        await second.do("session_close", sessionId=session)
        gone = await first.call("session_run", command="true", sessionId=session)
        assert gone.code == "SESSION_NOT_FOUND"


async def test_one_rule_judges_both(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as first, agent_on_stdio(world) as second:
        drop_scripted(world, "house-rule", match="deploy")
        generation = (await loaded(first, "house-rule"))["generation"]
        for agent in (first, second):
            refused = await agent.call("session_run", command="echo deploy")
            assert (refused.verdict["policy"], refused.verdict["generation"]) == ("house-rule", generation)


async def test_each_agent_has_a_default_session_of_its_own(world: World) -> None:
    """Two agents that name no session do not type into each other's."""
    host = world.serve()
    async with agent_on_http(host) as first, agent_on_stdio(world) as second:
        mine = await first.run("echo mine")
        yours = await second.run("echo yours")
        assert mine["sessionId"] != yours["sessionId"]
        assert (await first.run("echo again"))["sessionId"] == mine["sessionId"]


async def test_sessions_outlive_the_agent_that_joined(world: World) -> None:
    host = world.serve()
    async with agent_on_stdio(world) as passing:
        session = await passing.open_session(name="left behind")
        await passing.run("export KEPT=yes", sessionId=session)
    async with agent_on_http(host) as other:
        kept = await other.run("echo $KEPT", sessionId=session)
        assert kept["output"].strip() == "yes"


async def test_a_host_that_ends_is_told_to_those_who_joined(world: World) -> None:
    """The joined client ends with an error instead of hanging."""
    host = world.serve()
    wire = StdioWire(world)
    wire.initialize("2025-11-25")
    assert host.stop() == 0
    await until("the joined mcp ends", lambda: wire.process.poll() is not None)


async def test_mcp_hosts_by_itself_when_the_socket_is_stale(world: World) -> None:
    host = world.serve()
    host.process.kill()
    host.process.wait()
    async with agent_on_stdio(world) as agent:
        assert (await agent.run("echo on my own"))["output"].strip() == "on my own"


async def test_two_mcp_hosts_side_by_side(world: World) -> None:
    """Whoever comes second joins the first or hosts by itself; both work."""
    async with agent_on_stdio(world) as first, agent_on_stdio(world) as second:
        for agent in (first, second):
            assert (await agent.run("echo works"))["output"].strip() == "works"
