"""Refusals: `rm -rf ~` does not run, whichever way it is brought in.

The world puts a stand-in for `rm` first in the search path. It writes down that it
ran and removes only below the world, so these tests can fail without costing anybody
a file; `home_is_a_decoy` makes sure of that before anything is typed.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent import Agent, Outcome, agent_at, agent_on_stdio
from world import World

DANGER = "rm -rf ~"


async def home_is_a_decoy(agent: Agent, world: World, session: str | None = None) -> None:
    """Fails unless `~` and `rm` mean this world's own in the shell that is typed into."""
    where = {"sessionId": session} if session else {}
    looked = await agent.run("echo ~; command -v rm", **where)
    assert looked["output"].split() == [str(world.home), str(world.decoys / "rm")], looked


def nothing_ran(world: World) -> None:
    """The command was refused before a byte of it was executed."""
    # fish asks `rm --version` by itself to know which options it may complete.
    assert [run for run in world.ran("rm") if run != "--version"] == [], "rm was started"
    assert world.victim.read_text() == "three years of work\n"


async def still_usable(agent: Agent, session: str, world: World) -> None:
    """A refusal leaves a clean line behind: the next command runs as it was sent."""
    after = await agent.run("echo still here", sessionId=session)
    assert after["output"].strip() == "still here" and after["exitStatus"] == 0
    nothing_ran(world)


def explains_itself(refusal: Outcome) -> None:
    """A refusal names its reason, its rule and what to do instead."""
    assert refusal.is_error and refusal.code == "PERMISSION_DENIED", refusal
    assert refusal.error["message"]
    details = refusal.error["details"]
    verdict = details.get("verdict", details)
    assert verdict["tier"] == "dangerous" and verdict["rule"] and verdict["reason"], details
    assert "suggestion" in details or "suggestion" in verdict, details
    assert "rm -rf ~" in refusal.text or verdict["reason"] in refusal.text, "the model is told in words too"


# Every tool that types.


async def test_session_run_refuses(agent: Agent, world: World) -> None:
    await home_is_a_decoy(agent, world)
    explains_itself(await agent.call("session_run", command=DANGER))
    nothing_ran(world)


async def test_session_run_in_a_given_session_refuses(agent: Agent, world: World) -> None:
    session = await agent.open_session()
    await home_is_a_decoy(agent, world, session)
    explains_itself(await agent.call("session_run", command=DANGER, sessionId=session))
    await still_usable(agent, session, world)


@pytest.mark.parametrize(
    "danger",
    [
        "echo harmless; rm -rf ~",
        "cd / && rm -rf ~",
        "rm  -r   -f ~",
        "rm -fr ~/",
        "rm -rf $HOME",
        'rm -rf "${HOME}"',
        "rm --recursive --force ~",
        "'rm' -rf ~",
        r"\rm -rf ~",
        "command rm -rf ~",
        "true | rm -rf ~",
        "(rm -rf ~)",
        "{ rm -rf ~; }",
        "echo $(rm -rf ~)",
        "echo `rm -rf ~`",
        "if true; then rm -rf ~; fi",
        "bash -c 'rm -rf ~'",
        "eval 'rm -rf ~'",
        "env X=1 rm -rf ~",
        "X=1 rm -rf ~",
        "nohup rm -rf ~ &",
        "echo one\nrm -rf ~\necho two",
        "rm \\\n-rf ~",
        "cat <<EOF\n$(rm -rf ~)\nEOF",
    ],
)
async def test_no_disguise_helps(world: World, danger: str) -> None:
    async with agent_on_stdio(world) as agent:
        await home_is_a_decoy(agent, world)
        refused = await agent.call("session_run", command=danger)
        assert refused.code == "PERMISSION_DENIED", refused
        nothing_ran(world)


async def test_text_that_only_mentions_it_is_let_through(agent: Agent) -> None:
    result = await agent.run("echo 'never type: rm -rf ~'")
    assert result["output"].strip() == "never type: rm -rf ~"


async def test_session_create_refuses_it_as_first_command(agent: Agent, world: World) -> None:
    await home_is_a_decoy(agent, world)
    explains_itself(await agent.call("session_create", command=DANGER))
    nothing_ran(world)


