"""The hook: an agent's own shell tool is held to the same rules as a hosted session."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from approvers import drop_scripted
from hooks import AGENTS, CLAUDE_CODE, CODEX, COPILOT, like_claude
from waiting import until_blocking
from world import ServingHost, World, states_of_threads

REVIEWED = "echo deploy to production"


@pytest.fixture(autouse=True)
def deploying_is_reviewed(world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="Deploying is a person's decision.")


@pytest.fixture(params=["with a host", "alone"])
def host(request: pytest.FixtureRequest, world: World) -> ServingHost | None:
    """The running host, or none: the hook answers the same."""
    if request.param == "with a host":
        return ready(world.serve())
    compile_policies(world)
    return None


def compile_policies(world: World) -> None:
    """Has done what is done once: a debug build takes its time for it."""
    assert world.quarterdeck("check", "ls", timeout=120).returncode == 0


def ready(host: ServingHost) -> ServingHost:
    """A host that has loaded its policies, so that it answers in time."""
    until_blocking("the policies are loaded", lambda: "deploys" in host.banner)
    return host


def test_each_agent_is_answered_in_its_own_words(host: ServingHost | None, world: World) -> None:
    for coding_agent in AGENTS:
        assert coding_agent.does(world, "ls -l") == "allow"
        assert coding_agent.does(world, "sh -c 'rm -rf ~'") == "deny"
        assert coding_agent.does(world, REVIEWED) == ("ask" if coding_agent.asks else "deny")
        told = coding_agent.call(world, REVIEWED)
        assert "Deploying is a person's decision" in told.stdout, "the person reads why"


def test_what_is_left_open_for_unseen_lines_asks_a_person(host: ServingHost | None, world: World) -> None:
    for opened in ("bash -i", "python3", "sqlite3 app.db"):
        told = CODEX.call(world, opened)
        assert CODEX.decision(told) == "deny", opened
        assert "no hook tells what is typed into it later" in told.stdout, told.stdout
    assert CLAUDE_CODE.does(world, "bash -i") == "ask"
    assert CODEX.does(world, "bash -c 'ls -l'") == "allow"
    assert world.quarterdeck("check", "bash -i").returncode == 0, "a session judges each line"


def test_an_agent_need_not_be_named(host: ServingHost | None, world: World) -> None:
    for coding_agent in AGENTS:
        event = json.dumps(coding_agent.before_command("rm -rf ~", "/tmp"))
        assert coding_agent.decision(world.quarterdeck("hook", input=event)) == "deny"


def test_the_folder_is_the_agents(host: ServingHost | None, world: World) -> None:
    """What is trivial in a project is not in a home folder."""
    CLAUDE_CODE.does(world, "ls", cwd=str(world.home))
    rows = exported(world)
    assert rows[-1]["body"]["place"]["cwd"] == str(world.home)
    assert rows[-1]["body"]["entry"] == "hook"
    assert rows[-1]["body"]["caller"] == {
        "kind": "agent",
        "client": "claude-code",
        "transport": "hook",
        "connection": "claude-code:s1",
    }


def exported(world: World) -> list[dict]:
    """The audit log's rows."""
    lines = world.quarterdeck("audit", "export")
    assert lines.returncode == 0, lines
    return [json.loads(line) for line in lines.stdout.splitlines()]


# Where the agent cannot ask, a person says yes beside it.


def test_a_person_approves_what_an_agent_cannot_ask_about(world: World) -> None:
    ready(world.serve())
    refused = CODEX.call(world, REVIEWED)
    identifier = re.search(r"quarterdeck approve ([0-9a-f]{8})", refused.stdout)
    assert identifier, refused
    assert world.quarterdeck("approve", identifier[1]).returncode == 0
    assert CODEX.does(world, REVIEWED) == "allow"
    assert CODEX.does(world, REVIEWED) == "deny", "the yes was for one use"


def test_a_yes_for_the_session_lasts_in_the_agents_session(world: World) -> None:
    ready(world.serve())
    refused = CODEX.call(world, REVIEWED)
    identifier = re.search(r"quarterdeck approve ([0-9a-f]{8})", refused.stdout)
    assert identifier, refused
    assert world.quarterdeck("approve", identifier[1], "--session").returncode == 0
    assert [CODEX.does(world, REVIEWED) for _ in range(3)] == ["allow"] * 3
    elsewhere = {**CODEX.before_command(REVIEWED, "/tmp"), "session_id": "s2"}
    assert CODEX.decision(CODEX.send(world, elsewhere)) == "deny"


