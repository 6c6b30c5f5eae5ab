"""The MCPretentious document, read by somebody who has nothing else: each of its tools
with the arguments that it shows, each answer held to what it prints."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent import Agent
from official_clients import OfficialClient
from shapes import Shape
from waiting import until
from world import World

SCREENSHOT = """{
  terminal: { width: number; height: number; };
  viewport: { mode: 'full' | 'region' | 'aroundCursor'; left: number; top: number; width: number; height: number; };
  %s
}"""
CURSOR = "cursor: { left: number; top: number; relLeft: number; relTop: number; };"
LAYER = "%s: string[];"
LEGEND = "styleLegend: { [key: string]: any; };"
PALETTE = "colorPalette: { [key: string]: any; };"


class Reader:
    """Somebody who calls the tools by the document."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def say(self, tool: str, **arguments: Any) -> str:
        outcome = await self.agent.call(f"mcpretentious-{tool}", **arguments)
        assert not outcome.is_error, outcome
        return outcome.text

    async def open(self, **size: int) -> str:
        return re.search(r"terminal opened with ID: (\S+)", await self.say("open", **size))[1]

    async def shows(self, terminal: str, pattern: str) -> None:
        async def screen() -> bool:
            return bool(re.search(pattern, await self.say("read", terminalId=terminal), re.MULTILINE))

        await until(f"the screen shows {pattern}", screen)

    async def screenshot(self, terminal: str, *shape: str, **arguments: Any) -> dict[str, Any]:
        shot = json.loads(await self.say("screenshot", terminalId=terminal, **arguments))
        return Shape(SCREENSHOT % " ".join(shape)).holds(shot)


@pytest.fixture
async def reader(official_client: OfficialClient) -> AsyncIterator[Reader]:
    async with official_client.with_tools("mcpretentious") as agent:
        yield Reader(agent)


async def test_the_basic_interaction(reader: Reader) -> None:
    terminal = await reader.open(columns=120, rows=40)
    info = json.loads(await reader.say("info", terminalId=terminal))
    assert (info["terminalId"], info["dimensions"]) == (terminal, {"columns": 120, "rows": 40})
    assert info["sessionId"] and "windowId" in info
    resized = await reader.say("resize", terminalId=terminal, columns=80, rows=24)
    assert resized == f"Terminal {terminal} resized to 80×24"
    await reader.say("type", terminalId=terminal, input=["echo total 64", {"key": "enter"}])
    await reader.shows(terminal, "^total 64")
    for one in ["echo a b", 32, {"key": "enter"}, [{"key": "ctrl-c"}, 99, {"key": "BACKSPACE"}]]:
        await reader.say("type", terminalId=terminal, input=one)
    await reader.shows(terminal, "^a b")
    last = await reader.say("read", terminalId=terminal, lines=1)
    assert "\n" not in last.strip("\n")
    listed = json.loads(await reader.say("list"))
    assert [one["terminalId"] for one in listed] == [terminal]
    assert {"terminalId", "sessionId", "backend"} <= listed[0].keys()
    assert await reader.say("close", terminalId=terminal) == f"Terminal {terminal} closed"
    assert json.loads(await reader.say("list")) == []


