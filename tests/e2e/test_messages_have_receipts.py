"""What iterm-mcp's clients write to a coding agent's session is prompted: pasted when the
agent is ready, submitted once, and answered with a receipt."""

from __future__ import annotations

import json
from typing import Any

from agent import Agent, agent_on_http
from fake_agent import FakeAgent, agents_may_be_driven, start_agent
from waiting import until
from world import World

TOOLS = "native,agents,iterm-mcp"


async def told(client: Agent, tool: str, /, **arguments: Any) -> Any:
    outcome = await client.call(tool, **arguments)
    assert not outcome.is_error, f"{tool}: {outcome.text}"
    return json.loads(outcome.text)


async def ready(agent: FakeAgent) -> None:
    """Waits until the agent itself, not the shell that starts it, takes a prompt."""

    async def takes_one() -> bool:
        state = await agent.state()
        return state.get("program") is not None and state["activity"] == "idle"

    await until("the agent takes a prompt", takes_one)


async def write(client: Agent, text: str, *agents: FakeAgent, **more: Any) -> dict[str, Any]:
    targets = [{"session_id": agent.session} for agent in agents]
    return await told(client, "write_to_sessions", messages=[{"content": text, "targets": targets, **more}])


async def test_a_message_to_an_agent_is_answered_with_a_receipt(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, "claude", "--start-ms 300 --think-ms 300")
        shell = await client.open_session(name="shell")
        await ready(agent)
        (by_agent,) = (await write(client, "fix the tests\nand say 'done'\n", agent))["results"]
        (by_shell,) = (await write(client, "echo hi", FakeAgent(client, shell, agent.log)))["results"]
        receipt = by_agent.get("receipt")
        assert receipt, by_agent
        assert receipt["stage"] in ("submitted", "started") and by_agent["success"], by_agent
        assert (receipt["pastes"], receipt["enters"], receipt["program"]) == (1, 1, "claude")
        assert by_shell["success"] and "receipt" not in by_shell, "a shell is typed into, as ever"
        assert agent.prompts == ["fix the tests\nand say 'done'"]


async def test_an_agent_that_works_gets_it_when_it_is_ready(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, "codex", "--think-ms 1500")
        await ready(agent)
        for text in ("first", "second"):
            (result,) = (await write(client, text, agent))["results"]
            assert result["receipt"]["stage"] in ("submitted", "started"), result
        assert agent.prompts == ["first", "second"]


async def test_a_cascade_prompts_every_agent_once(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        crew = []
        for name in ("ada", "bob", "cy"):
            agent = await start_agent(client, world, "claude", "--think-ms 100")
            await ready(agent)
            await told(client, "register_agent", name=name, session_id=agent.session)
            crew.append(agent)
        for _ in range(2):
            cascade = await told(client, "send_cascade_message", broadcast="stand up", agents={"bob": "sit down"})
        assert {it["skipped_reason"] for it in cascade["results"]} == {"duplicate"}
        assert [agent.prompts for agent in crew] == [["stand up"], ["sit down"], ["stand up"]]
        cascade = await told(client, "send_cascade_message", broadcast="once more")
        stages = {it["agent"]: it["receipt"]["stage"] for it in cascade["results"]}
        assert stages.keys() == {"ada", "bob", "cy"}
        assert set(stages.values()) <= {"submitted", "started"}, cascade


async def test_an_agents_question_is_answered_by_typing(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, "claude", "--think-ms 100")
        await ready(agent)
        await write(client, "/permission ls", agent)
        await agent.becomes("asking-permission")
        (answered,) = (await write(client, "1", agent))["results"]
        assert answered["success"] and "receipt" not in answered, answered
        await ready(agent)


async def test_once_an_agent_has_crashed_its_shell_is_written_to(world: World) -> None:
    """How else would somebody with these tools alone start it again?"""
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, "claude", "--think-ms 100")
        await ready(agent)
        await agent.prompt("/crash 3")
        await agent.becomes("crashed")
        await client.at_prompt(agent.session)
        (written,) = (await write(client, f"claude --log {agent.log}", agent))["results"]
        assert written["success"] and "receipt" not in written, written
        await ready(agent)
        await agent.prompt("go on")
        assert agent.prompts[-1] == "go on"
