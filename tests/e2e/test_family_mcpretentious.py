"""A client of MCPretentious moves to Quarterdeck and changes nothing: same tools, same
arguments, same texts."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from agent import Agent, Outcome
from approvers import allow, drop_scripted
from waiting import until
from world import World

ENTER = {"key": "enter"}
NINE_TOOLS = ["open", "read", "screenshot", "close", "list", "type", "info", "resize", "mouse"]


@asynccontextmanager
async def client_of(world: World, *arguments: str, env: dict[str, str] | None = None) -> AsyncIterator[Terminals]:
    """Starts the host as the client's configuration starts MCPretentious."""
    parameters = StdioServerParameters(
        command=str(world.binary), args=list(arguments), env={**world.env, **(env or {})}, cwd=world.home
    )
    with (world.root / "mcp-stderr.log").open("a") as errors:
        async with Client(stdio_client(parameters, errlog=errors), mode="legacy", cache=None) as client:
            yield Terminals(Agent(client, "stdio"))


class Terminals:
    """The family's tools as a few verbs."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def call(self, tool: str, **arguments: Any) -> Outcome:
        return await self.agent.call(f"mcpretentious-{tool}", **arguments)

    async def say(self, tool: str, **arguments: Any) -> str:
        """The text of a call that has to succeed, which is all that comes."""
        outcome = await self.call(tool, **arguments)
        assert not outcome.is_error, outcome
        assert outcome.content == {}, "one block of text and nothing else"
        return outcome.text

    async def open(self, **size: int) -> str:
        return re.search(r"terminal opened with ID: (\S+)", await self.say("open", **size))[1]

    async def type(self, terminal: str, *items: Any) -> str:
        return await self.say("type", terminalId=terminal, input=list(items))

    async def read(self, terminal: str, **arguments: Any) -> str:
        return await self.say("read", terminalId=terminal, **arguments)

    async def shows(self, terminal: str, pattern: str) -> str:
        """Waits until the screen shows this, as such clients do: by looking again."""

        async def screen() -> str:
            text = await self.read(terminal)
            return text if re.search(pattern, text, re.MULTILINE) else ""

        return await until(f"the screen shows {pattern}", screen)

    async def ready(self, **size: int) -> str:
        """A terminal whose shell takes commands."""
        terminal = await self.open(**size)
        await self.type(terminal, "PS1='$ '", ENTER)
        await self.type(terminal, "clear", ENTER)
        await self.shows(terminal, r"\A\$")
        return terminal

    async def screenshot(self, terminal: str, **arguments: Any) -> dict[str, Any]:
        return json.loads(await self.say("screenshot", terminalId=terminal, **arguments))


@pytest.fixture
async def terminals(world: World) -> AsyncIterator[Terminals]:
    allow(world, "stty raw -echo")
    async with client_of(world, "mcp", "--tools", "mcpretentious") as terminals:
        yield terminals


async def test_the_list_of_tools_is_the_nine(terminals: Terminals) -> None:
    listed = await terminals.agent.client.list_tools()
    assert sorted(tool.name for tool in listed.tools) == sorted(f"mcpretentious-{name}" for name in NINE_TOOLS)
    assert all(tool.output_schema is None for tool in listed.tools)


async def test_opening_tells_the_id_and_the_size_that_was_asked_for(terminals: Terminals) -> None:
    assert re.fullmatch(r"PTY terminal opened with ID: pty:[a-z0-9]{8}", await terminals.say("open"))
    sized = await terminals.say("open", columns=100, rows=30)
    assert re.fullmatch(r"PTY terminal opened with ID: pty:[a-z0-9]{8} \(100×30\)", sized)
    assert (await terminals.call("open", columns=7)).is_error


async def test_a_command_is_typed_and_read(terminals: Terminals) -> None:
    terminal = await terminals.ready()
    said = await terminals.type(terminal, "echo", 32, "hello", 45, "world", ENTER)
    assert said == f"Sent sequence of 6 items to {terminal}"
    await terminals.shows(terminal, r"^hello-world$")
    await terminals.type(terminal, "printf 'one\\ntwo\\n'", ENTER)
    await terminals.shows(terminal, r"^two\n\$")
    assert await terminals.read(terminal, lines=3) == "one\ntwo\n$"


async def test_input_may_come_bare(terminals: Terminals) -> None:
    terminal = await terminals.ready()
    for piece in ("echo bare", 13):
        assert (
            await terminals.say("type", terminal_id=terminal, input=piece) == f"Sent sequence of 1 items to {terminal}"
        )
    await terminals.shows(terminal, "^bare$")


async def every_byte_is_shown(terminals: Terminals, terminal: str, modes: str = "") -> None:
    """Runs a program that shows what it is sent, after it has asked for these modes."""
    await terminals.type(terminal, rf"stty raw -echo; printf '{modes}ready\r\n'; cat -v", ENTER)
    await terminals.shows(terminal, "^ready$")


async def test_keys_have_the_bytes_of_this_family(terminals: Terminals) -> None:
    terminal = await terminals.ready()
    await every_byte_is_shown(terminals, terminal)
    for key, shown in [
        ("up", "^[[A"),
        ("shift-tab", "^[[Z"),
        ("backspace", "^H"),
        ("delete", "^?"),
        ("pagedown", "^[[6~"),
        ("F1", "^[OP"),
        ("f12", "^[[24~"),
        ("alt-x", "^[x"),
        ("alt-left", "^[[1;3D"),
    ]:
        await terminals.type(terminal, "<", {"key": key}, ">")
        await terminals.shows(terminal, re.escape(f"<{shown}>"))


async def test_mistakes_in_a_sequence_are_told(terminals: Terminals) -> None:
    terminal = await terminals.open()
    for sequence, text in [
        ([], r"Empty sequence provided"),
        ([256], r"Invalid ASCII code: 256\. Must be between 0 and 255\."),
        ([{"key": "hyper"}], r"Unknown key: hyper\. Available keys: .*ctrl-a.*"),
    ]:
        outcome = await terminals.call("type", terminalId=terminal, input=sequence)
        assert outcome.is_error and re.fullmatch(text, outcome.text), outcome


async def test_list_info_resize_and_close(terminals: Terminals) -> None:
    terminal = await terminals.open(columns=90, rows=20)
    [listed] = json.loads(await terminals.say("list"))
    assert listed == {"terminalId": terminal, "sessionId": terminal.partition(":")[2], "backend": "PTY"}
    assert await terminals.say("resize", terminalId=terminal, columns=120, rows=40) == (
        f"Terminal {terminal} resized to 120×40"
    )
    info = json.loads(await terminals.say("info", terminalId=terminal))
    assert info["terminalId"] == terminal and info["backend"] == "PTY"
    assert info["dimensions"] == {"columns": 120, "rows": 40}
    assert await terminals.say("close", terminalId=terminal) == f"Terminal {terminal} closed"
    assert json.loads(await terminals.say("list")) == []


@pytest.mark.parametrize("tool", ["read", "close", "info", "screenshot"])
async def test_an_unknown_terminal_is_told_by_its_id(terminals: Terminals, tool: str) -> None:
    for stranger in ("tmux:mcp-01234567", "iterm:nobody", "nonsense"):
        outcome = await terminals.call(tool, terminalId=stranger)
        assert outcome.is_error and outcome.text == f"Terminal not found: {stranger}"


async def test_an_empty_screen_is_said_to_be_one(terminals: Terminals) -> None:
    terminal = await terminals.ready()
    await terminals.type(terminal, "clear; read -s", ENTER)

    async def empty() -> bool:
        return await terminals.read(terminal) == "No output available"

    await until("the screen is empty", empty)


async def test_a_screenshot_has_the_layers_that_were_asked_for(terminals: Terminals) -> None:
    terminal = await terminals.ready(columns=40, rows=8)
    await terminals.type(terminal, r"printf '\033[1;31mALERT\033[0m \033[4mlink\033[0m 日本\n'", ENTER)
    await terminals.shows(terminal, "^ALERT link 日本")
    plain = await terminals.screenshot(terminal)
    assert set(plain) == {"terminal", "viewport", "cursor", "text"}
    assert plain["terminal"] == {"width": 40, "height": 8} and plain["viewport"]["mode"] == "full"
    row = plain["text"].index("ALERT link 日本")

    everything = await terminals.screenshot(
        terminal, layers=["text", "cursor", "styles", "bold", "underline", "fgColors", "bgColors"]
    )
    assert everything["styles"][row].startswith("bbbbb.uuuu.")
    assert everything["bold"][row] == "XXXXX".ljust(40) and everything["underline"][row][6:10] == "XXXX"
    red = everything["fgColors"][row][0]
    assert everything["colorPalette"] == {"0": None, red: "#c23621"}
    assert everything["bgColors"][row] == "0" * 40
    assert everything["styleLegend"]["b"] == "bold" and everything["styleLegend"]["."] is None

    region = await terminals.screenshot(
        terminal, layers=["text"], region={"left": 6, "top": row, "width": 4, "height": 1}
    )
    assert region["text"] == ["link"] and region["viewport"]["mode"] == "region"
    assert region["cursor"]["relLeft"] == -1, "the cursor is elsewhere"

    around = await terminals.screenshot(terminal, aroundCursor=1, compact=True)
    assert around["viewport"]["height"] == 3 and around["viewport"]["mode"] == "aroundCursor"
    assert around["cursor"]["relTop"] == around["cursor"]["top"] - around["viewport"]["top"]
    assert around["text"][-2:] == ["ALERT link 日本", "$"], "the empty rows below are left out"


async def test_a_program_is_told_what_the_mouse_does(terminals: Terminals) -> None:
    terminal = await terminals.ready()
    await every_byte_is_shown(terminals, terminal, modes=r"\033[?1000h\033[?1006h")
    for event, button, held, said, sent in [
        ("press", "left", {}, "left at (10, 5)", "^[[<0;11;6M"),
        ("release", "left", {}, "left at (10, 5)", "^[[<0;11;6m"),
        ("drag", "button-3", {}, "button 3 at (10, 5)", "^[[<35;11;6M"),
        (
            "press",
            "scrollDown",
            {"shift": True, "alt": True, "ctrl": True},
            "scrollDown with Shift+Alt+Ctrl at (10, 5)",
            "^[[<93;11;6M",
        ),
    ]:
        arguments = {"terminalId": terminal, "event": event, "x": 10, "y": 5, "button": button, **held}
        assert await terminals.say("mouse", **arguments) == f"Mouse {event}: {said}"
        await terminals.shows(terminal, re.escape(sent))


async def test_no_lines_and_cells_that_are_not_there_are_refused(terminals: Terminals) -> None:
    terminal = await terminals.ready(columns=80, rows=24)
    none = await terminals.call("read", terminalId=terminal, lines=0)
    assert none.is_error and "lines" in none.text
    for x, y in [(80, 0), (0, 24)]:
        outcome = await terminals.call("mouse", terminalId=terminal, event="press", x=x, y=y, button="left")
        assert outcome.is_error and "counted from 0" in outcome.text, outcome
    await terminals.say("mouse", terminalId=terminal, event="press", x=79, y=23, button="left")


async def test_a_program_of_the_old_kind_gets_the_old_bytes(terminals: Terminals) -> None:
    terminal = await terminals.ready()
    await every_byte_is_shown(terminals, terminal, modes=r"\033[?1000h")
    await terminals.say("mouse", terminalId=terminal, event="press", x=10, y=5, button="left")
    await terminals.shows(terminal, re.escape("^[[M +&"))


@pytest.mark.parametrize("arguments", [["mcpretentious"], ["mcpretentious", "-b", "auto", "-v"]])
async def test_the_alias_takes_the_flags_of_the_other_server(world: World, arguments: list[str]) -> None:
    async with client_of(world, *arguments, env={"VERBOSE": "true"}) as terminals:
        terminal = await terminals.ready()
        await terminals.type(terminal, "echo by alias", ENTER)
        await terminals.shows(terminal, "^by alias$")


async def test_without_its_backend_every_tool_says_what_to_do(world: World) -> None:
    async with client_of(world, "mcpretentious", env={"MCP_TERMINAL_BACKEND": "iterm"}) as terminals:
        for tool, arguments in [("open", {}), ("list", {}), ("read", {"terminalId": "iterm:x"})]:
            outcome = await terminals.call(tool, **arguments)
            assert outcome.is_error and "iTerm2" in outcome.text and "Leave out --backend" in outcome.text


async def test_a_refusal_reaches_the_client_as_a_text(terminals: Terminals, world: World) -> None:
    terminal = await terminals.ready()
    for sequence in (["rm -rf ~", ENTER], ["rm -rf ~\n"], ["rm -r", {"key": "backspace"}, "rf ~", 13]):
        outcome = await terminals.call("type", terminalId=terminal, input=sequence)
        assert outcome.is_error and "refused" in outcome.text, outcome
    assert world.victim.exists() and not world.ran("rm")
    await terminals.type(terminal, "echo still here", ENTER)
    await terminals.shows(terminal, "^still here$")


async def test_a_confirmation_reaches_the_client_as_a_text(world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="Deploying is a person's decision.")
    async with client_of(world, "mcpretentious") as terminals:
        terminal = await terminals.ready()
        asked = await terminals.call("type", terminalId=terminal, input=["echo deploy it", ENTER])
        assert asked.is_error and "a person has to confirm" in asked.text, asked
        identifier = re.search(r"quarterdeck approve (\w+)", asked.text)[1]
        assert world.quarterdeck("approve", identifier).returncode == 0
        await terminals.type(terminal, "echo deploy it", ENTER)
        await terminals.shows(terminal, "^deploy it$")