@pytest.mark.parametrize("variable", ["PROMPT_COMMAND", "PS1", "PS0"])
async def test_session_create_does_not_run_it_from_the_environment(world: World, variable: str) -> None:
    """Bash executes what these variables hold: a way in that types nothing."""
    async with agent_on_stdio(world) as agent:
        await home_is_a_decoy(agent, world)
        smuggled = DANGER if variable == "PROMPT_COMMAND" else f"$({DANGER})"
        opened = await agent.call("session_create", env={variable: smuggled})
        if not opened.is_error:
            await agent.run("true", sessionId=opened.content["sessionId"])
        nothing_ran(world)


async def test_safety_approve_says_no_in_advance(agent: Agent, world: World) -> None:
    session = await agent.open_session()
    answer = await agent.call("safety_approve", command=DANGER, sessionId=session)
    assert answer.content["approved"] is False and answer.content["tier"] == "dangerous"
    overridden = await agent.call("safety_approve", command=DANGER, sessionId=session, override=True)
    assert overridden.content.get("approved") is not True, "an agent cannot overrule the refusal by itself"
    explains_itself(await agent.call("session_run", command=DANGER, sessionId=session))
    nothing_ran(world)


def test_the_command_line_refuses(world: World) -> None:
    home = world.quarterdeck("run", "echo ~; command -v rm")
    assert home.stdout.split() == [str(world.home), str(world.decoys / "rm")], home
    refused = world.quarterdeck("run", DANGER)
    assert refused.returncode != 0
    assert "rm" in refused.stderr and refused.stdout == ""
    nothing_ran(world)


# Every way of typing it. Each is tried in the shells with integration, and in dash,
# where the gate has only the keys to go by.


@pytest.fixture(params=["bash", "zsh", "fish", "dash"])
def shell(request: pytest.FixtureRequest, world: World) -> str:
    path = shutil.which(request.param)
    assert path, f"{request.param} is not installed; tests/run prepare installs it"
    world.shell = path
    return request.param


@pytest.fixture
async def typist(shell: str, world: World) -> AsyncIterator[tuple[Agent, str]]:
    """An agent with a session whose shell takes a command."""
    for history in (world.home / ".bash_history", world.home / ".zsh_history"):
        history.write_text(f"echo before\n{DANGER}\n")
    fish_history = world.root / "data" / "fish" / "fish_history"
    fish_history.parent.mkdir(parents=True)
    fish_history.write_text(f"- cmd: echo before\n  when: 1700000000\n- cmd: {DANGER}\n  when: 1700000001\n")
    (world.home / ".zshrc").write_text("HISTFILE=~/.zsh_history HISTSIZE=100 SAVEHIST=100\nbindkey -e\n")
    async with agent_at("stdio", world) as agent:
        session = await agent.open_session()
        await agent.type(session, "command -v rm; echo ~; printf 'ready-%d\\n' 42", enter=True)
        await agent.wait_for(session, pattern="ready-42")
        shown = await agent.screen(session)
        assert str(world.decoys / "rm") in shown.replace("\n", "") and str(world.home) in shown.replace("\n", "")
        if shell != "dash":
            await agent.at_prompt(session)
        yield agent, session


async def refused_at_some_point(agent: Agent, session: str, *calls: tuple[Any, ...], tries: int = 1) -> None:
    """Sends one call after another, as far as they are let through; one must not be."""
    for _ in range(tries):
        for pieces in calls:
            outcome = await agent.type(session, *pieces)
            if outcome.is_error:
                assert outcome.code == "PERMISSION_DENIED", outcome
                return
        await agent.type(session, {"key": "ctrl-c"})
        await agent.at_prompt(session)
    raise AssertionError(f"all of {calls} was let through; the screen:\n{await agent.screen(session)}")


