"""The first hour: an agent opens sessions, runs commands, reads on, uses full-screen
programs and leaves again. Over stdio and over HTTP, which must not differ."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import anyio
import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from waiting import until
from world import World

TOOLS = {
    "session_create", "session_list", "session_close", "session_run", "session_type", "session_read",
    "session_wait", "session_resize", "safety_approve", "policy_list", "tool_families",
}  # fmt: skip

# What else is shown by default: the family `enhanced`.
ENHANCED = {
    "task_distribute", "task_status", "task_cancel", "performance_monitor", "performance_history",
    "health_check", "health_history", "error_recover", "progress_aggregate", "command_execute",
    "command_signal", "session_output", "session_status", "session_logs", "session_reset",
}  # fmt: skip


async def test_the_default_tools_are_described_for_a_model(agent: Agent) -> None:
    listed = (await agent.client.list_tools()).tools
    assert {tool.name for tool in listed} == TOOLS | ENHANCED
    for tool in listed:
        assert tool.title or (tool.annotations and tool.annotations.title), f"{tool.name} has no title"
        assert tool.description, f"{tool.name} has no description"
        assert tool.annotations is not None, f"{tool.name} has no annotations"
        assert tool.input_schema["type"] == "object"
        assert tool.output_schema, f"{tool.name} has no output schema"
    annotations = {tool.name: tool.annotations for tool in listed}
    for reader in ("session_list", "session_read", "policy_list"):
        assert annotations[reader].read_only_hint is True, f"{reader} only reads"
    assert annotations["session_run"].read_only_hint is not True
    sizes = {tool.name: len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in listed}
    native, whole = sum(sizes[name] for name in TOOLS), sum(sizes.values())
    assert native < 12_000, f"the host's own tools take {native} bytes of a model's context"
    assert whole < 32_000, f"the default set takes {whole} bytes of a model's context"


async def test_the_instructions_call_terminal_output_untrusted(agent: Agent) -> None:
    assert "untrusted" in (agent.client.instructions or "").lower()


async def test_a_command_that_succeeds(agent: Agent) -> None:
    result = await agent.run("cargo --version")
    assert result["exitStatus"] == 0
    assert result["output"].startswith("cargo 1.")
    assert result["timedOut"] is False and result["truncated"] is False
    assert result["durationMs"] >= 0
    assert result["verdict"]["tier"] == "safe"
    assert {"reason", "rule", "policy", "generation", "certainty"} <= result["verdict"].keys()


async def test_a_command_that_fails(agent: Agent) -> None:
    outcome = await agent.call("session_run", command="false")
    assert outcome.content["exitStatus"] == 1
    assert outcome.content["output"] == ""
    assert not outcome.is_error, "the command failed, the tool did not"


async def test_the_text_form_tells_a_model_what_it_needs(agent: Agent) -> None:
    outcome = await agent.call("session_run", command="echo for the reader; exit_with() { return 3; }; exit_with")
    assert "for the reader" in outcome.text and "3" in outcome.text


async def test_a_hundred_thousand_lines_are_truncated_and_read_on(agent: Agent) -> None:
    result = await agent.run("seq 1 100000", maxBytes=16384, timeoutMs=60_000)
    assert result["exitStatus"] == 0
    assert result["truncated"] is True
    assert len(result["output"].encode()) <= 16384, "maxBytes bounds what one answer carries"
    numbers = [int(word) for word in (await read_on(agent, result)).split() if word.isdigit()]
    assert numbers == list(range(1, 100_001))


async def test_what_the_scrollback_no_longer_holds_is_told(agent: Agent) -> None:
    """Nothing is lost up to the scrollback limit; beyond it the loss is told, not hidden."""
    result = await agent.run("seq 1 100000", timeoutMs=60_000)
    session, start, numbers = result["sessionId"], 0, []
    while True:
        page = await agent.do("session_read", sessionId=session, view="scrollback", start=start, lines=1000)
        numbers += [int(word) for word in page["text"].split() if word.isdigit()]
        start += 1000
        if not page["more"]:
            break
    assert 9_900 <= len(numbers) <= 10_100, "the default scrollback holds 10,000 lines"
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no line between two kept ones is lost"
    assert numbers[-1] >= 99_900, "the newest are the ones that are kept"


async def read_on(agent: Agent, result: dict[str, Any]) -> str:
    """The whole output of a command whose answer was truncated."""
    text, cursor = result["output"], result["cursor"]
    while True:
        page = await agent.do("session_read", sessionId=result["sessionId"], cursor=cursor)
        text, cursor = text + page["text"], page["cursor"]
        if not page["more"]:
            return text


async def test_output_beyond_one_answer_is_read_on_by_cursor(agent: Agent) -> None:
    result = await agent.run("seq 1 5000", maxBytes=2048)
    assert result["truncated"] is True
    seen = [int(word) for word in (await read_on(agent, result)).split() if word.isdigit()]
    assert seen == list(range(1, 5001))


async def test_unicode_wide_characters_and_colours(agent: Agent) -> None:
    result = await agent.run(r"printf '\033[1;31mröt\033[0m 漢字 👩‍🚀 e\u0301 \033[38;5;208mэтo\033[m\n'")
    assert result["output"].strip() == "röt 漢字 👩‍🚀 e\u0301 этo"
    assert result["exitStatus"] == 0


@pytest.mark.parametrize(
    ("program", "proof", "leave"),
    [
        ("less tall.txt", "line 1", ["q"]),
        ("vim -u NONE -N tall.txt", "line 1", [{"key": "escape"}, ":q!", {"key": "enter"}]),
        ("top -d 1", "load average", ["q"]),
    ],
    ids=["less", "vim", "top"],
)
async def test_a_full_screen_program_is_entered_and_left(
    agent: Agent, world: World, program: str, proof: str, leave: list[object]
) -> None:
    assert shutil.which(program.split()[0]), f"{program.split()[0]} is not installed; tests/run prepare installs it"
    (world.home / "tall.txt").write_text("".join(f"line {n}\n" for n in range(1, 501)))
    session = await agent.open_session(columns=100, rows=30)
    await agent.at_prompt(session)

    typed = await agent.type(session, program, enter=True)
    assert not typed.is_error, typed.content
    await agent.wait_for(session, pattern=proof)
    if program.startswith("less"):
        await agent.type(session, "G")
        await agent.wait_for(session, pattern="line 500")
    if program.startswith("vim"):
        await agent.type(session, "ohello from an agent", {"key": "escape"})
        await agent.wait_for(session, pattern="hello from an agent")

    left = await agent.type(session, *leave)
    assert not left.is_error, left.content
    await agent.at_prompt(session)
    after = await agent.run("echo back at the shell", sessionId=session)
    assert after["output"].strip() == "back at the shell" and after["exitStatus"] == 0
    assert proof not in await agent.screen(session), "the full screen is gone with its program"


async def test_vim_writes_what_was_typed(agent: Agent, world: World) -> None:
    session = await agent.open_session()
    await agent.at_prompt(session)
    await agent.type(session, "vim -u NONE -N note.txt", enter=True)
    await agent.wait_for(session, pattern='"note.txt" \\[New\\]')
    await agent.type(session, "iwritten in vim", {"key": "escape"}, ":wq", {"key": "enter"})
    await agent.at_prompt(session)
    assert (world.home / "note.txt").read_text() == "written in vim\n"


async def test_sessions_are_created_listed_resized_and_closed(agent: Agent, world: World) -> None:
    (world.home / "project").mkdir()
    created = await agent.do(
        "session_create",
        name="build",
        command="echo first command",
        workingDirectory=str(world.home / "project"),
        columns=132,
        rows=43,
        env={"COLOUR": "teal"},
        tags=["ci"],
    )
    session = created["sessionId"]
    assert created["name"] == "build" and created["status"] and created["createdAt"]

    await agent.wait_for(session, pattern="first command")
    await agent.at_prompt(session)
    assert (await agent.run("pwd", sessionId=session))["output"].strip() == str(world.home / "project")
    assert (await agent.run("echo $COLOUR", sessionId=session))["output"].strip() == "teal"
    assert (await agent.run("stty size", sessionId=session))["output"].strip() == "43 132"

    resized = await agent.do("session_resize", sessionId=session, columns=60, rows=20)
    assert resized == {"sessionId": session, "columns": 60, "rows": 20} | resized
    assert (await agent.run("stty size", sessionId=session))["output"].strip() == "20 60"

    listed = await agent.do("session_list")
    assert listed["total"] == len(listed["sessions"])
    mine = next(entry for entry in listed["sessions"] if entry["sessionId"] == session)
    assert mine["name"] == "build" and {"status", "cpu", "memory", "lastActivity"} <= mine.keys()

    closed = await agent.do("session_close", sessionId=session)
    assert closed["success"] is True and closed["sessionId"] == session and closed["closedAt"]
    gone = await agent.call("session_read", sessionId=session)
    assert gone.code == "SESSION_NOT_FOUND"
    assert "session_list" in gone.error["message"] or "session_list" in str(gone.error.get("details")), (
        "an error says what to do next"
    )


async def test_a_timeout_leaves_the_command_running_and_says_so(agent: Agent) -> None:
    await agent.run("true")  # the first command waits for the policies to be compiled
    result = await agent.run("echo begun; while [ ! -e go ]; do sleep 0.02; done; echo done at last", timeoutMs=300)
    assert result["timedOut"] is True and result["exitStatus"] is None
    assert "begun" in result["output"]

    helper = await agent.open_session()
    await agent.run("touch go", sessionId=helper)
    waited = await agent.wait_for(result["sessionId"], pattern="done at last")
    assert "done at last" in waited["matched"]
    prompt = await agent.wait_for(result["sessionId"], prompt=True)
    assert prompt["exitStatus"] == 0


async def test_a_running_command_is_interrupted(agent: Agent) -> None:
    result = await agent.run("sleep 1000", timeoutMs=200)
    assert result["timedOut"] is True
    busy = await agent.call("session_run", command="echo too soon", sessionId=result["sessionId"], timeoutMs=200)
    assert busy.code == "SESSION_BUSY" and "sleep 1000" in busy.error["message"]
    await agent.type(result["sessionId"], {"key": "ctrl-c"})
    prompt = await agent.wait_for(result["sessionId"], prompt=True)
    assert prompt["exitStatus"] == 130


async def test_a_program_is_answered(agent: Agent) -> None:
    """What is typed while the shell's own `read` waits for a line is data: no command of that name is looked for."""
    await agent.run("true")  # the first command waits for the policies to be compiled
    asked = await agent.run("read -p 'your name? ' name; echo hello $name", timeoutMs=300)
    assert asked["timedOut"] is True and "your name?" in asked["output"]
    answered = await agent.type(asked["sessionId"], "Ada", enter=True)
    assert not answered.is_error
    waited = await agent.wait_for(asked["sessionId"], pattern="hello (Ada)")
    assert "hello Ada" in waited["matched"]


