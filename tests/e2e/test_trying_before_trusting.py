"""Trying before trusting: a policy says what it would have said, and nobody obeys it yet."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from agent import agent_on_http, agent_on_stdio
from approvers import allow, built, drop, drop_scripted
from waiting import until
from world import World

PUSH = "git push origin main"


@pytest.fixture(autouse=True)
def git_is_a_stand_in(world: World) -> None:
    world.stand_in("git")
    allow(world, "git push origin main")


def judged(world: World, command: str) -> dict[str, Any]:
    """The newest verdict row on a command."""
    with sqlite3.connect(f"file:{world.audit_log}?mode=ro", uri=True) as log:
        rows = log.execute("SELECT sequence, body FROM entries WHERE kind = 'verdict' ORDER BY sequence DESC")
        for sequence, body in rows:
            row = json.loads(body)
            if row["command"] == command:
                return {"sequence": sequence, **row}
    raise AssertionError(f"no verdict on {command!r}")


async def test_a_shadow_is_written_down_counted_and_not_obeyed(world: World) -> None:
    drop(world, "approver-git-push", built("approver-git-push"), 'mode = "shadow"\n')
    async with agent_on_http(world.serve()) as agent:

        async def shadowing() -> bool:
            return (await agent.policies()).get("approver-git-push", {}).get("state") == "shadow"

        await until("the policy is a shadow", shadowing)
        pushed = await agent.run(PUSH)
        assert pushed["output"].strip() == "git ran: push origin main", "a shadow is not obeyed"
        await agent.run("git status")
        listed = (await agent.policies())["approver-git-push"]
        assert (listed["shadowDiffered"], listed["calls"]) == (1, 2)
        shown = world.quarterdeck("plugin", "list").stdout
        assert "answered otherwise than the ruling policies in 1 of 2 calls" in shown, shown

    row = judged(world, PUSH)
    assert "approver-git-push" not in {verdict["policy"] for verdict in row["verdicts"]}
    [shadow] = row["shadows"]
    assert (shadow["policy"], shadow["tier"]) == ("approver-git-push", "dangerous")
    assert shadow["digest"] == listed["digest"] and shadow["generation"] and shadow["rule"] and shadow["reason"]
    assert world.quarterdeck("audit", "verify").returncode == 0

    [record] = json.loads(world.quarterdeck("audit", "shadows", "--since", "1h", "--json").stdout)
    assert (record["policy"], record["asked"], record["stricter"], record["laxer"]) == ("approver-git-push", 2, 1, 0)
    assert record["newest"][0]["command"] == PUSH
    shown = world.quarterdeck("audit", "shadows").stdout
    assert "differed on 1 of 2 commands" in shown and PUSH in shown
    wrong = world.quarterdeck("audit", "shadows", "--since", "yesterday")
    assert wrong.returncode != 0 and "7d" in wrong.stderr, "the error shows how to write it"


async def test_a_new_version_is_held_to_the_commands_of_the_past(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session(workingDirectory=str(world.home))
        for command in ("git status", PUSH, PUSH, "ls"):
            await agent.run(command, sessionId=session)
    new = world.root / "approver-git-push.wasm"
    new.write_bytes(built("approver-git-push"))

    diff = world.quarterdeck("plugin", "diff", str(new), "--json")
    assert diff.returncode == 1, diff
    found = json.loads(diff.stdout)
    assert (found["replayed"], found["stricter"], found["laxer"]) == (4, 2, 0)
    [change] = found["changes"]
    assert (change["command"], change["session"], change["times"]) == (PUSH, session, 2)
    assert change["before"]["tier"] == "safe" and change["after"]["tier"] == "dangerous"
    assert change["after"]["policy"] == "approver-git-push" and change["after"]["rule"] and change["after"]["reason"]
    assert change["cwd"] == str(world.home), "a row says where its command ran"

    shown = world.quarterdeck("plugin", "diff", str(new))
    assert shown.returncode == 1 and PUSH in shown.stdout and session in shown.stdout
    assert "2 of 4 commands would be judged otherwise" in shown.stdout and "--name" in shown.stdout

    only_ls = world.quarterdeck("plugin", "diff", str(new), "--limit", "1")
    assert only_ls.returncode == 0 and "0 of 1 commands" in only_ls.stdout, "the newest command is no push"
    assert world.quarterdeck("plugin", "diff", str(world.root / "none.wasm")).returncode == 2


async def test_replacing_a_policy_says_what_would_be_let_through(world: World) -> None:
    drop_scripted(world, "house", match="deploy", tier="dangerous", reason="Nobody deploys from here.")
    async with agent_on_stdio(world) as agent:
        assert (await agent.call("session_run", command="echo deploy")).is_error
        await agent.run("echo hello")
    laxer = world.root / "house-2.wasm"
    laxer.write_bytes(built("scripted-approver"))
    laxer.with_suffix(".toml").write_text('[config]\nmatch = "deploy"\ntier = "review"\nreason = "Ask first."\n')

    diff = json.loads(world.quarterdeck("plugin", "diff", str(laxer), "--name", "house", "--json").stdout)
    assert (diff["replayed"], diff["replaced"], diff["laxer"], diff["stricter"]) == (2, 2, 1, 0)
    assert diff["changes"][0]["after"]["reason"] == "Ask first."


def test_rows_of_an_older_version_are_read_and_still_verify(world: World) -> None:
    """What was written before rows said where a command would run."""
    assert world.quarterdeck("check", "git status").returncode == 0
    old = {
        "session": "abcd1234",
        "caller": {"kind": "agent", "client": "x 1", "transport": "stdio", "connection": "stdio-1"},
        "command": PUSH,
        "entry": "command",
        "certainty": "exact",
        "decision": "allowed",
        "verdicts": [
            {"policy": "safety-tiers", "generation": 1, "digest": "ab", "tier": "safe", "rule": None, "reason": "fine"}
        ],
    }
    append(world, old)
    assert world.quarterdeck("audit", "verify").returncode == 0, "the row is chained as the host would"
    new = world.root / "approver-git-push.wasm"
    new.write_bytes(built("approver-git-push"))
    diff = json.loads(world.quarterdeck("plugin", "diff", str(new), "--json").stdout)
    assert (diff["replayed"], diff["incomplete"], diff["garbled"]) == (2, 1, 0)
    assert [change["command"] for change in diff["changes"]] == [PUSH]


def append(world: World, body: dict[str, Any]) -> None:
    """Adds a verdict row as a host of any version writes it (see audit/chain.rs)."""
    text = json.dumps(body)
    with sqlite3.connect(world.audit_log) as log:
        last, time_ms, previous = log.execute(
            "SELECT sequence, time_ms, hash FROM entries ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        digest = hashlib.sha256(previous)
        digest.update((last + 1).to_bytes(8, "big") + time_ms.to_bytes(8, "big"))
        for field in ("verdict", text):
            digest.update(len(field.encode()).to_bytes(8, "big") + field.encode())
        log.execute("INSERT INTO entries VALUES (?, ?, 'verdict', ?, ?)", (last + 1, time_ms, text, digest.digest()))


async def test_an_agent_compares_but_reloads_only_where_it_may(world: World) -> None:
    env = {"QUARTERDECK_TOOLS": "native,policies", "QUARTERDECK_POLICIES_WATCH": "false"}
    async with agent_on_stdio(world, env=env) as agent:
        await agent.run(PUSH)
        drop(world, "approver-git-push", built("approver-git-push"))
        diff = await agent.do("policy_diff", component="approver-git-push")
        assert diff["stricter"] == 1 and diff["changes"][0]["command"] == PUSH
        wrong = await agent.call("policy_diff", component="nobody")
        assert wrong.code == "INVALID_PARAMETERS" and "nobody.wasm" in wrong.text

        refused = await agent.call("policy_reload")
        assert refused.code == "PERMISSION_DENIED" and "agents_may_change" in refused.text
        assert "approver-git-push" not in await agent.policies()

    async with agent_on_stdio(world, env={**env, "QUARTERDECK_POLICIES_AGENTS_MAY_CHANGE": "true"}) as agent:
        assert (await agent.call("session_run", command=PUSH)).code == "PERMISSION_DENIED"
        (world.plugins_dir / "approver-git-push.wasm").unlink()
        (world.plugins_dir / "broken.wasm").write_bytes(b"no component at all")
        reloaded = await agent.do("policy_reload")
        assert reloaded["removed"] == ["approver-git-push"]
        assert [policy["name"] for policy in reloaded["refused"]] == ["broken"]
        await agent.run(PUSH)


async def test_families_are_chosen_by_whoever_connects(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        usual = {tool.name for tool in (await agent.client.list_tools()).tools}
    async with agent_on_stdio(world, env={"QUARTERDECK_TOOLS": "policies"}) as agent:
        chosen = {tool.name for tool in (await agent.client.list_tools()).tools}
    assert chosen == {"policy_list", "policy_diff", "policy_reload"} and "policy_diff" not in usual

    world.serve()  # offers the usual ones, but a client that joins may ask for others
    joining = StdioServerParameters(
        command=str(world.binary), args=["mcp", "--tools", "policies"], env=world.env, cwd=world.home
    )
    async with Client(stdio_client(joining), cache=None) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == chosen
    async with agent_on_stdio(world) as agent:
        assert {tool.name for tool in (await agent.client.list_tools()).tools} == usual

    unknown = world.quarterdeck("mcp", "--tools", "native,everything")
    assert unknown.returncode != 0 and "everything" in unknown.stderr and "policies" in unknown.stderr
