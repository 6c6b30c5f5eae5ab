"""Real coding agents in sessions: they read what `quarterdeck install` wrote, their own
shell tool is judged, they call the host's tools, and prompts reach them once."""

from __future__ import annotations

import json

from agent import agent_on_http
from real_agents import Scene

TOOLS = "native,agents"


async def test_prompts_reach_it_once_and_its_work_is_seen(scene: Scene) -> None:
    async with agent_on_http(scene.world.serve("--tools", TOOLS)) as client:
        await scene.start(client)
        receipt = await scene.prompt("say: hello from the model")
        assert receipt["enters"] >= 1
        await scene.shows("hello from the model\\s[^$]*hello from the model")
        await scene.becomes("idle")
        await scene.prompt("slowly: 5 that took a while")
        await scene.becomes("working")
        await scene.shows("that took a while[^$]*that took a while")
        await scene.becomes("idle")
        told = json.dumps([body for _, body in scene.model.requests])
        assert "hello from the modelsay:" not in told, "typed twice"


async def test_its_own_shell_tool_is_judged(scene: Scene) -> None:
    async with agent_on_http(scene.world.serve("--tools", TOOLS)) as client:
        await scene.start(client)
        await scene.prompt("run: printf '%s is fine' 42")
        await scene.shows("42 is fine")
        await scene.becomes("idle")
        await scene.prompt("run: rm -rf ~")
        await scene.shows("would remove a home folder")
        await scene.becomes("idle")
        assert scene.world.victim.exists()
        await scene.prompt("run: npm install left-pad")
        if scene.agent.asks:
            await scene.becomes("asking-permission")
            assert "installs, updates or removes packages" in await scene.screen()
            await client.type(scene.session, {"key": "escape"})
        else:
            await scene.shows("quarterdeck approve [0-9a-f]{8}")
        await scene.becomes("idle")
        assert not (scene.project / "node_modules").exists()


async def test_it_calls_the_tools_of_the_host(scene: Scene) -> None:
    async with agent_on_http(scene.world.serve("--tools", TOOLS)) as client:
        await scene.start(client)
        assert scene.session not in await scene.screen()
        await scene.prompt("call: session_list {}")
        await scene.shows(scene.session)
        await scene.becomes("idle")
