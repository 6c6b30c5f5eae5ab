"""A client switches tool families on and off while it is connected."""

from __future__ import annotations

import anyio
import pytest

from agent import Agent
from official_clients import OfficialClient
from typescript_client import TypeScriptClient
from waiting import until


async def names(agent: Agent) -> set[str]:
    return {tool.name for tool in (await agent.client.list_tools()).tools}


async def test_families_are_switched_while_the_client_is_connected(official_client: OfficialClient) -> None:
    async with official_client.with_tools("native") as agent:
        assert "tool_families" in await names(agent)
        assert "session_screenshot" not in await names(agent)
        told = await agent.do("tool_families")
        assert told["families"] == ["native"] and "iterm-mcp" in told["others"]

        switched = await agent.do("tool_families", add=["screens", "iterm-mcp"])
        assert switched["families"] == ["native", "screens", "iterm-mcp"]
        assert {"session_screenshot", "create_sessions", "session_run"} <= await names(agent)
        session = await agent.open_session()
        assert (await agent.do("session_screenshot", sessionId=session))["text"]
        assert (await agent.client.list_prompts()).prompts, "resources and prompts come with iterm-mcp"
        if isinstance(agent.client, TypeScriptClient):
            changes = agent.client.notifications
            method = "notifications/tools/list_changed"
            await until("the client is told", lambda: any(one["method"] == method for one in changes))

        await agent.do("tool_families", remove=["screens", "iterm-mcp"])
        assert "session_screenshot" not in await names(agent)
        assert (await agent.client.list_prompts()).prompts == []
        for wrong in [{"add": ["scenery"]}, {"remove": ["native"]}]:
            assert (await agent.call("tool_families", **wrong)).code == "INVALID_PARAMETERS"


@pytest.mark.parametrize("official_client", ["python-stdio", "python-http"], indirect=True)
async def test_a_listener_of_the_newest_revision_is_told(official_client: OfficialClient) -> None:
    async with official_client.with_tools("native") as agent, agent.client.listen(tools_list_changed=True) as news:
        await agent.do("tool_families", add=["policies"])
        with anyio.fail_after(30):
            async for change in news:
                assert "Tools" in type(change).__name__
                break


async def test_clients_of_other_servers_see_those_servers_tools_and_no_more(official_client: OfficialClient) -> None:
    async with official_client.with_tools("terminal") as agent:
        assert "tool_families" not in await names(agent)
        try:
            result = await agent.call("tool_families", add=["native"])
        except Exception as error:
            assert "no tool" in str(error)
        else:
            assert result.is_error
