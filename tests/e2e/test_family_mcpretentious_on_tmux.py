"""A client of MCPretentious asks for tmux, beside a running host or without one: each
terminal is a tmux session of its own, as the server that it knew made them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator

import pytest

from agent import agent_on_http
from test_family_mcpretentious import ENTER, Terminals, client_of
from waiting import until
from world import World

TERMINAL = r"tmux:mcp-[0-9a-f]{8}"


@pytest.fixture
def tmux(world: World) -> Iterator[Callable[..., str]]:
    """The tmux server on which this world's hosts open sessions."""
    socket = f"quarterdeck-test-{world.mark}"
    world.configure(f'[sessions]\ntmux_socket = "{socket}"\n')

    def tmux(*arguments: str) -> str:
        command = ["tmux", "-L", socket, *arguments]
        return subprocess.run(command, env=world.env, capture_output=True, text=True, check=True).stdout

    yield tmux
    subprocess.run(["tmux", "-L", socket, "kill-server"], capture_output=True, check=False)


async def listed(terminals: Terminals) -> list[dict]:
    return json.loads(await terminals.say("list"))


@pytest.fixture(params=["alone", "beside a host"])
def hosting(request: pytest.FixtureRequest, tmux: Callable[..., str], world: World) -> None:
    if request.param != "alone":
        world.serve()


@pytest.mark.usefixtures("hosting")
@pytest.mark.parametrize("how", ["-b tmux", "--backend tmux", "MCP_TERMINAL_BACKEND"])
async def test_a_terminal_is_a_tmux_session_of_its_own(world: World, tmux: Callable[..., str], how: str) -> None:
    flags, env = ([], {how: "tmux"}) if how.isupper() else (how.split(), {})
    async with client_of(world, "mcpretentious", *flags, env=env) as terminals:
        said = await terminals.say("open", columns=100, rows=30)
        assert re.fullmatch(rf"TMux terminal opened with ID: {TERMINAL} \(100×30\)", said)
        terminal = re.search(TERMINAL, said)[0]
        name = terminal.removeprefix("tmux:")
        assert name in tmux("list-sessions", "-F", "#{session_name}").splitlines()
        assert tmux("display-message", "-p", "-t", f"={name}:", "#{pane_width}x#{pane_height}") == "100x30\n"
        [one] = await listed(terminals)
        assert one == {
            "terminalId": terminal,
            "sessionId": name,
            "backend": "TMux",
            "attached": False,
            "windowCount": 1,
        }
        info = json.loads(await terminals.say("info", terminalId=terminal))
        assert info["sessionId"] == name and info["dimensions"] == {"columns": 100, "rows": 30}
        assert info["windowId"] == tmux("display-message", "-p", "-t", f"={name}:", "#{window_id}").strip()
        await terminals.type(terminal, "echo $((6 * 7))", ENTER)
        await terminals.shows(terminal, r"^42$")
        assert "42" in tmux("capture-pane", "-p", "-t", f"={name}:"), "whoever attaches sees the same"
        assert await terminals.say("close", terminalId=terminal) == f"Terminal {terminal} closed"
        assert await listed(terminals) == []
        assert name not in tmux("list-sessions", "-F", "#{session_name}").splitlines()


