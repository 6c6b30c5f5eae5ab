"""What a dashboard for coding agents hears: what happened before it came, what an agent
said and nothing else, whose task has ended, and when a session is over."""

from __future__ import annotations

from typing import Any

import pytest

from agent import agent_on_http
from approvers import allow
from fake_agent import agents_may_be_driven, start_agent
from hooks import CLAUDE_CODE
from stream import listening
from world import ServingHost, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def host(world: World) -> ServingHost:
    return world.serve()


def claude(world: World, event: str, **more: Any) -> None:
    told = {"session_id": "s1", "cwd": "/tmp", "hook_event_name": event, **more}
    assert CLAUDE_CODE.send(world, told).returncode == 0


def task(agent: str, use: str) -> dict[str, Any]:
    given = {"subagent_type": agent, "description": f"{agent}'s work", "prompt": "p"}
    return {"tool_name": "Task", "tool_use_id": use, "tool_input": given}


async def test_what_nobody_heard_is_told_to_whoever_comes_next(host: ServingHost) -> None:
    async with agent_on_http(host) as agent:
        unheard = await agent.open_session()
        async with listening(host) as listener:
            assert (await listener.hear())["type"] == "system.status"
            told = await listener.hear()
            assert (told["type"], told["data"]["session_id"]) == ("session.start", unheard)
            heard = await agent.open_session()
            await listener.hear_of("session.start", session_id=heard)
            async with listening(host) as another:
                await another.hears_nothing("session.start")
        later = await agent.open_session()
        async with listening(host) as listener:
            told = await listener.hear_of("session.start")
            assert told["data"]["session_id"] == later, "what was heard once is not told again"
            await listener.hears_nothing("session.start")


async def test_a_client_that_subscribes_at_once_is_answered_first_and_told_what_it_wants(host: ServingHost) -> None:
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.do("session_close", sessionId=session)
        async with listening(host) as listener:
            await listener.say({"command": "subscribe", "channels": ["session.end"]})
            kinds = [(await listener.hear())["type"] for _ in range(3)]
            assert kinds == ["system.status", "subscribed", "session.end"]


async def test_output_is_what_the_agent_prints(world: World, host: ServingHost) -> None:
    allow(world, "claude")
    world.stand_in("claude", then="echo 'I have read the code'; read answer; echo 'It is done'; read answer")
    async with listening(host) as listener, agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        await agent.type(session, "claude", enter=True)
        said = ""
        while "I have read the code" not in said:
            said += (await listener.hear_of("claude.output"))["data"]["content"]
        assert said.startswith("claude ran:"), "neither the prompt nor the line that was typed"
        for _ in range(2):
            await agent.type(session, {"key": "enter"})
        await agent.at_prompt(session)
        while (message := await listener.hear())["type"] != "claude.status" or message["data"]["status"] != "stopped":
            if message["type"] == "claude.output":
                said += message["data"]["content"]
        lines = [line for line in said.splitlines() if line.strip()]
        assert lines == ["claude ran: ", "I have read the code", "It is done"], "nor the next prompt"


