"""A client of the Terminal Session server moves to Quarterdeck and changes nothing."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from agent import Agent, stderr_of
from approvers import allow, drop_scripted
from sshd import RemoteMachine, remote_machine
from waiting import until
from world import World

TEN_TOOLS = [
    "create_session", "execute_command", "ssh_connect", "expect", "send",
    "close_session", "list_sessions", "auto_command", "get_state", "get_incremental",
]  # fmt: skip


class Sessions:
    """The family's tools as a few verbs."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The object of an answer, whatever it says."""
        outcome = await self.agent.call(f"terminal_{tool}_tool", **arguments)
        assert json.loads(outcome.text) == outcome.content, "the text is the same object"
        return outcome.content

    async def open(self, **arguments: Any) -> str:
        return (await self.call("create_session", **arguments))["session_id"]

    async def run(self, session: str, command: str, **arguments: Any) -> dict[str, Any]:
        return await self.call("execute_command", session_id=session, command=command, **arguments)


@asynccontextmanager
async def client_of(world: World, *arguments: str) -> AsyncIterator[Sessions]:
    parameters = StdioServerParameters(
        command=str(world.binary), args=["mcp", "--tools", "terminal", *arguments], env=world.env, cwd=world.home
    )
    with (world.root / "mcp-stderr.log").open("a") as errors:
        async with Client(stdio_client(parameters, errlog=errors), mode="legacy", cache=None) as client:
            yield Sessions(Agent(client, "stdio"))


@pytest.fixture
async def sessions(world: World) -> AsyncIterator[Sessions]:
    async with client_of(world) as sessions:
        yield sessions


async def test_the_list_of_tools_is_the_ten(sessions: Sessions) -> None:
    listed = await sessions.agent.client.list_tools()
    assert sorted(tool.name for tool in listed.tools) == sorted(f"terminal_{name}_tool" for name in TEN_TOOLS)


async def test_a_session_is_opened_listed_and_closed(sessions: Sessions) -> None:
    created = await sessions.call("create_session")
    session = created.pop("session_id")
    assert created == {"success": True, "shell": "/bin/bash", "status": "active"} and len(session) == 8
    listed = await sessions.call("list_sessions", params={})
    assert listed == {
        "success": True,
        "count": 1,
        "sessions": [{"session_id": session, "shell": "/bin/bash", "status": "active"}],
    }
    closed = await sessions.call("close_session", session_id=session)
    assert closed == {"success": True, "message": f"Session {session} closed"}
    gone = await sessions.run(session, "true")
    assert gone == {"success": False, "error": f"Session {session} not found"}


async def test_a_shell_that_is_none_is_not_started(sessions: Sessions) -> None:
    refused = await sessions.call("create_session", shell="/usr/bin/env")
    assert refused["success"] is False and "/etc/shells" in refused["error"]


async def test_a_command_gives_its_own_output_and_real_exit_code(sessions: Sessions) -> None:
    session = await sessions.open()
    done = await sessions.run(session, r"printf '\033[31mred\033[0m\n'; echo two # comment")
    assert done == {"success": True, "output": "red\ntwo\n", "exit_code": 0}
    assert (await sessions.run(session, "cd /tmp; false"))["exit_code"] == 1
    assert await sessions.run(session, "pwd; (exit 7)") == {"success": False, "output": "/tmp\n", "exit_code": 7}


@pytest.mark.parametrize(("signal", "number"), [("KILL", 9), ("HUP", 1)])
async def test_a_command_that_a_signal_ends_with_its_shell_has_failed(
    sessions: Sessions, world: World, signal: str, number: int
) -> None:
    allow(world, f"kill -{signal} $$")
    session = await sessions.open()
    done = await sessions.run(session, f"kill -{signal} $$")
    assert done["success"] is False and done["exit_code"] == 128 + number, done


async def test_a_slow_command_times_out_and_goes_on(sessions: Sessions, world: World) -> None:
    allow(world, "word")  # the shell itself reads it, as it would read a command
    session = await sessions.open()
    await sessions.run(session, "true")
    slow = await sessions.run(session, "echo begun; read line; echo got $line", timeout=2)
    assert slow["success"] is False and slow["error"] == "Command timed out" and slow["output"] == "begun\n"
    busy = await sessions.run(session, "echo next")
    assert busy["success"] is False and "still runs" in busy["error"] and "terminal_expect_tool" in busy["error"]
    await sessions.call("send", session_id=session, text="word")
    assert (await sessions.call("expect", session_id=session, pattern=r"got \w+"))["matched"] == "got word"


async def test_a_wait_beyond_all_clocks_is_a_long_one(sessions: Sessions) -> None:
    """In shells with marks, and in one that leaves the host to guess."""
    for shell in [None, "/bin/sh"]:
        session = await sessions.open(**({"shell": shell} if shell else {}))
        ran = await sessions.run(session, "echo done", timeout=1.8e19)
        assert ran["success"] is True and "done" in ran["output"], ran