async def test_it_is_told_who_looks_at_a_terminal(world: World, tmux: Callable[..., str]) -> None:
    async with client_of(world, "mcpretentious", "--backend", "tmux") as terminals:
        looked_at, other = await terminals.open(), await terminals.open()
        name = looked_at.removeprefix("tmux:")
        socket = f"quarterdeck-test-{world.mark}"
        person = subprocess.Popen(
            ["script", "--quiet", "--command", f"tmux -L {socket} attach -t ={name}", "/dev/null"],
            env={**world.env, "TERM": "xterm-256color"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )

        async def watched() -> bool:
            told = {one["terminalId"]: one["attached"] for one in await listed(terminals)}
            assert told[other] is False
            return told[looked_at]

        await until("somebody is attached", watched)
        tmux("detach-client", "-s", name)
        person.communicate()


async def test_whoever_kills_the_tmux_session_closes_the_terminal(world: World, tmux: Callable[..., str]) -> None:
    async with client_of(world, "mcpretentious", "--backend", "tmux") as terminals:
        killed, stays = await terminals.ready(), await terminals.ready()
        tmux("kill-session", "-t", f"={killed.removeprefix('tmux:')}")

        async def ended() -> bool:
            return (await terminals.call("type", terminalId=killed, input=["echo late", ENTER])).is_error

        await until("the terminal has ended", ended)
        await terminals.type(stays, "echo still here", ENTER)
        await terminals.shows(stays, "^still here$")


@pytest.mark.usefixtures("tmux")
async def test_the_default_terminal_of_an_agent_that_asks_for_tmux_is_there_too(world: World) -> None:
    async with agent_on_http(world.serve()) as native:
        async with client_of(world, "mcp", "--backend", "tmux") as terminals:
            await terminals.agent.run("echo hello")
            [session] = (await terminals.agent.do("session_list"))["sessions"]
            assert session["backend"] == "tmux"
        await native.run("echo hello")
        assert "pty" in [one["backend"] for one in (await native.do("session_list"))["sessions"]]


@pytest.mark.usefixtures("hosting")
async def test_with_the_api_a_call_says_what_a_terminal_is_on(world: World) -> None:
    async with client_of(world, "mcpretentious", "--backend", "api") as terminals:
        tools = {tool.name: tool for tool in (await terminals.agent.client.list_tools()).tools}
        backend = tools["mcpretentious-open"].input_schema["properties"]["backend"]
        assert set(backend["enum"]) == {"pty", "tmux", "iterm"}
        assert re.search(TERMINAL, await terminals.say("open", backend="tmux"))
        assert "PTY terminal" in await terminals.say("open", backend="pty")
        refused = await terminals.call("open", backend="screen")
        assert refused.is_error and "screen" in refused.text and "tmux" in refused.text


async def test_a_terminal_that_was_there_goes_by_its_own_name(world: World, tmux: Callable[..., str]) -> None:
    tmux("new-session", "-d", "-s", "work", "exec bash")
    async with client_of(world, "mcpretentious", "--backend", "tmux") as terminals:
        await terminals.open()
        assert "tmux:work" in [one["terminalId"] for one in await listed(terminals)]
        await terminals.type("tmux:work", "echo $((6 * 7))", ENTER)
        await terminals.shows("tmux:work", r"^42$")


async def test_a_terminal_keeps_its_id_when_its_program_ends(world: World, tmux: Callable[..., str]) -> None:
    tmux("new-session", "-d", "-s", "work", "exec bash")
    async with client_of(world, "mcpretentious", "--backend", "tmux") as terminals:
        own = await terminals.ready()
        assert "tmux:work" in [one["terminalId"] for one in await listed(terminals)]
        for terminal in (own, "tmux:work"):
            await terminals.type(terminal, "echo last words", ENTER)
            await terminals.shows(terminal, "^last words$")
            await terminals.type(terminal, "exit", ENTER)

            async def ended(terminal: str = terminal) -> bool:
                late = await terminals.call("type", terminalId=terminal, input=["late", ENTER])
                return "has ended" in late.text

            await until("it is said that its program has ended", ended)
            assert "last words" in await terminals.read(terminal)
            [one] = [it for it in await listed(terminals) if it["terminalId"] == terminal]
            assert (one["attached"], one["windowCount"]) == (False, 0)
            assert await terminals.say("close", terminalId=terminal) == f"Terminal {terminal} closed"


async def test_a_terminal_keeps_its_id_when_tmux_dies(world: World, tmux: Callable[..., str]) -> None:
    async with client_of(world, "mcpretentious", "--backend", "tmux") as terminals:
        terminal = await terminals.ready()
        await terminals.type(terminal, "echo last words", ENTER)
        await terminals.shows(terminal, "^last words$")
        tmux("kill-server")

        async def ended() -> bool:
            return (await terminals.call("type", terminalId=terminal, input=["late", ENTER])).is_error

        await until("the terminal has ended", ended)
        assert "last words" in await terminals.read(terminal)


@pytest.mark.usefixtures("hosting")
async def test_what_is_there_is_listed_before_anything_is_opened(world: World, tmux: Callable[..., str]) -> None:
    tmux("new-session", "-d", "-s", "work", "exec bash")
    async with client_of(world, "mcpretentious", "-b", "tmux") as terminals:
        assert [one["terminalId"] for one in await listed(terminals)] == ["tmux:work"]
        tmux("new-session", "-d", "-s", "later", "exec bash")
        await terminals.type("tmux:later", "echo $((6 * 7))", ENTER)
        await terminals.shows("tmux:later", r"^42$")
        assert {one["terminalId"] for one in await listed(terminals)} == {"tmux:work", "tmux:later"}


@pytest.mark.usefixtures("hosting", "tmux")
async def test_a_call_does_not_choose_where_the_configuration_insists(world: World) -> None:
    async with client_of(world, "mcpretentious", "-b", "tmux") as terminals:
        assert re.search(TERMINAL, await terminals.say("open", backend="pty"))


async def test_without_tmux_every_tool_says_what_to_install(world: World) -> None:
    nowhere = {"terminalId": "tmux:mcp-01234567"}
    async with client_of(world, "mcpretentious", "-b", "tmux", env={"PATH": str(world.decoys)}) as terminals:
        for tool, arguments in {
            "open": {},
            "list": {},
            "read": nowhere,
            "screenshot": nowhere,
            "close": nowhere,
            "type": {**nowhere, "input": "x"},
            "info": nowhere,
            "resize": {**nowhere, "columns": 100, "rows": 30},
            "mouse": {**nowhere, "event": "press", "x": 1, "y": 1, "button": "left"},
        }.items():
            outcome = await terminals.call(tool, **arguments)
            assert outcome.is_error and "apt install tmux" in outcome.text, (tool, outcome)