def test_without_a_host_nobody_can_be_asked_and_it_says_so(world: World) -> None:
    compile_policies(world)
    refused = CODEX.call(world, REVIEWED)
    assert CODEX.decision(refused) == "deny" and "quarterdeck serve" in refused.stdout


def test_an_allow_rule_holds_for_the_hook(host: ServingHost | None, world: World) -> None:
    allowed = world.quarterdeck("rule", "allow", REVIEWED, "--cwd", "/tmp", "--client", "claude-code")
    assert allowed.returncode == 0, allowed
    assert CLAUDE_CODE.does(world, REVIEWED) == "allow"
    assert CLAUDE_CODE.does(world, REVIEWED, cwd="/") == "ask"
    assert COPILOT.does(world, REVIEWED) == "ask"


# What goes wrong.


@pytest.fixture
def hanging_host(world: World) -> Iterator[ServingHost]:
    """A host that is there, takes connections, and says nothing."""
    host = ready(world.serve())
    os.kill(host.process.pid, signal.SIGSTOP)
    # One of its threads takes the signal when it gets a processor: until then the others answer.
    until_blocking("each of its threads has stopped", lambda: states_of_threads(host.process.pid) == {"T"})
    yield host
    os.kill(host.process.pid, signal.SIGCONT)


def test_a_host_that_hangs_means_no_within_a_second(hanging_host: ServingHost, world: World) -> None:
    for coding_agent in AGENTS:
        began = time.monotonic()
        refused = coding_agent.call(world, "ls")
        took = time.monotonic() - began
        assert coding_agent.decision(refused) == "deny"
        assert "did not answer" in refused.stderr and "quarterdeck serve" in refused.stderr
        # A second, and what a busy machine takes to start a process.
        assert took < 3, f"{took:.2f} s"


def test_a_host_that_hangs_does_not_keep_an_agent_from_starting(hanging_host: ServingHost, world: World) -> None:
    told = CLAUDE_CODE.send(world, {"hook_event_name": "SessionStart", "session_id": "s1", "cwd": "/"})
    assert told.returncode == 0 and told.stdout == "" and "did not answer" in told.stderr


def test_a_host_that_still_compiles_its_policies_is_waited_for(world: World) -> None:
    """Nothing is in the cache of a new world, and compiling takes longer than a host may hang."""
    world.serve()
    answered = CLAUDE_CODE.call(world, "ls")
    assert CLAUDE_CODE.decision(answered) == "allow", answered.stderr


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "no JSON at all",
        "[]",
        "{}",
        '{"hook_event_name": "PreToolUse"}',
        '{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}}',
        '{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": 7}}',
        '{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "\xff',
    ],
    ids=["nothing", "cut", "text", "a list", "empty", "no tool", "no command", "a number", "cut in a text"],
)
def test_what_is_no_event_blocks_and_says_why(broken: str, world: World) -> None:
    for arguments in ([], ["claude-code"]):
        refused = world.quarterdeck("hook", *arguments, input=broken)
        assert refused.returncode == 2, "any other status lets the command run"
        assert refused.stderr.strip() and refused.stdout == ""


def test_an_event_that_nobody_knows_lets_no_command_by(world: World) -> None:
    for coding_agent in AGENTS:
        if coding_agent is COPILOT:
            continue  # Its events have no names.
        event = {**coding_agent.before_command("rm -rf ~", "/tmp"), "hook_event_name": "beforeEverything"}
        refused = coding_agent.send(world, event)
        assert refused.returncode == 2 and "beforeEverything" in refused.stderr, refused
        told = coding_agent.send(world, {"hook_event_name": "afterEverything", "session_id": "s1"})
        assert (told.returncode, told.stdout) == (0, "") and "afterEverything" in told.stderr, told


def test_a_broken_configuration_blocks(world: World) -> None:
    world.configure("[gate]\nmode = 'sometimes'\n")
    refused = CLAUDE_CODE.call(world, "ls")
    assert refused.returncode == 2 and "config.toml" in refused.stderr


def test_an_input_that_stays_open_is_not_waited_for(world: World) -> None:
    ready(world.serve())
    hook = world.start("hook", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert hook.stdin and hook.stdout
    hook.stdin.write(json.dumps(like_claude("rm -rf ~", "/tmp")).encode())
    hook.stdin.flush()
    assert b'"deny"' in hook.stdout.readline()
    assert hook.wait(timeout=20) == 0


def test_other_tools_are_let_by_without_a_word(world: World) -> None:
    reading = {**like_claude("", "/tmp"), "tool_name": "Read", "tool_input": {"file_path": "/etc/passwd"}}
    told = CLAUDE_CODE.send(world, reading)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