ENTER = {"key": "enter"}
WAYS: dict[str, list[tuple[Any, ...]]] = {
    "in one string with its Enter": [(DANGER + "\n",)],
    "with a carriage return": [(DANGER + "\r",)],
    "text, then Enter in the same call": [(DANGER, ENTER)],
    "text, then Enter in a call of its own": [(DANGER,), (ENTER,)],
    "Enter as a control key": [(DANGER,), ({"key": "ctrl-m"},)],
    "in twelve pieces": [*((piece,) for piece in ["r", "m", " ", "-", "r", "f", " ", "~", " ", "#", "x"]), (ENTER,)],
    "in twelve pieces of one call": [("r", "m", " ", "-", "r", "f", " ", "~", " ", "#", "x", ENTER)],
    "with a typo and backspaces": [("rn", {"key": "backspace"}, "m -rf ~x", {"key": "backspace"}), (ENTER,)],
    "with backspaces as bytes": [("rmm\x7f -rg\x7ff ~",), (ENTER,)],
    "behind a line that is killed": [("echo hello", {"key": "ctrl-u"}, DANGER), (ENTER,)],
    "behind a word that is killed": [("rm -rf safe.txt", {"key": "ctrl-w"}, "~"), (ENTER,)],
    "after a command in the same text": [("echo one\n" + DANGER + "\n",)],
    "pasted among other lines": [({"paste": f"echo one\n{DANGER}\necho two\n"},), (ENTER,)],
    "pasted alone": [({"paste": DANGER},), (ENTER,)],
    "with its line continued": [("rm \\",), (ENTER,), ("-rf ~",), (ENTER,)],
}

# What a line editor adds to that; dash has none.
EDITED_WAYS: dict[str, list[tuple[Any, ...]]] = {
    "killed and yanked back": [(DANGER, {"key": "ctrl-u"}), (ENTER,), ({"key": "ctrl-y"},), (ENTER,)],
    "killed and yanked back ahead of the prompt": [
        (DANGER, {"key": "ctrl-u"}),
        ("sleep 1", ENTER),
        ({"key": "ctrl-y"}, ENTER),
    ],
    "from its end to its beginning": [("-rf ~", {"key": "home"}, "rm "), (ENTER,)],
    "with arrow keys": [("r -rf ~", *[{"key": "left"}] * 6, "m"), (ENTER,)],
    "recalled by up-arrow": [({"key": "up"}, {"key": "up"}), (ENTER,)],
    "recalled by up-arrow in one call": [({"key": "up"}, {"key": "up"}, ENTER)],
    "recalled by Ctrl-P": [({"key": "ctrl-p"}, {"key": "ctrl-p"}), (ENTER,)],
    "found by Ctrl-R": [({"key": "ctrl-r"}, "rm -rf"), (ENTER,)],
    # fish's Enter only takes what was found; another one runs it.
    "found by Ctrl-R in one call": [({"key": "ctrl-r"}, "rm -rf", ENTER), (ENTER,)],
}


@pytest.mark.parametrize("way", WAYS)
async def test_however_it_is_typed(typist: tuple[Agent, str], world: World, shell: str, way: str) -> None:
    agent, session = typist
    await refused_at_some_point(agent, session, *WAYS[way])
    nothing_ran(world)
    if shell != "dash":
        await still_usable(agent, session, world)


@pytest.mark.parametrize("way", EDITED_WAYS)
async def test_however_the_line_editor_brings_it(typist: tuple[Agent, str], world: World, shell: str, way: str) -> None:
    agent, session = typist
    if shell == "dash":
        # Keys whose effect nobody knows: they may reach the shell, the danger may not.
        for pieces in EDITED_WAYS[way]:
            await agent.type(session, *pieces)
        nothing_ran(world)
        return
    # A fish that is kept waiting takes an Enter before its search has found anything,
    # and runs another line of the history.
    tries = 5 if shell == "fish" and way.startswith("found by") else 1
    await refused_at_some_point(agent, session, *EDITED_WAYS[way], tries=tries)
    await agent.at_prompt(session)
    nothing_ran(world)
    await still_usable(agent, session, world)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"], indirect=True)
