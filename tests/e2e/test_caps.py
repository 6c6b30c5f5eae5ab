"""How many agents there may be, how deep they start each other, and for how long they and
tasks may take: each limit refuses by its name, and says what to do."""

from __future__ import annotations

import json
import subprocess

from agent import agent_on_http
from fake_agent import agents_may_be_driven, start_agent
from hooks import CLAUDE_CODE
from iterm_mcp import Orchestrator, orchestrator
from waiting import until
from world import World


async def refused(client: Orchestrator, tool: str, **arguments: object) -> str:
    outcome = await client.try_to(tool, **arguments)
    assert outcome.is_error, outcome.text
    assert "RESOURCE_EXHAUSTED" in outcome.text, outcome.text
    return outcome.text


async def test_no_more_agents_than_the_limit(world: World) -> None:
    world.configure("[agents]\nmax = 2\n")
    async with orchestrator(world) as crew:
        [one, two, three] = await crew.sessions("one", "two", "three")
        await crew.call("register_agent", name="ada", session_id=one)
        await crew.call("register_agent", name="bob", session_id=two)
        said = await refused(crew, "register_agent", name="cy", session_id=three)
        assert "agents.max = 2" in said and "take some out" in said
        await crew.call("register_agent", name="ada", session_id=one)
        before = await crew.call("list_sessions")
        await refused(crew, "create_sessions", sessions=[{"name": "four", "agent": "dee"}])
        assert len(await crew.call("list_sessions")) == len(before), "nothing was opened in vain"
        await crew.call("remove_agent", agent_name="bob")
        await crew.call("register_agent", name="cy", session_id=three)


async def test_agents_start_agents_only_so_deep(world: World) -> None:
    world.configure("[agents]\nmax_depth = 2\n")
    world.serve("--tools", "iterm-mcp")
    async with orchestrator(world) as person:
        await person.call("create_sessions", sessions=[{"name": "lead", "agent": "lead"}])
    async with orchestrator(world, "--agent", "lead") as lead:
        await lead.call("create_sessions", sessions=[{"name": "worker", "agent": "worker"}])
    async with orchestrator(world, "--agent", "worker") as worker:
        said = await refused(worker, "create_sessions", sessions=[{"name": "helper", "agent": "helper"}])
        assert "agents.max_depth = 2" in said and "worker" in said
        names = str(await worker.call("list_sessions"))
        assert "helper" not in names
        await worker.call("create_sessions", sessions=[{"name": "a shell of its own"}])


async def test_a_task_asks_for_no_more_time_than_the_limit(world: World) -> None:
    world.configure("[tasks]\nmax_seconds = 60\n")
    async with agent_on_http(world.serve()) as agent:
        task = {"id": "long", "type": "command", "payload": "true", "timeout": 60_001}
        outcome = await agent.call("task_distribute", tasks=[task])
        assert outcome.code == "INVALID_PARAMETERS" and "tasks.max_seconds = 60" in outcome.text
        await agent.do("task_distribute", tasks=[{**task, "timeout": 60_000}])


async def test_an_agent_that_works_too_long_is_interrupted(world: World) -> None:
    agents_may_be_driven(world)
    world.configure("[agents]\nmax_work_seconds = 1\n")
    async with agent_on_http(world.serve("--tools", "native,agents,iterm-mcp")) as client:
        agent = await start_agent(client, world, "claude", "--think-ms 600000")
        await client.call("register_agent", name="ada", session_id=agent.session)
        await agent.prompt("think about everything")
        await agent.becomes("idle")

        async def is_told() -> bool:
            outcome = await client.call("get_notifications", agent="ada")
            return "agents.max_work_seconds" in outcome.text

        await until("its agent is told why", is_told)


def test_a_coding_agent_hands_out_no_more_than_the_limit(world: World) -> None:
    world.configure("[agents]\nmax_delegations = 1\n")
    world.serve()

    def hands_out() -> subprocess.CompletedProcess[str]:
        task = {"description": "look", "subagent_type": "scout", "prompt": "look around"}
        return CLAUDE_CODE.send(
            world, {**CLAUDE_CODE.before_command("", "/tmp"), "tool_name": "Task", "tool_input": task}
        )

    assert hands_out().stdout == ""
    answer = json.loads(hands_out().stdout)["hookSpecificOutput"]
    assert answer["permissionDecision"] == "deny"
    assert "agents.max_delegations = 1" in answer["permissionDecisionReason"]