async def test_what_a_reader_leaves_behind_is_judged_as_a_command(agent: Agent) -> None:
    """`read -n1` takes one key, and leaves the rest of the line to the prompt."""
    await agent.run("true")
    asked = await agent.run("read -n1 -p 'next? ' x; true", timeoutMs=300)
    assert asked["timedOut"] is True and "next?" in asked["output"]
    refused = await agent.call("session_type", sessionId=asked["sessionId"], input="no-such-program-here", enter=True)
    assert refused.code == "CONFIRMATION_REQUIRED"


async def test_a_long_paste_arrives_whole(agent: Agent, world: World) -> None:
    lines = "".join(f"{number:05} a line of a long paste, which must not lose a byte\n" for number in range(3000))
    session = await agent.open_session()
    await agent.at_prompt(session)
    await agent.type(session, "cat > pasted.txt", enter=True)
    await agent.wait_for(session, quietMs=200)
    pasted = await agent.type(session, {"paste": lines})
    assert not pasted.is_error, pasted.content
    await agent.type(session, {"key": "ctrl-d"})
    await agent.at_prompt(session)
    assert (world.home / "pasted.txt").read_text() == lines


async def test_waiting_for_quiet_and_for_the_exit(agent: Agent) -> None:
    session = await agent.open_session()
    await agent.at_prompt(session)
    await agent.type(session, "for i in 1 2 3; do echo tick $i; sleep 0.1; done", enter=True)
    quiet = await agent.wait_for(session, quietMs=400)
    assert quiet["met"] is True and "tick 3" in await agent.screen(session)
    await agent.type(session, "exit 7", enter=True)
    ended = await agent.wait_for(session, exit=True)
    assert ended["exitStatus"] == 7