async def test_completed_by_tab(typist: tuple[Agent, str], world: World, shell: str) -> None:
    """The name is completed by the shell, so only the screen tells what will run."""
    world.stand_in("mkfs.quarterdeck")
    agent, session = typist
    await refused_at_some_point(agent, session, ("mkfs.quart", {"key": "tab"}), ("/dev/sdz9",), (ENTER,))
    assert world.ran("mkfs.quarterdeck") == []
    await still_usable(agent, session, world)


# Keys that run a line without an Enter, and lines that nobody typed.


async def test_submitted_by_a_key_other_than_enter(world: World) -> None:
    """Zsh's accept-and-hold runs the line and keeps it."""
    world.shell = shutil.which("zsh") or "zsh"
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        await agent.run("bindkey -e", sessionId=session)
        await agent.at_prompt(session)
        for key in ("alt-a", "ctrl-o", "ctrl-j"):
            await agent.type(session, DANGER, {"key": key})
            await agent.type(session, {"key": "ctrl-c"})
            await agent.at_prompt(session)
            nothing_ran(world)


@pytest.mark.parametrize("inner", [False, True], ids=["at the prompt", "in a shell inside the shell"])
async def test_played_back_by_a_keyboard_macro(world: World, inner: bool) -> None:
    """A macro that ends in Enter, recorded over a harmless line, completes another."""
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        if inner:
            await agent.type(session, "PS1='inner> ' bash --norc", enter=True)
            await agent.wait_for(session, pattern="(?m)^inner> ")
        control_x = {"key": "ctrl-x"}
        # Piece by piece: what readline is given at once, it does not record.
        await agent.type(session, "echo", control_x, "(")
        for key in (" ", "~", ENTER):
            await agent.type(session, key)
        await agent.wait_for(session, quietMs=300)
        await agent.type(session, control_x, ")")
        await agent.type(session, "rm -rf", control_x)
        await agent.type(session, "e")
        await agent.type(session, control_x, "e")
        await agent.type(session, {"key": "ctrl-c"})
        await agent.wait_for(session, quietMs=300)
        nothing_ran(world)


# What a user's own file binds to ctrl-g and ctrl-t.
BOUND_KEYS = {
    "bash": (
        ".bashrc",
        f"""bind '"\\C-g": "{DANGER}\\C-m"'\nbind -x '"\\C-t": {DANGER}'\nbind '"\\C-b": backward-kill-word'\n""",
    ),
    "zsh": (
        ".zshrc",
        f"""bindkey -e\nbindkey -s '^G' '{DANGER}^M'\nmine() {{ BUFFER='{DANGER}'; zle accept-line }}\n"""
        "zle -N mine; bindkey '^T' mine; bindkey '^B' backward-kill-word\n",
    ),
    "fish": (
        "../config/fish/config.fish",
        f"bind \\cg '{DANGER}'\nbind \\ct 'commandline -r \"{DANGER}\"; commandline -f execute'\n"
        "bind \\cb backward-kill-word\n",
    ),
}


@pytest.mark.parametrize("bound", BOUND_KEYS)
async def test_bound_to_a_key_by_the_users_own_file(world: World, bound: str) -> None:
    """What it binds to the editor's own functions goes on working."""
    file, lines = BOUND_KEYS[bound]
    world.shell = shutil.which(bound) or bound
    config = world.home / file
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(lines)
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        for key in ("ctrl-g", "ctrl-t"):
            await agent.type(session, {"key": key})
            await agent.wait_for(session, quietMs=300)
            await agent.type(session, {"key": "ctrl-c"})
            await agent.at_prompt(session)
        nothing_ran(world)
        await agent.type(session, "echo kept dropped", {"key": "ctrl-b"}, "word", ENTER)
        await agent.wait_for(session, pattern="(?m)^kept word")


@pytest.mark.parametrize(
    "binding",
    [
        f"""bind '"\\C-g": "{DANGER}\\C-m"'""",
        f"""bind -x '"\\C-g": {DANGER}'""",
        f"bindkey -s '^G' '{DANGER}^M'",
        f"trap '{DANGER}' EXIT",
        f"PROMPT_COMMAND='{DANGER}'",
    ],
)
async def test_bound_by_the_agent_itself(world: World, binding: str) -> None:
    """What is to run later is judged now."""
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        refused = await agent.call("session_run", command=binding, sessionId=session)
        assert refused.is_error and refused.code in ("PERMISSION_DENIED", "CONFIRMATION_REQUIRED"), refused
        await agent.type(session, {"key": "ctrl-g"}, ENTER)
        await agent.wait_for(session, quietMs=300)
        nothing_ran(world)