async def test_what_is_missing_is_said(sessions: Sessions) -> None:
    session = await sessions.open()
    for tool, arguments, error in [
        ("execute_command", {"session_id": session}, "command is required"),
        ("send", {"session_id": session}, "text is required"),
        ("execute_command", {"command": "true"}, "session_id is required"),
    ]:
        assert await sessions.call(tool, **arguments) == {"success": False, "error": error}


async def test_expecting_consumes_what_matched(sessions: Sessions) -> None:
    session = await sessions.open()
    await sessions.run(session, "true")
    sent = await sessions.call("send", session_id=session, text="printf '%s\\n' a-1 b-2 c-3")
    assert sent == {"success": True, "sent": "printf '%s\\n' a-1 b-2 c-3"}
    first = await sessions.call("expect", session_id=session, pattern=r"^[ab]-\d$")
    assert first["success"] is True and first["matched"] == "a-1"
    second = await sessions.call("expect", session_id=session, pattern=r"^[abc]-\d$")
    assert second == {"success": True, "matched": "b-2", "before": "\n"}
    again = await sessions.call("expect", session_id=session, pattern=r"^[ab]-\d$", timeout=1)
    assert again["success"] is False and again["error"] == "Pattern not found (timeout)"
    assert "c-3" in again["before"]


async def test_a_dialogue_without_newlines(sessions: Sessions) -> None:
    session = await sessions.open()
    await sessions.call("send", session_id=session, text="read -n 1 -p 'sure? ' answer; echo \"[$answer]\"")
    await sessions.call("expect", session_id=session, pattern=r"sure\? $")
    await sessions.call("send", session_id=session, text="y", newline=False)
    assert (await sessions.call("expect", session_id=session, pattern=r"\[(.)\]"))["matched"] == "[y]"


async def test_a_session_that_has_ended_is_told(sessions: Sessions) -> None:
    session = await sessions.open()
    await sessions.call("send", session_id=session, text="exit 3")

    async def dead() -> bool:
        listed = await sessions.call("list_sessions")
        return listed["sessions"][0]["status"] == "dead"

    await until("the session counts as dead", dead)
    assert await sessions.run(session, "true") == {"success": False, "error": "Session terminated"}
    ended = await sessions.call("expect", session_id=session, pattern="never printed", timeout=20)
    assert ended["error"] == "Session terminated"


async def test_the_auto_managed_session_is_there_when_it_is_needed(sessions: Sessions) -> None:
    assert await sessions.call("get_state") == {"status": "no_session", "output": "", "is_alive": False}
    first = await sessions.call("auto_command", command="cd /tmp; echo hello")
    assert first == {"status": "success", "command": "cd /tmp; echo hello", "output": "hello\n"}
    assert (await sessions.call("auto_command", command="pwd"))["output"] == "/tmp\n"
    state = await sessions.call("get_state", params={})
    assert state["status"] == "success" and state["is_alive"] is True and "hello" in state["output"]


async def test_without_time_there_is_neither_echo_nor_prompt(sessions: Sessions) -> None:
    await sessions.call("auto_command", command="true")
    for number in range(20):
        told = await sessions.call("auto_command", command=f"echo z{number}", duration=0)
        assert told["output"] in ("", f"z{number}\n"), told

        async def at_prompt(number: int = number) -> bool:
            shown = (await sessions.call("get_state"))["output"]
            return re.search(rf"^z{number}\n.*[#$]\Z", shown, re.MULTILINE) is not None

        await until("the shell is at its prompt", at_prompt)


async def test_output_that_is_cut_says_so_and_how_to_get_the_rest(sessions: Sessions) -> None:
    numbers = "".join(f"{number}\n" for number in range(1, 20_001))
    first = await sessions.call("auto_command", command="seq 1 20000", duration=30)
    assert first["truncated"] and "terminal_get_incremental_tool" in first["note"]
    rest = await sessions.call("get_incremental")
    assert "truncated" not in rest
    assert (first["output"] + rest["output"]).startswith(numbers)

    session = await sessions.open()
    cut = await sessions.run(session, "seq 1 200000")
    assert cut["truncated"] and cut["exit_code"] == 0 and cut["output"].startswith("1\n2\n")
    assert "in a file" in cut["note"]
    assert "truncated" not in await sessions.run(session, "seq 1 20000")


