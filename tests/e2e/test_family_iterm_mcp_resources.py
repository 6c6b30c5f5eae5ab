"""What a client of iterm-mcp reads, follows and is prompted with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import UUID

import anyio
import pytest
from mcp import types

from agent import agent_on_stdio
from iterm_mcp import Orchestrator, orchestrator
from waiting import until
from world import World


@pytest.fixture
async def crew(world: World) -> AsyncIterator[Orchestrator]:
    async with orchestrator(world) as crew:
        yield crew


async def read(crew: Orchestrator, uri: str) -> str:
    """The text of a resource."""
    [content] = (await crew.client.read_resource(uri)).contents
    return content.text


async def test_the_resources_are_the_documents(crew: Orchestrator) -> None:
    created = await crew.call("create_sessions", sessions=[{"name": "one", "agent": "alice", "team": "web"}])
    session = created["sessions"][0]["session_id"]
    listed = {str(resource.uri) for resource in (await crew.client.list_resources()).resources}
    assert listed == {
        "terminal://sessions",
        "agents://all",
        "teams://all",
        "telemetry://dashboard",
        f"terminal://{session}/output",
        f"terminal://{session}/info",
    }
    templates = (await crew.client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == [
        "terminal://{session_id}/output",
        "terminal://{session_id}/info",
    ]
    await crew.write("echo hello-resource", {"session_id": session})
    await crew.shows("\nhello-resource", session_id=session)
    assert "\nhello-resource" in await read(crew, f"terminal://{session}/output")
    info = json.loads(await read(crew, f"terminal://{session}/info"))
    assert (info["id"], info["name"], info["agent"], info["teams"]) == (session, "one", "alice", ["web"])
    [in_list] = json.loads(await read(crew, "terminal://sessions"))
    persistent = created["sessions"][0]["persistent_id"]
    assert in_list["persistent_id"] == persistent == str(UUID(persistent))
    assert json.loads(await read(crew, "agents://all"))[0]["name"] == "alice"
    assert json.loads(await read(crew, "teams://all"))[0]["member_count"] == 1
    await crew.write("echo error: no such thing", {"session_id": session})
    await crew.shows("\nerror: no", session_id=session)
    await crew.call("set_active_session", session_id=session)
    dashboard = json.loads(await read(crew, "telemetry://dashboard"))
    assert (dashboard["agents_online"], dashboard["pane_count"], dashboard["active_session"]) == (1, 1, session)
    [pane] = dashboard["panes"]
    assert pane["persistent_id"] == persistent
    assert pane["command_count"] == 2 and "error: no such thing" in pane["recent_errors"]


async def test_an_unknown_resource_is_an_error(crew: Orchestrator) -> None:
    for uri in ["terminal://nonsense/output", "agents://some", "terminal://nonsense/info"]:
        with pytest.raises(Exception, match="resource|session"):
            await read(crew, uri)


@pytest.mark.filterwarnings("ignore:resources/:mcp.MCPDeprecationWarning")
async def test_a_subscriber_is_told_of_output_and_agents(world: World) -> None:
    told: list[str] = []

    async def hear(message: object) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            told.append(str(message.params.uri))

    async with orchestrator(world, mode="legacy", message_handler=hear) as crew:
        [session] = await crew.sessions("followed")
        output = f"terminal://{session}/output"
        await crew.client.subscribe_resource(output)
        await crew.client.subscribe_resource("agents://all")
        await crew.write("echo news", {"session_id": session})
        await until("output is announced", lambda: output in told)
        await crew.call("register_agent", name="alice", session_id=session)
        await until("the agent is announced", lambda: "agents://all" in told)
        await crew.client.unsubscribe_resource("agents://all")
        told.clear()
        await crew.call("remove_agent", agent_name="alice")
        await crew.write("echo more", {"session_id": session})
        await until("output is announced", lambda: output in told)
        assert "agents://all" not in told


async def test_a_listener_of_the_newest_revision_is_told_too(crew: Orchestrator) -> None:
    [session] = await crew.sessions("followed")
    output = f"terminal://{session}/output"
    async with crew.client.listen(resource_subscriptions=[output, "teams://all"]) as updates:
        await crew.write("echo news", {"session_id": session})
        await crew.call("create_team", name="web")
        told: set[str] = set()
        with anyio.fail_after(30):
            async for update in updates:
                told.add(str(update.uri))
                if told == {output, "teams://all"}:
                    break


async def test_prompts_are_filled_in_and_completed(crew: Orchestrator) -> None:
    prompts = {prompt.name: prompt for prompt in (await crew.client.list_prompts()).prompts}
    assert {name: prompt.arguments[0].name for name, prompt in prompts.items()} == {
        "orchestrate_agents": "task",
        "monitor_team": "team_name",
    }
    prompt = await crew.client.get_prompt("orchestrate_agents", {"task": "port it to Rust"})
    assert "port it to Rust" in prompt.messages[0].content.text
    for team in ["frontend", "frontdesk", "backend"]:
        await crew.call("create_team", name=team)
    reference = types.PromptReference(type="ref/prompt", name="monitor_team")
    completed = await crew.client.complete(reference, {"name": "team_name", "value": "front"})
    assert completed.completion.values == ["frontdesk", "frontend"]
    [session] = await crew.sessions("one")
    template = types.ResourceTemplateReference(type="ref/resource", uri="terminal://{session_id}/output")
    completed = await crew.client.complete(template, {"name": "session_id", "value": session[:3]})
    assert completed.completion.values == [session]
    with anyio.fail_after(30), pytest.raises(Exception, match="team_name"):
        await crew.client.get_prompt("monitor_team", {})


async def test_without_the_family_there_are_none(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        assert (await agent.client.list_resources()).resources == []
        assert (await agent.client.list_prompts()).prompts == []