async def test_the_screenshots(reader: Reader, world: World) -> None:
    styled = world.home / "styled.txt"
    styled.write_text(
        "\033[1mbold\033[0m \033[3mitalic\033[0m \033[4munderline\033[0m \033[1;3mboth\033[0m\n"
        "\033[32mgreen\033[0m \033[41mred behind\033[0m\n"
        "\033[1;4mbu\033[0m \033[3;4miu\033[0m \033[1;3;4mall\033[0m\n"
    )
    terminal = await reader.open(columns=80, rows=24)
    await reader.say("type", terminalId=terminal, input=["PS1='$ '; clear; cat styled.txt", {"key": "enter"}])
    await reader.shows(terminal, "^bu iu all\n\\$")

    shot = await reader.screenshot(terminal, CURSOR, LAYER % "text", layers=["text", "cursor"])
    assert shot["terminal"] == {"width": 80, "height": 24}
    assert shot["viewport"] == {"mode": "full", "left": 0, "top": 0, "width": 80, "height": 24}
    assert shot["cursor"] == {"left": 2, "top": 3, "relLeft": 2, "relTop": 3}
    assert shot["text"][0].rstrip() == "bold italic underline both"
    assert shot.keys() == {"terminal", "viewport", "cursor", "text"}

    shot = await reader.screenshot(
        terminal,
        CURSOR,
        LAYER % "text",
        LAYER % "styles",
        LEGEND,
        layers=["text", "cursor", "styles"],
        aroundCursor=3,
    )
    assert shot["viewport"] == {"mode": "aroundCursor", "left": 0, "top": 0, "width": 80, "height": 7}
    assert shot["styles"][0].startswith("bbbb.iiiiii.uuuuuuuuu.IIII.")
    assert shot["styles"][2].startswith("UU.JJ.XXX.")
    legend = {"b": "bold", "i": "italic", "u": "underline", "I": "bold+italic"}
    assert shot["styleLegend"] | legend == shot["styleLegend"] and shot["styleLegend"]["."] is None

    shot = await reader.screenshot(
        terminal,
        LAYER % "text",
        LAYER % "fgColors",
        LAYER % "bgColors",
        PALETTE,
        layers=["text", "fgColors", "bgColors"],
        region={"left": 0, "top": 0, "width": 40, "height": 5},
    )
    assert shot["viewport"] == {"mode": "region", "left": 0, "top": 0, "width": 40, "height": 5}
    palette = shot["colorPalette"]
    assert palette["0"] is None
    assert palette[shot["fgColors"][1][0]] == "#25bc24"
    assert palette[shot["bgColors"][1][6]] == "#c23621"

    shot = await reader.screenshot(
        terminal,
        CURSOR,
        *[LAYER % name for name in ["text", "styles", "fgColors", "bgColors"]],
        LEGEND,
        PALETTE,
        layers=["text", "cursor", "styles", "fgColors", "bgColors"],
        region={"left": 0, "top": 1, "width": 50, "height": 2},
    )
    assert (shot["cursor"]["relLeft"], shot["cursor"]["relTop"]) == (-1, -1), "it is outside the viewport"
    assert len(shot["text"]) == len(shot["styles"]) == len(shot["fgColors"]) == 2

    shot = await reader.screenshot(
        terminal,
        *[LAYER % name for name in ["text", "bold", "italic", "underline"]],
        layers=["text", "bold", "italic", "underline"],
        compact=True,
        aroundCursor=2,
    )
    assert "cursor" in shot, "the document shows it with every selection"
    assert shot["bold"][1].startswith("XX    XXX"), shot
    assert shot["underline"][1].startswith("XX XX XXX")


async def test_what_cannot_be_is_told_in_the_document_s_words(reader: Reader) -> None:
    terminal = await reader.open()
    for tool, arguments, said in [
        ("type", {"input": []}, "Empty sequence provided"),
        ("type", {"input": [300]}, "Invalid ASCII code: 300. Must be between 0 and 255."),
        ("type", {"input": [{"key": "hyper"}]}, "Unknown key: hyper. Available keys: "),
        ("resize", {"columns": 19, "rows": 24}, "20"),
        ("screenshot", {"layers": ["smell"]}, "smell"),
    ]:
        outcome = await reader.agent.call(f"mcpretentious-{tool}", terminalId=terminal, **arguments)
        assert outcome.is_error and said in outcome.text, (tool, outcome.text)
    unknown = await reader.agent.call("mcpretentious-read", terminalId="tmux:none")
    assert unknown.is_error and unknown.text == "Terminal not found: tmux:none"