@pytest.mark.parametrize("apart", [False, True], ids=["in one call", "in two calls"])
async def test_typed_ahead_while_a_command_runs(world: World, apart: bool) -> None:
    """The keys wait in the terminal until the shell comes back and takes them."""
    (world.home / ".bash_history").write_text(f"{DANGER}\n")
    ahead = [{"key": "up"}, {"key": "up"}, ENTER]
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        if apart:
            await agent.type(session, "sleep 1", ENTER)
            await agent.type(session, *ahead)
        else:
            await agent.type(session, "sleep 1", ENTER, *ahead)
        await agent.wait_for(session, quietMs=1500)
        nothing_ran(world)


async def test_recalled_in_a_shell_inside_the_shell(world: World) -> None:
    """The inner shell has no integration: nobody knows what up-arrow brings."""
    (world.home / ".bash_history").write_text(f"{DANGER}\n")
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        await agent.type(session, "PS1='inner> ' bash --norc", enter=True)
        await agent.wait_for(session, pattern="(?m)^inner> ")
        await agent.type(session, {"key": "up"}, ENTER)
        await agent.type(session, {"key": "up"})
        await agent.type(session, ENTER)
        await agent.wait_for(session, quietMs=300)
        nothing_ran(world)


async def test_typed_into_an_interpreter(world: World) -> None:
    """A program that runs what it is told, beneath the shell."""
    async with agent_on_stdio(world) as agent:
        for interpreter in ("sh", "cat | sh", "env -i PATH=$PATH HOME=$HOME sh"):
            session = await agent.open_session()
            await home_is_a_decoy(agent, world, session)
            await agent.type(session, interpreter, enter=True)
            await agent.wait_for(session, quietMs=200)
            refused = await agent.type(session, DANGER, ENTER)
            assert refused.code in ("PERMISSION_DENIED", "CONFIRMATION_REQUIRED"), (interpreter, refused)
            await agent.do("session_close", sessionId=session)
            nothing_ran(world)


async def test_repeated_by_fc(world: World) -> None:
    (world.home / ".bash_history").write_text(f"{DANGER}\n")
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        await agent.type(session, "fc -s rm", ENTER)
        await agent.at_prompt(session)
        nothing_ran(world)


async def test_an_expanded_history_event(world: World) -> None:
    """`!rm` becomes the dangerous line only inside the shell."""
    (world.home / ".bash_history").write_text(f"{DANGER}\n")
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        await agent.type(session, "!rm", ENTER)
        await agent.type(session, "!-1", ENTER)
        await agent.at_prompt(session)
        nothing_ran(world)


async def test_an_alias_made_for_it(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await home_is_a_decoy(agent, world, session)
        made = await agent.call("session_run", command=f"alias tidy='{DANGER}'", sessionId=session)
        used = await agent.call("session_run", command="tidy", sessionId=session)
        assert "PERMISSION_DENIED" in (made.code, used.code), (made, used)
        nothing_ran(world)


# The other modes, which also prove that the refusals above are not luck.


async def test_with_the_gate_off_the_same_command_runs(world: World) -> None:
    world.configure('[gate]\nmode = "off"\n')
    async with agent_on_stdio(world) as agent:
        await home_is_a_decoy(agent, world)
        await agent.run(DANGER)
        assert world.ran("rm") and not world.victim.exists(), "the stand-in proves what a refusal prevents"


async def test_in_warn_mode_it_runs_and_the_verdict_is_told(world: World) -> None:
    world.configure('[gate]\nmode = "warn"\n')
    async with agent_on_stdio(world) as agent:
        await home_is_a_decoy(agent, world)
        result = await agent.run(DANGER)
        assert result["verdict"]["tier"] == "dangerous"
        assert world.ran("rm")