async def test_a_wait_that_is_not_met_says_so(agent: Agent) -> None:
    session = await agent.open_session()
    waited = await agent.do("session_wait", sessionId=session, until={"pattern": "never printed"}, timeoutMs=200)
    assert waited["met"] is False


async def test_reading_brings_only_what_is_new(agent: Agent) -> None:
    session = await agent.open_session()
    await agent.run("echo old news", sessionId=session)
    before = await agent.do("session_read", sessionId=session)
    await agent.run("echo fresh news", sessionId=session)
    after = await agent.do("session_read", sessionId=session, cursor=before["cursor"])
    assert "fresh news" in after["text"] and "old news" not in after["text"]
    nothing = await agent.do("session_read", sessionId=session, cursor=after["cursor"])
    assert nothing["text"] == "" and nothing["more"] is False
    assert {"position", "columns", "rows"} <= after.keys() and {"row", "column"} <= after["position"].keys()


async def test_terminal_output_cannot_command_the_client(agent: Agent) -> None:
    """Escape sequences that would retitle, clear or paste stay inside the session."""
    hostile = r"printf 'A\033]0;owned\007B\033[2J\033]52;c;ZXZpbA==\007C\033P+q544e\033\\D\n'"
    outcome = await agent.call("session_run", command=hostile)
    read = await agent.call("session_read", sessionId=outcome.content["sessionId"], view="scrollback")
    for text in (outcome.text, outcome.content["output"], read.text, read.content["text"]):
        assert not [c for c in text if ord(c) < 32 and c not in "\n\t"], repr(text)
        assert not [c for c in text if 0x7F <= ord(c) < 0xA0], repr(text)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_the_users_own_rc_still_runs_and_marks_still_work(world: World, shell: str) -> None:
    path = shutil.which(shell)
    assert path, f"{shell} is not installed; tests/run prepare installs it"
    world.shell = path
    rc = {
        "bash": (".bashrc", "export FROM_RC=bash\nPS1='my prompt> '\n"),
        "zsh": (".zshrc", "export FROM_RC=zsh\nPS1='my prompt> '\n"),
        "fish": (None, "set -gx FROM_RC fish\nfunction fish_prompt; echo -n 'my prompt> '; end\n"),
    }[shell]
    target = world.home / rc[0] if rc[0] else world.root / "config" / "fish" / "config.fish"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(rc[1])

    async with agent_on_stdio(world) as agent:
        assert (await agent.run("echo $FROM_RC"))["output"].strip() == shell
        assert (await agent.run("false"))["exitStatus"] == 1
        assert (await agent.run("cd /tmp; pwd"))["output"].strip() == "/tmp"
        session = (await agent.run("true"))["sessionId"]
        assert "my prompt>" in await agent.screen(session)
        listed = (await agent.do("session_list"))["sessions"]
        mine = next(entry for entry in listed if entry["sessionId"] == session)
        assert mine.get("workingDirectory", mine.get("cwd")) == "/tmp", "OSC 7 tells where the shell is"
    assert target.read_text() == rc[1], "nobody's dotfiles are touched"


