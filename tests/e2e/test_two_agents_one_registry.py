"""Two agents, one registry: `quarterdeck mcp` joins the host that is running already."""

from __future__ import annotations

import asyncio
import stat

import pytest
from mcp import MCPError

from agent import agent_on_http, agent_on_stdio
from approvers import drop_scripted
from test_swap_a_rule import loaded
from wire import StdioWire
from world import World, free_port


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


async def test_an_agent_that_hands_few_variables_on_joins_as_well(world: World) -> None:
    """Codex starts its servers with little more than PATH and HOME."""
    host = world.serve()
    async with agent_on_http(host) as first, agent_on_stdio(world, env={"XDG_RUNTIME_DIR": ""}) as second:
        session = await first.open_session(name="shared")
        assert session in [entry["sessionId"] for entry in (await second.do("session_list"))["sessions"]]


async def test_sessions_start_in_the_folder_of_whoever_joined(world: World) -> None:
    project = world.home / "project"
    project.mkdir()
    host = world.serve()
    async with agent_on_http(host) as first, agent_on_stdio(world, cwd=project) as second:
        for agent, folder in ((first, world.home), (second, project)):
            assert (await agent.run("pwd"))["output"].strip() == str(folder)
            session = await agent.open_session()
            assert (await agent.run("pwd", sessionId=session))["output"].strip() == str(folder)
            session = await agent.open_session(workingDirectory="/tmp")
            assert (await agent.run("pwd", sessionId=session))["output"].strip() == "/tmp"


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


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_who_joined_keeps_their_tools_while_the_host_is_started_again(world: World, mode: str) -> None:
    port = free_port()
    host = world.serve(port=port)
    async with agent_on_stdio(world, mode=mode) as agent:
        session = await agent.open_session(name="before")
        assert host.stop() == 0
        again = asyncio.create_task(asyncio.to_thread(world.serve, port=port))
        # Called while no host runs, it waits for the next one.
        assert (await agent.run("echo after"))["output"].strip() == "after"
        await again
        gone = await agent.call("session_run", command="true", sessionId=session)
        assert gone.code == "SESSION_NOT_FOUND"
        assert "session_run" in {tool.name for tool in (await agent.client.list_tools()).tools}


async def test_a_call_that_the_host_did_not_answer_fails_when_the_host_does(world: World) -> None:
    host = world.serve()
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        call = asyncio.create_task(agent.call("session_run", command="echo begun; sleep 60", sessionId=session))
        async with agent_on_http(host) as other:
            await other.wait_for(session, pattern="^begun$")
        host.process.kill()
        with pytest.raises(MCPError, match="what became of this call is not known"):
            await call


def test_without_a_host_calls_fail_soon_and_the_end_of_input_ends_it(world: World) -> None:
    host = world.serve()
    wire = StdioWire(world)
    wire.initialize("2025-11-25")
    assert host.stop() == 0
    refused = wire.request("tools/call", {"name": "session_list", "arguments": {}})
    assert "quarterdeck serve" in refused["error"]["message"], refused
    wire.process.stdin.close()
    assert wire.process.wait(10) == 0


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