async def test_incremental_output_comes_once(sessions: Sessions) -> None:
    await sessions.call("auto_command", command="true", duration=30)
    begun = await sessions.call(
        "auto_command", command="echo one; read word; echo two $word; read word; echo three", duration=2
    )
    assert begun["output"] == "one\n"
    assert (await sessions.call("get_incremental"))["output"] == ""
    answered = await sessions.call("auto_command", command="more", duration=2)
    assert "two more" in answered["output"], "while a program runs it gets the line"
    assert "two more" not in (await sessions.call("get_incremental"))["output"]
    await sessions.call("auto_command", command="end", duration=5)
    assert (await sessions.call("get_incremental"))["output"] == ""


async def test_a_refusal_reaches_the_client_in_the_error(sessions: Sessions, world: World) -> None:
    session = await sessions.open()
    for tool, arguments in [
        ("execute_command", {"session_id": session, "command": "rm -rf ~"}),
        ("send", {"session_id": session, "text": "rm -rf ~"}),
        ("auto_command", {"command": "rm -rf ~"}),
    ]:
        refused = await sessions.call(tool, **arguments)
        assert refused["success"] is False and "refused" in refused["error"], refused
        assert refused["code"] == "PERMISSION_DENIED"
    assert world.victim.exists() and not world.ran("rm")


async def test_a_confirmation_reaches_the_client_in_the_error(world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="That is a person's decision.")
    async with client_of(world) as sessions:
        session = await sessions.open()
        asked = await sessions.run(session, "echo deploy it")
        assert asked["success"] is False and asked["code"] == "CONFIRMATION_REQUIRED", asked
        assert world.quarterdeck("approve", asked["details"]["confirmationId"]).returncode == 0
        assert (await sessions.run(session, "echo deploy it"))["output"] == "deploy it\n"
        login = await sessions.call("ssh_connect", host="deploy.example", username="ada")
        assert login["code"] == "CONFIRMATION_REQUIRED", "a login is judged before it is tried"
        assert login["details"]["command"] == "ssh -p 22 -l ada -- deploy.example"


# Another machine.


@pytest.fixture
def remote(world: World) -> Iterator[RemoteMachine]:
    with remote_machine(world) as machine:
        world.configure(f'[ssh]\nknown_hosts = "{world.root}/known_hosts"\ntimeout_seconds = 20\n')
        yield machine


async def connect(sessions: Sessions, remote: RemoteMachine, **arguments: Any) -> dict[str, Any]:
    return await sessions.call("ssh_connect", **{**remote.target, **arguments})


async def test_a_login_by_key_gives_a_session_for_commands(remote: RemoteMachine, sessions: Sessions) -> None:
    connected = await connect(sessions, remote, key_file=str(remote.key))
    session = connected.pop("session_id", None)
    assert connected == {"success": True, "host": "127.0.0.1", "username": remote.user}
    assert await sessions.run(session, "id -un # who") == {
        "success": True,
        "output": f"{remote.user}\n",
        "exit_code": 0,
    }
    assert (await sessions.run(session, "cd /tmp; (exit 5)"))["exit_code"] == 5
    several = await sessions.run(session, "pwd\nprintf 'no end'\ncat <<'EOF'\n\tit's $HOME\nEOF")
    assert several == {"success": True, "output": "/tmp\nno end\tit's $HOME\n", "exit_code": 0}
    await sessions.run(session, "set -u")
    assert (await sessions.run(session, "(exit 6)"))["exit_code"] == 6
    assert (await sessions.run(session, "sleep 60", timeout=1))["error"] == "Command timed out"
    refused = await sessions.run(session, "rm -rf ~")
    assert refused["success"] is False and "refused" in refused["error"], "the gate judges there too"


async def test_whoever_logs_in_to_fish_can_run_commands_too(remote: RemoteMachine, sessions: Sessions) -> None:
    remote.log_in_to(shutil.which("fish") or "fish")
    session = (await connect(sessions, remote, key_file=str(remote.key)))["session_id"]
    for turn in range(3):
        ran = await sessions.run(session, f"echo it\\'s {turn} 'a\\\\b'; false")
        assert (ran["output"], ran["exit_code"]) == (f"it's {turn} a\\b\n", 1), ran


async def test_a_tab_is_a_tab_to_a_shell_that_takes_no_pastes(remote: RemoteMachine, sessions: Sessions) -> None:
    remote.log_in_to(shutil.which("dash") or "dash")
    session = (await connect(sessions, remote, key_file=str(remote.key)))["session_id"]
    assert (await sessions.run(session, "printf 'a\tb\\n%s' \"it's\""))["output"] == "a\tb\nit's"
    assert (await sessions.run(session, "(exit 4)"))["exit_code"] == 4


