"""Waiting for the first of many agents, shells and tasks; going on when a limit is lifted."""

from __future__ import annotations

from agent import agent_on_http, all_of
from fake_agent import agents_may_be_driven, start_agent
from stream import listening
from waiting import until
from world import World

TOOLS = "native,enhanced,agents,iterm-mcp"


async def test_the_first_of_several_agents_that_is_done(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        slow, quick, never = [await start_agent(client, world) for _ in range(3)]
        everyone = [agent.session for agent in (slow, quick, never)]
        await all_of(slow.prompt("/think 60000"), quick.prompt("/think 300"))
        waited = await client.do("wait_any", sessions=everyone)
        assert waited["sessions"] == [quick.session], "and not the one that never worked"
        assert [state["activity"] for state in waited["states"]] == ["working", "idle", "idle"]

        await never.prompt("/ask Which one?")
        waited = await client.do("wait_any", sessions=everyone, until=["asking", "ended"])
        assert waited["sessions"] == [never.session]
        waited = await client.do("wait_any", sessions=[slow.session], timeoutMs=100)
        assert (waited["met"], waited["sessions"]) == (False, [])
        await client.do("session_close", sessionId=slow.session)


async def test_shells_and_tasks_are_waited_for_too(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        busy, free = await client.open_session(name="busy"), await client.open_session(name="free")
        await client.at_prompt(busy)
        await client.type(busy, "sleep 60", enter=True)
        waited = await client.do("wait_any", sessions=["busy", "free"], until=["idle"])
        assert waited["sessions"] == [free]
        task = {"id": "t", "type": "command", "payload": "sleep 0.3", "priority": "medium"}
        await client.do("task_distribute", tasks=[task], sessionIds=[free])
        waited = await client.do("wait_any", sessions=[busy], taskIds=["t"])
        assert (waited["sessions"], waited["tasks"]) == ([], ["t"])
        unknown = await client.call("wait_any", taskIds=["nobody's"])
        assert unknown.is_error and "no task has the id" in unknown.text
        nothing = await client.call("wait_any")
        assert nothing.is_error and "nothing to wait for" in nothing.text
        await client.type(free, "exit", enter=True)
        waited = await client.do("wait_any", sessions=[busy, free], until=["ended"])
        assert waited["sessions"] == [free]


async def test_an_agent_goes_on_when_its_limit_is_lifted(world: World) -> None:
    agents_may_be_driven(world)
    world.configure('[agents]\nresume_after_limit = true\nresume_prompt = "go on, please"\nresume_seconds = 1\n')
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, "codex", "--think-ms 200", tags=["crew"])
        await client.do("register_agent", name="cora", session_id=agent.session)
        task = {"id": "t", "type": "analysis", "payload": "/limit 2", "priority": "medium"}
        await client.do("task_distribute", tasks=[task], tags=["crew"])
        assert (await agent.becomes("rate-limited"))["resetsAt"]

        async def told() -> bool:
            return agent.prompts == ["/limit 2", "go on, please"]

        await until("the agent was told to go on, once", told)
        report = (await client.do("task_status", taskIds=["t"], waitMs=50_000))["tasks"][0]
        assert (report["status"], report["attempts"]) == ("completed", 1)
        assert "Done with 1 lines: go on, please" in report["result"]["output"]


async def test_unless_it_is_asked_to_nobody_goes_on(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world)
        await agent.prompt("/limit 1")
        waited = await client.do("wait_any", sessions=[agent.session], until=["rate-limited"])
        assert waited["met"]
        await agent.becomes("idle")
        await agent.prompt("I went on myself")
        assert agent.prompts == ["/limit 1", "I went on myself"]


async def test_iterm_mcp_s_tools_tell_what_agents_do(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world)
        await client.do("register_agent", name="ada", session_id=agent.session)
        await agent.prompt("/think 500")
        waited = await client.do("wait_for_agent", agent="ada", wait_up_to=30)
        assert (waited["completed"], waited["status"]) == (True, "idle")
        await agent.prompt("/permission make deploy")
        waited = await client.do("wait_for_agent", agent="ada", wait_up_to=30)
        assert (waited["completed"], waited["timed_out"], waited["status"]) == (False, False, "blocked")
        assert "asking-permission" in waited["summary"]
        summary = await client.call("get_agent_status_summary")
        assert "asking-permission" in summary.text
        assert summary.content["agents"][0]["activity"]["evidence"] == "screen"


async def test_every_change_is_an_event(world: World) -> None:
    agents_may_be_driven(world)
    host = world.serve("--tools", TOOLS)
    async with agent_on_http(host) as client, listening(host) as listener:
        await listener.ask({"command": "subscribe", "channels": ["agent.activity"]}, "subscribed")
        agent = await start_agent(client, world)
        await agent.becomes("idle")
        await agent.prompt("/think 300")
        await client.do("wait_any", sessions=[agent.session])
        told = [await listener.hear_of("agent.activity") for _ in range(4)]
        assert [event["data"]["activity"] for event in told] == ["unknown", "idle", "working", "idle"]
        assert told[2]["data"]["before"] == "idle"
        assert told[2]["data"]["program"] == "claude"