async def test_a_shell_without_integration_still_works_and_says_what_is_unknown(world: World) -> None:
    world.shell = shutil.which("dash") or "/bin/sh"
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await agent.type(session, "echo typed into $0", enter=True)
        await agent.wait_for(session, pattern="typed into .*dash")
        ran = await agent.run("echo one call", sessionId=session)
        assert "one call" in ran["output"]
        await agent.run(r"printf '\033[?2004h'", sessionId=session)
        asked = await agent.run("echo no-$((40 + 2))-paste", sessionId=session)
        assert "no-42-paste" in asked["output"], "a text that asks for pastes is not the shell"
        assert ran["verdict"]["certainty"] in ("exact", "typed")


async def test_what_needs_no_policy_does_not_wait_for_one(world: World) -> None:
    """While they are compiled, which here takes as long as the story wants."""
    (world.root / "cache").unlink()
    host = world.serve()
    compiling = await until("a policy is being compiled", lambda: stopped_compilers(world))
    try:
        async with agent_on_http(host) as agent:
            with anyio.fail_after(20):
                session = await agent.open_session()
                listed = (await agent.do("session_list"))["sessions"]
                assert [one["sessionId"] for one in listed] == [session]
                await agent.do("performance_monitor")
            assert "safety-tiers" not in host.banner, "none is there yet"
            for pid in compiling:
                os.kill(pid, signal.SIGCONT)
            assert (await agent.run("true", sessionId=session))["exitStatus"] == 0
    finally:
        for pid in compiling:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def stopped_compilers(world: World) -> list[int]:
    """The processes that compile policies, none of which goes on."""
    found = []
    for pid in world.processes():
        with contextlib.suppress(OSError):
            if b"compile-policy" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGSTOP)
                found.append(pid)
    return found


async def test_the_readme_start_brings_the_host_up(world: World) -> None:
    """`quarterdeck serve` prints where to connect, and a client gets there with that alone,
    where nothing was ever compiled before."""
    (world.root / "cache").unlink()
    host = world.serve()
    await until("the banner ends with how to stop", lambda: "Ctrl-C" in host.banner)
    banner = host.banner
    assert host.url in banner and host.token in banner, "the banner shows where and with what to connect"
    assert "safety-tiers" in banner, "the banner names the policies"
    async with agent_on_http(host) as agent:
        assert (await agent.run("cargo --version"))["exitStatus"] == 0
        assert (await agent.run("false"))["exitStatus"] == 1
