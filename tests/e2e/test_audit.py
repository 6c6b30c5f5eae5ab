"""The audit log: every verdict is kept, and what was kept cannot be changed unseen."""

from __future__ import annotations

import sqlite3
import stat

import pytest

from agent import Agent, agent_on_stdio
from approvers import drop_scripted
from test_swap_a_rule import loaded
from waiting import until
from world import World


def rows(world: World) -> list[dict[str, object]]:
    """Every row of the log's largest table, oldest first, as a reader from outside sees it."""
    with sqlite3.connect(f"file:{world.audit_log}?mode=ro", uri=True) as log:
        log.row_factory = sqlite3.Row
        tables = [name for (name,) in log.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = next(name for name in ("audit", "verdicts", "entries", "decisions") if name in tables)
        return [dict(row) for row in log.execute(f"SELECT * FROM {table} ORDER BY rowid")]


def about(world: World, text: str) -> list[dict[str, object]]:
    return [row for row in rows(world) if any(text in str(value) for value in row.values())]


async def test_every_verdict_has_a_row(agent: Agent, world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="Deploying is a person's decision.")
    await loaded(agent, "deploys")
    session = (await agent.run("echo a safe one"))["sessionId"]
    await agent.call("session_run", command="rm -rf ~")
    await agent.call("session_run", command="echo deploy it")
    await agent.type(session, "echo a typed one", enter=True)

    for text, tier in (("echo a safe one", "safe"), ("rm -rf ~", "dangerous"), ("echo deploy it", "review"), ("echo a typed one", "safe")):
        found = await until(f"a row about {text!r}", lambda: about(world, text))
        assert any(tier in str(row.values()).lower() for row in found), found
        assert any(digest_in(row) for row in found), "a verdict names the digest of what judged it"


def digest_in(row: dict[str, object]) -> bool:
    """Whether a row holds a SHA-256, as text or as bytes."""
    for value in row.values():
        if isinstance(value, bytes) and len(value) == 32:
            return True
        if isinstance(value, str) and any(len(word) == 64 for word in "".join(
            c if c in "0123456789abcdef" else " " for c in value
        ).split()):
            return True
    return False


async def test_the_command_line_is_logged_too(world: World) -> None:
    world.quarterdeck("run", "echo by hand")
    world.quarterdeck("check", "rm -rf ~")
    assert about(world, "echo by hand") and about(world, "rm -rf ~")


async def test_the_log_is_the_users_alone(agent: Agent, world: World) -> None:
    await agent.run("true")
    assert stat.S_IMODE(world.audit_log.stat().st_mode) & 0o077 == 0


async def test_the_chain_holds_and_shows_a_change(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        for number in range(20):
            await agent.run(f"echo entry {number}")
    sound = world.quarterdeck("audit", "verify")
    assert sound.returncode == 0, sound

    with sqlite3.connect(world.audit_log) as log:
        victim = about(world, "echo entry 7")[0]
        column = next(name for name, value in victim.items() if isinstance(value, str) and "echo entry 7" in value)
        table = next(
            name
            for (name,) in log.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name in ("audit", "verdicts", "entries", "decisions")
        )
        for (trigger,) in log.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            log.execute(f'DROP TRIGGER "{trigger}"')  # whoever forges would not stop at it
        log.execute(
            f"UPDATE {table} SET {column} = replace({column}, 'entry 7', 'entry X') WHERE {column} = ?",
            (victim[column],),
        )
    forged = world.quarterdeck("audit", "verify")
    assert forged.returncode != 0 and "panicked" not in forged.stderr, forged


async def test_the_log_is_append_only(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        await agent.run("echo kept")
    with sqlite3.connect(world.audit_log) as log, pytest.raises(sqlite3.DatabaseError):
        table = next(
            name
            for (name,) in log.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name in ("audit", "verdicts", "entries", "decisions")
        )
        log.execute(f"DELETE FROM {table}")