async def test_a_command_for_a_shell_that_only_starts(remote: RemoteMachine, sessions: Sessions) -> None:
    slow = remote.folder / "slow-shell"
    slow.write_text(f"#!/bin/sh\nsleep 1\nexec {shutil.which('dash')}\n")
    for path in (remote.folder, slow):
        path.chmod(0o755)
    remote.log_in_to(str(slow))
    session = (await connect(sessions, remote, key_file=str(remote.key)))["session_id"]
    for turn in range(2):
        ran = await sessions.run(session, f"echo {turn}; (exit 4)")
        assert ran == {"success": False, "output": f"{turn}\n", "exit_code": 4}, ran


async def test_what_the_terminal_replies_is_no_part_of_the_next_command_there(
    remote: RemoteMachine, sessions: Sessions
) -> None:
    session = (await connect(sessions, remote, key_file=str(remote.key)))["session_id"]
    for turn in range(5):
        await sessions.run(session, r"printf '\033[6n\033[c\033[?2026$p'")
        ran = await sessions.run(session, f"echo {turn}")
        assert ran == {"success": True, "output": f"{turn}\n", "exit_code": 0}, ran


async def test_a_login_by_password_leaves_no_trace_of_it(remote: RemoteMachine, world: World) -> None:
    async with client_of(world, "-vv") as sessions:
        connected = await connect(sessions, remote, password=remote.password)
        assert connected["success"] is True, connected
        session = connected["session_id"]
        assert (await sessions.run(session, "id -un"))["output"] == f"{remote.user}\n"
        shown = await sessions.call("expect", session_id=session, pattern=r"\Z", timeout=1)
        assert remote.password not in json.dumps(shown), "what was recorded does not hold it"
        assert all(remote.password not in line for line in process_arguments())
    assert remote.password not in stderr_of(world), "logs do not hold it"
    with sqlite3.connect(world.audit_log) as audit:
        rows = "\n".join(str(row) for row in audit.execute("select * from entries"))
    assert remote.password not in rows and "an ssh login" in rows, "the audit log tells of it, without it"


def process_arguments() -> list[str]:
    """The command lines of all processes, as everybody can read them."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


async def test_a_wrong_password_fails(remote: RemoteMachine, sessions: Sessions) -> None:
    failed = await connect(sessions, remote, password="not it")
    assert failed["success"] is False and failed["error"] == "SSH connection failed"
    assert "denied" in failed["detail"].lower()
    assert (await sessions.call("list_sessions"))["count"] == 0, "nothing is left behind"


async def test_a_password_that_is_asked_for_and_not_given(remote: RemoteMachine, sessions: Sessions) -> None:
    failed = await connect(sessions, remote)
    assert failed == {"success": False, "error": "Password required"}


async def test_a_changed_host_key_is_refused(remote: RemoteMachine, sessions: Sessions) -> None:
    assert (await connect(sessions, remote, key_file=str(remote.key)))["success"] is True
    remote.stop()
    remote.make_host_key()
    remote.start()
    failed = await connect(sessions, remote, password=remote.password)
    assert failed["error"] == "SSH connection failed" and "Host key verification failed" in failed["detail"]


async def test_strict_host_keys_refuse_a_stranger(remote: RemoteMachine, world: World) -> None:
    world.configure(f'[ssh]\nknown_hosts = "{world.root}/known_hosts"\nhost_keys = "strict"\n')
    async with client_of(world) as sessions:
        failed = await connect(sessions, remote, password=remote.password)
        assert failed["error"] == "SSH connection failed" and "Host key verification failed" in failed["detail"]


async def test_a_lost_connection_ends_the_session_clearly(remote: RemoteMachine, sessions: Sessions) -> None:
    session = (await connect(sessions, remote, key_file=str(remote.key)))["session_id"]
    await sessions.call("send", session_id=session, text="echo waiting; sleep 60")
    await sessions.call("expect", session_id=session, pattern="^waiting$")
    remote.drop_connections()
    lost = await sessions.call("expect", session_id=session, pattern="never printed", timeout=20)
    assert lost["error"] == "Session terminated"
    assert await sessions.run(session, "true") == {"success": False, "error": "Session terminated"}


async def test_nobody_answers_at_the_port(remote: RemoteMachine, sessions: Sessions) -> None:
    remote.stop()
    failed = await connect(sessions, remote, password=remote.password)
    assert failed["error"] == "SSH connection failed" and "refused" in failed["detail"]


@pytest.mark.parametrize(
    "smuggled",
    [{"host": "-oProxyCommand=touch pwned"}, {"username": "-v"}, {"host": "a b"}, {"key_file": "-oProxyCommand=id"}],
)
async def test_nothing_is_smuggled_into_ssh(world: World, sessions: Sessions, smuggled: dict[str, Any]) -> None:
    refused = await sessions.call("ssh_connect", **{"host": "127.0.0.1", "username": "ada", **smuggled})
    assert refused["success"] is False and "cannot be" in refused["error"]
    assert not (world.home / "pwned").exists()
