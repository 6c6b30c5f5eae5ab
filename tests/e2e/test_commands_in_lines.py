"""A command that is typed line by line: its lines run nothing before the last, with which the whole is judged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent import Agent, agent_on_stdio
from world import World

UNKNOWN = "frobnicate the-database"
"""A program that no rule knows: at a prompt a person is asked."""

SHELLS = {"bash": "/bin/bash", "zsh": "/usr/bin/zsh", "dash": "/bin/dash"}

COMMANDS = [
    (["for i in 1 2; do", 'echo "round $((i + 40))"', "done"], "round 42"),
    (["if true; then", 'echo "it is $((40 + 2))"', "else", "echo no", "fi"], "it is 42"),
    (["while true; do", 'echo "once $((40 + 2))"', "break", "done"], "once 42"),
    (["case x in", 'x) echo "an x $((40 + 2))" ;;', "esac"], "an x 42"),
    (["greet() {", 'echo "hello $((40 + 2))"', "}", "greet"], "hello 42"),
    (["cat <<END", "it's a text of $((40 + 2)) words", "END"], "of 42 words"),
    (["echo 'one", "two' $((40 + 2))"], "two 42"),
    (["echo joined \\", "to $((40 + 2))"], "joined to 42"),
    (["echo piped $((40 + 2)) |", "cat"], "piped 42"),
]


@pytest.fixture(params=list(SHELLS))
async def agent(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Agent]:
    world.shell = SHELLS[request.param]
    async with agent_on_stdio(world) as agent:
        yield agent


async def opened(agent: Agent) -> str:
    session = await agent.open_session()
    await agent.wait_for(session, pattern=r"[#$%] ?$")
    return session


async def line(agent: Agent, session: str, text: str) -> None:
    typed = await agent.type(session, text, enter=True)
    assert not typed.is_error, (text, typed)


@pytest.mark.parametrize(("lines", "shown"), COMMANDS, ids=lambda it: it[0].split()[0] if isinstance(it, list) else "")
async def test_a_command_comes_together_from_its_lines(agent: Agent, lines: list[str], shown: str) -> None:
    session = await opened(agent)
    for text in lines:
        await line(agent, session, text)
    await agent.wait_for(session, pattern=shown)


async def test_its_lines_may_come_in_one_input(agent: Agent) -> None:
    session = await opened(agent)
    typed = await agent.type(session, "for i in 1 2; do\necho round $((i + 40))\ndone\n")
    assert not typed.is_error, typed
    await agent.wait_for(session, pattern="round 42")


async def test_what_it_would_do_is_asked_about_as_soon_as_it_is_seen(agent: Agent) -> None:
    session = await opened(agent)
    await line(agent, session, "if true; then")
    asked = await agent.type(session, "git push", enter=True)
    assert asked.code == "CONFIRMATION_REQUIRED", asked
    await agent.type(session, {"key": "ctrl-c"})
    await line(agent, session, "echo $((40 + 2)) still here")
    await agent.wait_for(session, pattern="42 still here")


async def test_a_danger_is_refused_in_whatever_is_open(agent: Agent, world: World) -> None:
    for begin in ["for i in 1 2; do", "cat <<END | sh", "echo 'text", "rm \\", "(", 'x="$(']:
        session = await opened(agent)
        await line(agent, session, begin)
        end = "-rf ~" if begin == "rm \\" else "rm -rf ~"
        refused = await agent.type(session, end, enter=True)
        assert refused.code == "PERMISSION_DENIED", (begin, refused)
        assert "lines before it" in refused.verdict["suggestion"], refused
    assert world.victim.exists()


async def test_ctrl_c_ends_what_was_open(agent: Agent) -> None:
    session = await opened(agent)
    await line(agent, session, "echo '")
    await agent.type(session, {"key": "ctrl-c"})
    asked = await agent.type(session, UNKNOWN, enter=True)
    assert asked.code == "CONFIRMATION_REQUIRED", asked


async def test_ctrl_c_before_a_line_of_the_same_input_does_too(agent: Agent) -> None:
    session = await opened(agent)
    await line(agent, session, "echo '")
    asked = await agent.type(session, {"key": "ctrl-c"}, UNKNOWN, {"key": "enter"})
    assert asked.code == "CONFIRMATION_REQUIRED", asked


async def test_the_same_holds_in_a_shell_within_the_shell(agent: Agent, world: World) -> None:
    session = await opened(agent)
    await line(agent, session, "bash --norc")
    await agent.wait_for(session, pattern=r"bash-[\d.]+[#$] ?$")
    for text in COMMANDS[0][0]:
        await line(agent, session, text)
    await agent.wait_for(session, pattern="round 42")
    await line(agent, session, "echo '")
    await agent.type(session, {"key": "ctrl-c"})
    asked = await agent.type(session, UNKNOWN, enter=True)
    assert asked.code == "CONFIRMATION_REQUIRED", asked


async def test_a_first_prompt_that_looks_like_a_second_one_fools_nobody(agent: Agent) -> None:
    session = await opened(agent)
    await line(agent, session, "bash --norc --noprofile")
    await agent.wait_for(session, pattern=r"bash-[\d.]+[#$] ?$")
    await line(agent, session, "PS1='> '")
    await agent.wait_for(session, pattern=r"\n> $")
    await line(agent, session, "echo '")
    await agent.type(session, {"key": "ctrl-c"})
    asked = await agent.type(session, UNKNOWN, enter=True)
    assert asked.code == "CONFIRMATION_REQUIRED", asked


@pytest.mark.parametrize(
    ("shell", "off"), [("bash", "shopt -u interactive_comments"), ("zsh", "setopt no_inter_active_comments")]
)
async def test_a_comment_stays_a_comment(world: World, shell: str, off: str) -> None:
    world.shell = SHELLS[shell]
    world.stand_in("frobnicate")
    async with agent_on_stdio(world) as agent:
        session = await opened(agent)
        await agent.type(session, off, enter=True)
        await agent.at_prompt(session)
        await line(agent, session, "echo a $((40 + 2)) # ; frobnicate")
        await agent.wait_for(session, pattern="a 42")
        await agent.at_prompt(session)
    assert not (world.records / "frobnicate").exists()


async def test_in_fish_the_line_stays_in_its_editor(world: World) -> None:
    world.shell = "/usr/bin/fish"
    async with agent_on_stdio(world) as agent:
        session = await opened(agent)
        for text in ["for i in 1 2", 'echo "round "(math $i + 40)', "end"]:
            await line(agent, session, text)
        await agent.wait_for(session, pattern="round 42")
        await line(agent, session, "begin")
        refused = await agent.type(session, "rm -rf ~", enter=True)
        assert refused.code == "PERMISSION_DENIED", refused
    assert world.victim.exists()


async def test_in_a_shell_without_a_line_editor_nothing_is_lost_after_ctrl_c(world: World) -> None:
    world.shell = SHELLS["dash"]
    async with agent_on_stdio(world) as agent:
        session = await opened(agent)
        for number in range(5):
            await agent.type(session, "echo lost", {"key": "ctrl-c"}, f"echo $((40 + {number})) kept", {"key": "enter"})
            await agent.wait_for(session, pattern=f"{40 + number} kept")
            await agent.type(session, {"key": "ctrl-c"})
            await agent.type(session, f"echo $((50 + {number})) kept", enter=True)
            await agent.wait_for(session, pattern=f"{50 + number} kept")