async def test_what_runs_right_after_an_agent_is_not_its_output(world: World, host: ServingHost) -> None:
    """Two that crash and an ordinary command, each started as soon as the one before has ended."""
    allow(world, "claude")
    world.stand_in("claude", then="echo 'I have read the code'; sleep 1; exit 7")
    async with listening(host) as listener, agent_on_http(host) as agent:
        await listener.ask({"command": "subscribe", "channels": ["claude.*"]}, "subscribed")
        session = await agent.open_session()
        for command in ("claude", "claude", "echo what is nobody else\\'s business"):
            await agent.do("session_run", sessionId=session, command=command)
        told: list[dict[str, Any]] = []
        while [message["data"].get("status") for message in told].count("error") < 2:
            told.append(await listener.hear())
            assert told[-1]["data"].get("status") != "stopped", told
        of_one = [told[: len(told) // 2], told[len(told) // 2 :]]
        assert len({one[0]["data"]["pid"] for one in of_one}) == 2, told
        for one in of_one:
            starting, running, *outputs, ended = [message["data"] for message in one]
            assert (starting["status"], running["status"]) == ("starting", "running")
            assert ended["pid"] == starting["pid"] and "exit status 7" in ended["message"]
            lines = "".join(output["content"] for output in outputs).splitlines()
            assert [line for line in lines if line.strip()] == ["claude ran: ", "I have read the code"]
        await listener.hears_nothing("claude.output")


async def test_long_output_comes_whole_and_of_a_flood_the_end(world: World, host: ServingHost) -> None:
    allow(world, "claude 30000", "claude 1000000")
    world.stand_in("claude", then='seq 1 "$1"; echo the last line of "$1"; read answer')
    async with listening(host) as listener, agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        # 170 kB, and 6.9 MB.
        for lines in (30_000, 1_000_000):
            await agent.type(session, f"claude {lines}", enter=True)
            said = ""
            while f"the last line of {lines}" not in said:
                said += (await listener.hear_of("claude.output"))["data"]["content"]
            if lines == 30_000:
                assert "are left out here" not in said and f"\n{lines}\n" in said
                assert len(said.splitlines()) >= lines
            else:
                assert f"\n{lines}\nthe last line" in said.replace("\r", ""), said[-200:]
            await agent.type(session, enter=True)
            await agent.at_prompt(session)


async def test_the_task_that_ends_is_the_one_whose_tool_has_answered(world: World, host: ServingHost) -> None:
    async with listening(host) as listener:
        for agent, use in [("engineer", "use-1"), ("qa", "use-2")]:
            claude(world, "PreToolUse", **task(agent, use))
            await listener.hear_of("agent.delegation", agent=agent, status="started")
        claude(world, "SubagentStop")
        claude(world, "PostToolUse", **task("qa", "use-2"), tool_response={"content": "done"})
        ended = await listener.hear_of("agent.delegation", status="completed")
        assert (ended["data"]["agent"], ended["data"]["task"]) == ("qa", "qa's work")
        claude(world, "SubagentStop")
        ended = await listener.hear_of("agent.delegation", status="completed")
        assert ended["data"]["agent"] == "engineer", "the only one that is left"
        claude(world, "PostToolUse", **task("engineer", "use-1"), tool_response={})
        claude(world, "PostToolUse", tool_name="TodoWrite", tool_input={"todos": []})
        while (message := await listener.hear())["type"] != "todo.update":
            assert message["type"] != "agent.delegation", "no task ends twice"


async def test_a_list_that_is_changed_entry_by_entry_is_told_whole(world: World, host: ServingHost) -> None:
    """As Claude Code's Task tools do it; the hooks of each and `TaskCreated` tell the same."""
    async with listening(host) as listener:
        await listener.ask({"command": "subscribe", "channels": ["todo.*", "ticket.*"]}, "subscribed")

        async def told(*todos: tuple[str, str]) -> None:
            message = await listener.hear()
            assert message["type"] == "todo.update", "an entry of a list is no ticket"
            assert [(todo["content"], todo["status"]) for todo in message["data"]["todos"]] == list(todos)

        for number, subject in [("1", "Read the code"), ("2", "Mend it")]:
            claude(world, "TaskCreated", task_id=number, task_subject=subject)
            created = {"tool_name": "TaskCreate", "tool_input": {"subject": subject, "description": "All of it."}}
            claude(world, "PostToolUse", **created, tool_response={"task": {"id": number, "subject": subject}})
        await told(("Read the code", "pending"))
        await told(("Read the code", "pending"), ("Mend it", "pending"))
        for change in ({"status": "in_progress"}, {"status": "completed"}):
            changed = {"tool_name": "TaskUpdate", "tool_input": {"taskId": "1", **change}}
            claude(world, "PostToolUse", **changed, tool_response={"success": True, "taskId": "1"})
        claude(world, "TaskCompleted", task_id="1", task_subject="Read the code")
        await told(("Read the code", "in_progress"), ("Mend it", "pending"))
        await told(("Read the code", "completed"), ("Mend it", "pending"))
        deleted = {"tool_name": "TaskUpdate", "tool_input": {"taskId": "2", "status": "deleted"}}
        claude(world, "PostToolUse", **deleted, tool_response={"success": True})
        await told(("Read the code", "completed"))


async def test_tasks_that_are_handed_in_together_are_a_list(host: ServingHost) -> None:
    async with listening(host) as listener, agent_on_http(host) as agent:
        tasks = [
            {"id": "build", "type": "command", "payload": "true", "priority": "high"},
            {"id": "test", "type": "command", "payload": "true", "priority": "low", "dependencies": ["build"]},
        ]
        await agent.do("task_distribute", tasks=tasks, createSessions=1)
        first = (await listener.hear_of("todo.update"))["data"]
        shown = [(todo["id"], todo["content"], todo["priority"]) for todo in first["todos"]]
        assert shown == [("build", "true", "high"), ("test", "true", "low")]
        assert first["stats"] == {"total": 2, "completed": 0, "in_progress": 0, "pending": 2}
        while (last := (await listener.hear_of("todo.update"))["data"])["stats"]["completed"] < 2:
            assert last["stats"]["total"] == 2
        assert {todo["status"] for todo in last["todos"]} == {"completed"}


async def test_a_prompt_for_an_agent_is_a_ticket_then_a_delegation(world: World) -> None:
    agents_may_be_driven(world)
    host = world.serve("--tools", "native,enhanced,agents,iterm-mcp")
    async with listening(host) as listener, agent_on_http(host) as client:
        agent = await start_agent(client, world, "claude", "--think-ms 30", tags=["crew"])
        await agent.becomes("idle")
        tasks = [{"id": "an1", "type": "analysis", "payload": "Look at this\nand that", "priority": "high"}]
        await client.do("task_distribute", tasks=tasks, tags=["crew"])
        ticket = (await listener.hear_of("ticket.created"))["data"]
        assert ticket == {"id": "an1", "title": "Look at this", "priority": "high"}
        begun = (await listener.hear_of("agent.delegation"))["data"]
        assert begun == {"agent": "claude", "task": "Look at this", "status": "started"}
        assert (await listener.hear_of("agent.status"))["data"]["active_agents"] == ["claude"]
        over = (await listener.hear_of("agent.delegation"))["data"]
        assert (over["agent"], over["status"]) == ("claude", "completed") and over["duration_ms"] > 0
        status = (await listener.hear_of("agent.status"))["data"]
        assert status["active_agents"] == [] and status["agent_stats"]["claude"]["tasks"] == 1


async def test_agents_that_come_and_go_are_told(world: World) -> None:
    host = world.serve("--tools", "native,iterm-mcp")
    async with listening(host) as listener, agent_on_http(host) as client:
        await client.do("create_sessions", sessions=[{"name": "e", "agent": "engineer", "team": "t"}])
        assert (await listener.hear_of("agent.status"))["data"]["active_agents"] == ["engineer"]
        await client.do("remove_agent", agent_name="engineer")
        assert (await listener.hear_of("agent.status"))["data"]["active_agents"] == []
        created = await client.do("create_sessions", sessions=[{"name": "f", "agent": "fitter"}])
        assert (await listener.hear_of("agent.status"))["data"]["active_agents"] == ["fitter"]
        await client.do("session_close", sessionId=created["sessions"][0]["session_id"])
        assert (await listener.hear_of("agent.status"))["data"]["active_agents"] == []


async def test_a_session_is_over_when_its_shell_ends(host: ServingHost) -> None:
    async with listening(host) as listener, agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        await agent.type(session, "exit 4", enter=True)
        over = await listener.hear_of("session.end", session_id=session)
        assert over["data"]["duration_seconds"] > 0
        await agent.do("session_close", sessionId=session)
        await listener.hears_nothing("session.end")


async def test_no_event_types_means_all(host: ServingHost) -> None:
    async with listening(host) as listener, agent_on_http(host) as agent:
        await agent.open_session()
        await listener.hear_of("session.start")
        for params in [{"event_types": []}, {}, {"event_types": None}]:
            history = await listener.ask({"command": "get_history", "params": params}, "history")
            assert "session.start" in [event["type"] for event in history["events"]]
