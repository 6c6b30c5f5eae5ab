"""People: who says yes, for how long, by which rules, and what the log keeps of it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from approvers import drop_scripted
from test_swap_a_rule import loaded
from waiting import until, until_blocking
from world import World

COMMAND = "echo deploy to production"


@pytest.fixture(autouse=True)
def deploying_is_reviewed(world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="Deploying is a person's decision.")


async def confirmation(agent: Agent, **arguments: Any) -> str:
    """Asks to run what is reviewed; returns the confirmation's id."""
    asked = await agent.call("session_run", command=COMMAND, **arguments)
    assert asked.code == "CONFIRMATION_REQUIRED", asked
    return asked.error["details"]["confirmationId"]


def exported(world: World, *filters: str) -> list[dict[str, Any]]:
    """The audit log's rows."""
    lines = world.quarterdeck("audit", "export", *filters)
    assert lines.returncode == 0, lines
    return [json.loads(line) for line in lines.stdout.splitlines()]


# Approving.


async def test_a_yes_for_the_session_lasts_there_and_nowhere_else(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        here, elsewhere = await agent.open_session(), await agent.open_session()
        identifier = await confirmation(agent, sessionId=here)
        assert world.quarterdeck("approve", identifier, "--session").returncode == 0
        for _ in range(3):
            assert not (await agent.call("session_run", command=COMMAND, sessionId=here)).is_error
        await confirmation(agent, sessionId=elsewhere)
    rows = exported(world, "--decision", "confirmed")
    assert {row["body"]["scope"] for row in rows} == {"session"} and len(rows) == 3
    (answer,) = exported(world, "--kind", "approval")
    assert answer["body"]["by"].startswith(f"user {os.getuid()}") and answer["body"]["scope"] == "session"


async def test_a_yes_for_good_is_a_rule_that_outlives_the_host(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        identifier = await confirmation(agent)
        approved = world.quarterdeck("approve", identifier, "--always")
        assert approved.returncode == 0 and COMMAND in approved.stdout
        assert not (await agent.call("session_run", command=COMMAND)).is_error
        assert world.quarterdeck("approve", identifier).returncode != 0, "it waits no more"
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        assert not (await agent.call("session_run", command=COMMAND)).is_error
        other = await agent.call("session_run", command=f"{COMMAND} twice")
        assert other.code == "CONFIRMATION_REQUIRED", "the rule is about one command"
        moved = await agent.open_session(workingDirectory="/tmp")
        assert (await agent.call("session_run", command=COMMAND, sessionId=moved)).code == "CONFIRMATION_REQUIRED"

        listed = world.quarterdeck("rule", "list")
        assert f"`{COMMAND}`" in listed.stdout and str(world.home) in listed.stdout
        assert world.quarterdeck("rule", "remove", listed.stdout.split()[0]).returncode == 0
        await confirmation(agent)  # at once, in the host that runs
    used = exported(world, "--kind", "allow-rule")
    assert len(used) == 2 and all(row["body"]["rule"]["command"] == COMMAND for row in used)
    by_rule = exported(world, "--decision", "allowed-by-rule")
    assert [row["body"]["allow_rule_row"] for row in by_rule] == [row["sequence"] for row in used]


async def test_a_rule_never_overrides_dangerous_unless_it_names_what_says_so(world: World) -> None:
    command = "rm -rf ~/Documents"
    async with agent_on_stdio(world) as agent:
        assert world.quarterdeck("rule", "allow", command, "--anywhere").returncode == 0
        refused = await agent.call("session_run", command=command)
        assert refused.code == "PERMISSION_DENIED" and not world.ran("rm")
        rule = refused.verdict["rule"]
        named = world.quarterdeck("rule", "allow", command, "--anywhere", "--overrides", rule)
        assert named.returncode == 0, named
        ran = await agent.call("session_run", command=command)
        assert not ran.is_error and world.ran("rm"), ran
    (kept,) = exported(world, "--kind", "allow-rule")
    assert kept["body"]["overridden"] == rule and kept["body"]["tier"] == "dangerous"


async def test_a_rule_file_that_others_can_write_allows_nothing(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        assert world.quarterdeck("rule", "allow", COMMAND, "--anywhere").returncode == 0
        (world.config_dir / "rules.toml").chmod(0o666)
        await confirmation(agent)
        listed = world.quarterdeck("rule", "list")
        assert listed.returncode != 0 and "go-w" in listed.stderr


async def test_watching_shows_what_begins_to_wait(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        watch = world.start("approve", "--watch", "--json", stdout=subprocess.PIPE)
        identifier = await confirmation(agent)
        assert watch.stdout
        shown = json.loads(watch.stdout.readline())
        assert shown["confirmationId"] == identifier and shown["command"] == COMMAND
        assert shown["cwd"] == str(world.home) and shown["client"]


async def test_a_person_answers_at_the_terminal(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        person, terminal = pty.openpty()
        world.start("approve", "--watch", stdin=terminal, stdout=terminal)
        said = ""

        def shows(text: str) -> bool:
            nonlocal said
            while select.select([person], [], [], 0.1)[0]:
                said += os.read(person, 4096).decode()
            return text in said

        await confirmation(agent)
        until_blocking("the question", lambda: shows("allow [o]nce"))
        assert COMMAND in said and "Deploying is a person's decision." in said
        os.write(person, b"what?\n")
        os.write(person, b"s\n")
        until_blocking("the answer", lambda: shows("approved for this session"))
        assert not (await agent.call("session_run", command=COMMAND)).is_error
        assert not (await agent.call("session_run", command=COMMAND)).is_error


# Rules by example.


async def test_a_rule_made_of_an_example_holds_at_once(world: World) -> None:
    world.stand_in("terraform")
    async with agent_on_stdio(world) as agent:
        assert not (await agent.call("session_run", command="terraform version")).is_error
        added = world.quarterdeck(
            "rule", "add", "terraform apply", "--tier", "dangerous", "--why", "Through the pipeline.",
            "--not", "terraform plan", timeout=120,
        )  # fmt: skip
        assert added.returncode == 0 and "own/terraform-apply" in added.stdout, added

        async def refused() -> bool:
            outcome = await agent.call("safety_approve", command="sudo terraform apply", sessionId=session)
            return outcome.content.get("rule") == "own/terraform-apply"

        session = await agent.open_session()
        await until("the rule is taken over", refused)
    assert "2 of 2 examples hold" in world.quarterdeck("rule", "test").stdout
    explained = world.quarterdeck("rule", "explain", "terraform apply")
    assert "Through the pipeline." in explained.stdout and "own/terraform-apply" in explained.stdout
    assert world.quarterdeck("rule", "remove", "own/terraform-apply").returncode == 0
    assert world.quarterdeck("check", "terraform apply").returncode != 20


def test_what_a_rule_overrides_is_said_and_named(world: World) -> None:
    command = "git push --force"
    was = json.loads(world.quarterdeck("check", command, "--json").stdout)
    assert was["tier"] == "dangerous"
    wish = ("rule", "add", command, "--tier", "safe", "--why", "Mine.")
    refused = world.quarterdeck(*wish, timeout=120)
    assert refused.returncode != 0 and f"--overrides {was['rule']}" in refused.stderr, refused
    assert not (world.plugins_dir / "safety-tiers.toml").exists()

    added = world.quarterdeck(*wish, "--overrides", was["rule"], timeout=120)
    assert added.returncode == 0, added
    assert f"it was dangerous (rule {was['rule']})" in added.stdout and "every folder" in added.stdout
    removed = world.quarterdeck("rule", "remove", "own/git-push-force", timeout=120)
    assert f"is dangerous from now on (rule {was['rule']})" in removed.stdout, removed
    rows = [row["body"] for row in exported(world, "--kind", "change")]
    assert [row["change"] for row in rows] == ["rule-added", "rule-removed"]
    assert all(row["subject"] == "own/git-push-force" for row in rows)
    assert f"it was dangerous (rule {was['rule']})" in rows[0]["detail"] and "rule add" in rows[0]["by"]


async def test_who_changed_the_rules_is_in_the_log(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await agent.run("true")
        assert not exported(world, "--kind", "change"), "a start changes nothing"
        assert world.quarterdeck("rule", "allow", "make it so").returncode == 0
        assert world.quarterdeck("plugin", "disable", "safety-tiers").returncode == 0
        assert world.quarterdeck("plugin", "enable", "safety-tiers", timeout=120).returncode == 0
        (world.plugins_dir / "safety-tiers.toml").write_text('[config.tiers]\n"git/push-force" = "review"\n')

        def changes() -> list[tuple[str, str]]:
            rows = [row["body"] for row in exported(world, "--kind", "change")]
            return [(row["change"], row["subject"]) for row in rows]

        until_blocking(
            "the change by hand", lambda: changes()[-1:] == [("in-charge", "safety-tiers")] and len(changes()) > 4
        )
    seen = changes()
    assert seen[0][0] == "allow-rule-added" and seen[0][1].startswith("allow-")
    for change in ["policy-disabled", "out-of-charge", "policy-enabled", "in-charge"]:
        assert (change, "safety-tiers") in seen, seen
    shown = world.quarterdeck("audit", "list", "--kind", "change").stdout
    assert "policy disabled: safety-tiers" in shown and "with quarterdeck plugin disable" in shown
    assert world.quarterdeck("audit", "verify").returncode == 0


def test_a_rule_of_ones_own_may_be_called_like_an_allow_rule(world: World) -> None:
    added = world.quarterdeck(
        "rule", "add", "house special", "--tier", "dangerous", "--why", "No.", "--id", "allow-house"
    )
    assert added.returncode == 0 and "allow-house" in added.stdout, added
    removed = world.quarterdeck("rule", "remove", "allow-house")
    assert removed.returncode == 0 and "allow-house is removed" in removed.stdout, removed
    again = world.quarterdeck("rule", "remove", "allow-house")
    assert again.returncode == 1 and "there is no allow-house" in again.stderr, again


def test_a_rule_that_would_not_work_is_not_written(world: World) -> None:
    for command, tier, said in [
        ("sudo reboot", "dangerous", "sudo"),
        ("echo 'open", "dangerous", "quotes"),
        ("ls", "harmless", "safe, review or dangerous"),
    ]:
        refused = world.quarterdeck("rule", "add", command, "--tier", tier, "--why", "No.")
        assert refused.returncode != 0 and said in refused.stderr, refused
    assert not (world.plugins_dir / "safety-tiers.toml").exists()


def test_a_stream_of_commands_is_judged_line_by_line(world: World) -> None:
    stream = world.start("check", "--stdin", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert stream.stdin and stream.stdout
    for number, (line, expected) in enumerate(
        [
            ('{"command": "ls"}', "safe"),
            ('{"command": "rm -rf ~", "cwd": "/tmp", "tier": "dangerous"}', "dangerous"),
            (json.dumps({"command": COMMAND}), "review"),
            ("no JSON", None),
            ('{"command": "pwd"}', "safe"),
        ],
        start=1,
    ):
        stream.stdin.write(line.encode() + b"\n")
        stream.stdin.flush()
        answer = json.loads(stream.stdout.readline())
        assert answer["line"] == number and answer.get("tier") == expected, answer
        assert expected or "command" in answer["error"]
    stream.stdin.close()
    assert stream.wait(timeout=30) == 1, "one line was no question"


# The audit log.


async def test_the_log_is_filtered(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        first = (await agent.run("echo one"))["sessionId"]
        await confirmation(agent, sessionId=first)
        await agent.call("session_run", command="rm -rf ~")

    def commands(*filters: str) -> list[str]:
        return [row["body"]["command"] for row in exported(world, "--kind", "verdict", *filters)]

    assert commands() == ["echo one", COMMAND, "rm -rf ~"]
    assert commands("--tier", "dangerous") == ["rm -rf ~"]
    assert commands("--decision", "confirmation-required") == [COMMAND]
    assert commands("--text", "DEPLOY") == [COMMAND]
    assert commands("--session", first)[:2] == ["echo one", COMMAND]
    assert commands("--session", "nobody") == []
    assert commands("--since", "1h") == commands() and commands("--since", "2999-01-01") == []
    listed = world.quarterdeck("audit", "list", "--tier", "dangerous")
    assert "refused" in listed.stdout and "rm -rf ~" in listed.stdout and "echo one" not in listed.stdout
    into = world.home / "log.jsonl"
    assert world.quarterdeck("audit", "export", "--into", str(into)).returncode == 0
    assert into.stat().st_mode & 0o777 == 0o600 and len(into.read_text().splitlines()) == len(exported(world))


def tamper(log: Path, statement: str) -> None:
    """Changes the log as somebody would who owns the file."""
    with sqlite3.connect(log) as connection:
        connection.executescript(
            f"DROP TRIGGER entries_are_not_changed; DROP TRIGGER entries_are_not_deleted; {statement}"
        )
    connection.close()


def flip_a_bit(log: Path) -> None:
    """In the middle of a command, below SQLite, which may have left older copies of it
    in unused parts of the file."""
    content = log.read_bytes()
    assert b"echo number 3" in content
    log.write_bytes(content.replace(b"echo number 3", b"ecio number 3"))


@pytest.mark.parametrize(
    "how",
    [
        flip_a_bit,
        "DELETE FROM entries WHERE sequence = 3",
        "DELETE FROM entries WHERE sequence = (SELECT max(sequence) FROM entries)",
        "UPDATE entries SET sequence = -1 WHERE sequence = 3; UPDATE entries SET sequence = 3 WHERE sequence = 4;"
        " UPDATE entries SET sequence = 4 WHERE sequence = -1;",
    ],
    ids=["one flipped bit", "one deleted row", "the last row deleted", "a reordered pair"],
)
def test_the_chain_notices(how: Any, world: World) -> None:
    questions = "".join(json.dumps({"command": f"echo number {number}"}) + "\n" for number in range(1, 7))
    assert world.quarterdeck("check", "--stdin", input=questions, timeout=120).returncode == 0
    # Everything in one file, as it is after a while.
    with sqlite3.connect(world.audit_log) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert "6 rows, the chain holds" in world.quarterdeck("audit", "verify").stdout
    if callable(how):
        how(world.audit_log)
    else:
        tamper(world.audit_log, how)
    noticed = world.quarterdeck("audit", "verify")
    assert noticed.returncode == 1, noticed
    assert re.search(r"row [346]: ", noticed.stdout), noticed


# From inside a session.


@pytest.mark.parametrize(
    "command",
    [
        "rule add ls --tier dangerous --why no",
        "rule allow ls",
        "rule remove allow-000000",
        "install claude-code",
        "uninstall claude-code",
        "plugin disable safety-tiers",
        "plugin remove safety-tiers",
        "audit list",
        "audit export",
        "approve --deny 00000000",
        "run --gate off ls",
        "serve --gate warn",
    ],
)
def test_nothing_that_holds_an_agent_is_changed_from_inside_its_session(command: str, inside: Inside) -> None:
    status, said = inside.runs(command)
    assert status not in (0, None) and "inside a hosted session" in said, said


class Inside:
    """A process inside a hosted session, which the gate does not keep from running
    `quarterdeck`: what is tried here is what the program itself refuses."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scratch = world.root / "inside"
        self.scratch.mkdir()

    def runs(self, command: str) -> tuple[int | None, str]:
        """The exit status and what was said, with nothing in the environment that would
        tell where it runs."""
        script = self.scratch / "try.sh"
        log = self.scratch / "log"
        keep = " ".join(f"{name}={value}" for name, value in self.world.env.items() if name != "QUARTERDECK_SESSION")
        script.write_text(
            f"#!/bin/sh\nenv -i {keep} {self.world.binary} {command} >{log} 2>&1\necho $? >{log}.status\n"
        )
        script.chmod(0o755)
        outer = self.world.quarterdeck("run", "--gate", "warn", str(script), timeout=120)
        assert outer.returncode == 0, outer
        status = Path(f"{log}.status")
        return (int(status.read_text()) if status.exists() else None), log.read_text()


@pytest.fixture
def inside(world: World) -> Inside:
    return Inside(world)


async def test_an_agent_of_one_host_cannot_approve_at_another(world: World) -> None:
    """Each host sees that a host stands above whoever says yes."""
    host = world.serve()
    async with (
        agent_on_http(host) as waiting,
        agent_on_stdio(world, env={"XDG_CACHE_HOME": str(world.root / "c2")}) as other,
    ):
        await loaded(waiting, "deploys")
        identifier = await confirmation(waiting)
        session = await other.open_session()
        request = json.dumps({"wants": "answer", "id": identifier, "answer": {"allow": "once"}})
        socket = world.runtime / "quarterdeck" / "host.sock"
        script = world.home / "yes.py"
        script.write_text(
            "import socket\ns = socket.socket(socket.AF_UNIX)\n"
            f"s.connect({str(socket)!r})\ns.sendall({request!r}.encode() + b'\\n')\nprint(s.recv(9999).decode())\n"
        )
        await other.call("session_run", command=f"python3 {script} >said 2>&1", sessionId=session)
        assert (await waiting.call("session_run", command=COMMAND)).code == "CONFIRMATION_REQUIRED"
