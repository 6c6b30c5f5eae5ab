"""Agents share sessions: locks, roles, conditions, waiting, and what outlives the host."""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from approvers import drop_scripted
from iterm_mcp import Orchestrator, orchestrator
from waiting import until
from world import World


@pytest.fixture
async def crew(world: World) -> AsyncIterator[Orchestrator]:
    async with orchestrator(world) as crew:
        yield crew


async def test_every_writer_honours_a_lock(crew: Orchestrator, world: World) -> None:
    created = await crew.call("create_sessions", sessions=[{"name": "desk", "agent": "alice", "team": "t"}])
    session = created["sessions"][0]["session_id"]
    await crew.call("lock_session", session_id=session, agent="owner", ttl_seconds=600)
    written = await crew.write("touch wrote", {"session_id": session})
    assert written["results"][0]["skipped_reason"] == "locked"
    cascade = await crew.call("send_cascade_message", agents={"alice": "touch cascaded"})
    assert cascade["results"][0]["skipped_reason"] == "locked"
    for tool, arguments in [
        ("send_special_key", {"key": "enter", "session_id": session}),
        ("send_control_character", {"control_char": "c", "target": {"session_id": session}}),
    ]:
        refused = await crew.try_to(tool, **arguments)
        assert refused.is_error and refused.content["code"] == "SESSION_LOCKED", refused.text
    one = await crew.call("write_to_terminal", session_id=session, content="touch terminal")
    assert one["skipped_reason"] == "locked"
    hierarchical = await crew.call("send_hierarchical_message", targets=[{"team": "t", "message": "touch told"}])
    assert hierarchical["results"][0]["skipped_reason"] == "locked"

    forced = await crew.call("unlock_session", session_id=session, force=True)
    assert forced["unlocked"] and forced["previous_owner"] == "owner"
    await crew.write("touch after", {"session_id": session})
    await until("the session is free again", (world.home / "after").exists)
    assert sorted(path.name for path in world.home.iterdir() if not path.name.startswith(".")) == [
        "after",
        "thesis.txt",
    ]


async def test_an_old_fencing_token_is_refused(crew: Orchestrator) -> None:
    [session] = await crew.sessions("shared")
    first = await crew.call("lock_session", session_id=session, agent="alice")
    again = await crew.call("lock_session", session_id=session, agent="alice")
    assert again["fencing_token"] == first["fencing_token"], "taking it again renews it"
    await crew.call("unlock_session", session_id=session, agent="alice")
    second = await crew.call("lock_session", session_id=session, agent="alice")
    assert second["fencing_token"] > first["fencing_token"]
    for token, sent in [(first["fencing_token"], 0), (second["fencing_token"], 1)]:
        target = {"session_id": session}
        written = await crew.write("echo hi", target, requesting_agent="alice", fencing_token=token)
        assert written["sent_count"] == sent, written


async def test_ten_agents_fight_for_three_sessions(world: World) -> None:
    """For a minute: whoever has the lock counts up; nothing is lost, nobody waits for
    ever, and what a role forbids stays forbidden."""
    world.serve("--tools", "iterm-mcp")
    counters = [world.home / f"counter-{number}" for number in range(3)]
    for counter in counters:
        counter.write_text("")
    async with AsyncExitStack() as stack:
        crews = [await stack.enter_async_context(orchestrator(world)) for _ in range(10)]
        names = ["a", "b", "c"]
        sessions = await crews[0].sessions(*names)
        [desk] = await crews[0].sessions("desk")
        await crews[0].call("register_agent", name="watcher", session_id=desk)
        watches = {"role": "monitor", "restricted_tools": ["write_to_sessions"]}
        await crews[0].call("assign_session_role", session_id=desk, role="monitor", role_config=watches)
        turns = dict.fromkeys(range(10), 0)
        ends = time.monotonic() + 60

        async def fight(number: int) -> None:
            crew, name = crews[number], f"agent-{number}"
            while time.monotonic() < ends:
                turn = turns[number]
                at = (number + turn) % 3
                session = sessions[at]

                async def locked() -> bool:
                    return (await crew.call("lock_session", session_id=session, agent=name))["locked"]

                await until(f"{name} gets session {at}", locked, deadline=120)
                other = crews[(number + 1) % 10]
                stolen = await other.write("echo stolen >> stolen", {"name": names[at]})
                assert stolen["results"][0]["skipped_reason"] == "locked"
                forbidden = await other.try_to(
                    "write_to_sessions",
                    messages=[{"content": "echo stolen >> stolen", "targets": [{"session_id": session}]}],
                    requesting_agent="watcher",
                )
                assert forbidden.is_error and "role" in forbidden.text
                line = f"echo {name}-{turn} >> {counters[at]}"
                target = {"session_id": session} if turn % 2 else {"name": names[at]}
                sent = await crew.write(line, target, requesting_agent=name)
                assert sent["sent_count"] == 1, sent
                turns[number] += 1
                assert (await crew.call("unlock_session", session_id=session, agent=name))["unlocked"]

        async with anyio.create_task_group() as fighters:
            for number in range(10):
                fighters.start_soon(fight, number)
        assert min(turns.values()) >= 3, f"somebody was starved: {turns}"

        def written() -> list[str]:
            return sorted(line for counter in counters for line in counter.read_text().splitlines())

        expected = sorted(f"agent-{number}-{turn}" for number, count in turns.items() for turn in range(count))
        await until("every line is written once", lambda: written() == expected, deadline=120)
        assert not (world.home / "stolen").exists()
        listed = await crews[0].call("list_sessions", format="json", locked=True)
        assert listed == []


async def test_a_role_decides_which_programs_run(crew: Orchestrator, world: World) -> None:
    created = await crew.call(
        "create_sessions", sessions=[{"name": "r", "agent": "rita", "role": "researcher"}, {"name": "free"}]
    )
    session = created["sessions"][0]["session_id"]
    for line in ["rm -rf x", "'r'm x", "ls; rm x", "echo $(rm x)", "sh -c 'rm x'", "$X y", "touch x"]:
        written = await crew.write(line, {"session_id": session}, skip_duplicates=False)
        assert written["error_count"] == 1 and "researcher" in written["results"][0]["error"], (line, written)
    assert world.ran("rm") == []
    written = await crew.write("cd / && grep -c root etc/passwd | cat", {"session_id": session})
    assert written["sent_count"] == 1, written
    await crew.shows("\n1", session_id=session)

    by_tool = {"rm": False, "git": True, "touch": False, "write_to_sessions": True}
    # What the role says beside its lists.
    by_right = {"create_sessions": False, "split_session": False, "remove_session_role": False}
    for tool, allowed in {**by_tool, **by_right}.items():
        checked = await crew.call("check_tool_permission", session_id=session, tool_name=tool)
        assert (checked["allowed"], checked["role"]) == (allowed, "researcher"), checked
    assert (await crew.call("get_session_role", session_id=session))["priority"] == 4
    assert (await crew.call("get_sessions_by_role", role="researcher"))["session_ids"] == [session]
    listed = await crew.call("list_session_roles", role_filter="researcher")
    assert listed["count"] == 1
    assert (await crew.call("list_available_roles"))["count"] == 8
    assert (await crew.call("remove_session_role", session_id=session))["status"] == "success"
    assert (await crew.write("touch x", {"session_id": session}, skip_duplicates=False))["sent_count"] == 1


async def test_a_role_holds_in_a_shell_within_the_shell(crew: Orchestrator, world: World) -> None:
    created = await crew.call("create_sessions", sessions=[{"name": "n", "agent": "nora"}])
    session = created["sessions"][0]["session_id"]
    may = {"role": "custom", "available_tools": ["bash", "echo", "read"], "restricted_tools": []}
    await crew.call("assign_session_role", session_id=session, role="custom", role_config={**may})
    await crew.write("PS1='inside$ ' bash --norc --noprofile", {"session_id": session})
    await crew.shows("inside$", session_id=session)
    written = await crew.write("touch x", {"session_id": session}, skip_duplicates=False)
    assert written["error_count"] == 1 and "custom" in written["results"][0]["error"], written
    written = await crew.write("echo $((40 + 2)) is allowed", {"session_id": session}, skip_duplicates=False)
    assert written["sent_count"] == 1, written
    await crew.shows("42 is allowed", session_id=session)


async def test_a_role_decides_which_tools_its_agent_may_call(crew: Orchestrator, world: World) -> None:
    world.serve("--tools", "iterm-mcp")
    async with orchestrator(world) as boss, orchestrator(world, "--agent", "mona") as mona:
        created = await boss.call("create_sessions", sessions=[{"name": "m", "agent": "mona"}])
        session = created["sessions"][0]["session_id"]
        assigned = await boss.call(
            "assign_session_role",
            session_id=session,
            role="custom",
            role_config={
                "role": "custom",
                "available_tools": ["read_sessions", "list_sessions", "assign_session_role", "create_sessions"],
                "restricted_tools": ["list_sessions"],
            },
        )
        assert assigned["status"] == "success"
        await mona.call("read_sessions", targets=[{"agent": "mona"}])
        for tool, arguments in [
            ("list_sessions", {}),
            ("write_to_sessions", {"messages": [{"content": "true"}]}),
            ("create_sessions", {"sessions": [{"name": "more"}]}),
            ("assign_session_role", {"session_id": session, "role": "orchestrator"}),
        ]:
            refused = await mona.try_to(tool, **arguments)
            assert refused.content.get("code") == "PERMISSION_DENIED", (tool, refused.text)
        spoken_for = await boss.try_to("write_to_sessions", messages=[{"content": "true"}], requesting_agent="mona")
        assert spoken_for.content["code"] == "PERMISSION_DENIED"
        pretends = await mona.try_to("lock_session", session_id=session, agent="somebody else")
        assert pretends.is_error, pretends.text


async def test_a_message_waits_for_its_condition(crew: Orchestrator) -> None:
    [session] = await crew.sessions("asks")
    target = {"session_id": session}
    skipped = await crew.write("yes", target, condition=r"Continue\? \[y/n\] $")
    assert skipped["results"][0]["skipped_reason"] == "condition_not_met"
    await crew.write("read -p 'Continue? [y/n] ' answer; echo got-$answer", target)
    await crew.shows("\nContinue? [y/n]", session_id=session)
    sent = await crew.write("yes", target, condition=r"(?m)^Continue\? \[y/n\]")
    assert sent["sent_count"] == 1
    await crew.shows("got-yes", session_id=session)
    wrong = await crew.try_to("write_to_sessions", messages=[{"content": "x", "targets": [target], "condition": "("}])
    assert wrong.is_error and "regular expression" in wrong.text
    nobody = await crew.write("x", {"agent": "nobody"}, {"team": "none"})
    assert [it["skipped_reason"] for it in nobody["results"]] == ["no_match", "no_match"]


async def test_awkward_text_travels_encoded_and_is_judged_decoded(crew: Orchestrator, world: World) -> None:
    [session] = await crew.sessions("encoded")
    target = {"session_id": session}
    awkward = "printf '%s\\n' \"it's $((1+1)) `echo é` ✓\" > out"
    sent = await crew.write(awkward, target, use_encoding=True)
    assert sent["sent_count"] == 1, sent
    out = world.home / "out"
    await until("the command ran", lambda: out.exists() and out.read_text() == "it's 2 é ✓\n")
    await crew.call("register_agent", name="worker", session_id=session)
    await crew.call("wait_for_agent", agent="worker")
    refused = await crew.write("rm -rf ~", target, use_encoding="auto")
    assert refused["error_count"] == 1
    refused = await crew.write("rm -rf ~ # 'quoted'", target, use_encoding="auto")
    assert refused["error_count"] == 1 and "refused" in refused["results"][0]["error"]
    assert world.victim.exists() and world.ran("rm") == []


async def test_keys_and_control_characters(crew: Orchestrator) -> None:
    [session] = await crew.sessions("keys")
    target = {"session_id": session}
    await crew.write("cat -v", target)
    await crew.shows("cat -v", session_id=session)

    async def reads() -> bool:
        return (await crew.call("check_session_status", session_id=session))["is_processing"]

    await until("cat reads", reads)
    await crew.write("ab", target, execute=False)
    for key in ["up", "escape", "delete"]:
        await crew.call("send_special_key", key=key, session_id=session)
    await crew.shows("\nab^[[A^[^[[3~", session_id=session)
    pressed = await crew.call("send_control_character", control_char="c", target=target)
    assert pressed["results"][0]["success"]

    async def idle() -> bool:
        return not await reads()

    await until("cat has ended", idle)
    await crew.write("echo en''tered", target, execute=False)
    await crew.call("send_special_key", key="Enter", session_id=session)
    await crew.shows("\nentered", session_id=session)
    assert (await crew.try_to("send_special_key", key="hyper", session_id=session)).is_error
    assert (await crew.try_to("send_control_character", control_char="cc", target=target)).is_error


async def test_waiting_for_an_agent_is_not_fooled_by_silence(crew: Orchestrator, world: World) -> None:
    await crew.call("create_sessions", sessions=[{"name": "w", "agent": "walter"}])
    waited = await crew.call("wait_for_agent", agent="walter", wait_up_to=30)
    assert (waited["completed"], waited["status"]) == (True, "idle")
    await crew.write("mkfifo pipe; echo again; read -r line < pipe; echo $line", {"agent": "walter"})
    await crew.shows("\nagain", agent="walter")
    waited = await crew.call("wait_for_agent", request={"agent": "walter", "wait_up_to": 2})
    assert (waited["completed"], waited["timed_out"], waited["status"]) == (False, True, "running")
    assert waited["can_continue_waiting"] and "again" in waited["summary"]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, (world.home / "pipe").write_text, "done at last\n")
        waited = await crew.call("wait_for_agent", agent="walter", wait_up_to=60)
    assert (waited["completed"], waited["status"]) == (True, "idle")
    assert "done at last" in waited["output"]
    assert (await crew.try_to("wait_for_agent", agent="nobody")).is_error
    assert (await crew.try_to("wait_for_agent", agent="walter", wait_up_to=601)).is_error


async def test_a_suspended_program_goes_on(crew: Orchestrator) -> None:
    await crew.call("create_sessions", sessions=[{"name": "s", "agent": "sam"}])
    await crew.write("cat", {"agent": "sam"})

    async def runs() -> bool:
        return (await crew.call("check_session_status", agent="sam"))["is_processing"]

    await until("cat runs", runs)
    modified = await crew.call(
        "modify_sessions", modifications=[{"agent": "sam", "suspend": True, "suspend_by": "eve"}]
    )
    assert modified["results"][0]["changes"] == ["suspend"], modified
    await crew.shows("Stopped", agent="sam")
    [info] = await crew.call("list_sessions", format="full")
    assert info["suspended"] and info["suspended_by"] == "eve"
    modified = await crew.call("modify_sessions", modifications=[{"agent": "sam", "resume": True}])
    assert modified["results"][0]["changes"] == ["resume"], modified
    await until("cat runs again", runs)


async def test_the_owner_of_a_lock_suspends_and_resumes_what_it_has_locked(crew: Orchestrator) -> None:
    [session] = await crew.sessions("locked")
    await crew.write("cat", {"session_id": session})

    async def runs() -> bool:
        return (await crew.call("check_session_status", session_id=session))["is_processing"]

    await until("cat runs", runs)
    await crew.call("lock_session", session_id=session, agent="me")

    async def modified(**wanted: object) -> dict[str, object]:
        done = await crew.call("modify_sessions", modifications=[{"session_id": session, **wanted}])
        return done["results"][0]

    assert "locked by me" in str((await modified(suspend=True, suspend_by="you"))["error"])
    assert (await modified(suspend=True, suspend_by="me"))["changes"] == ["suspend"]
    await crew.shows("Stopped", session_id=session)
    assert (await modified(resume=True, suspend_by="me"))["changes"] == ["resume"]
    await until("cat runs again", runs)


async def test_sessions_are_found_by_tag_lock_and_group(crew: Orchestrator) -> None:
    first, second = await crew.sessions("one", "two")
    assert (await crew.call("set_session_tags", session_id=first, tags=[" b ", "a"]))["tags"] == ["a", "b"]
    assert (await crew.call("set_session_tags", session_id=first, tags=["c"]))["tags"] == ["a", "b", "c"]
    await crew.call("set_session_tags", session_id=second, tags=["a"])
    await crew.call("lock_session", session_id=second, agent="alice")

    async def found(**arguments: object) -> list[str]:
        return [session["name"] for session in await crew.call("list_sessions", format="json", **arguments)]

    assert await found(tag="a") == ["one", "two"]
    assert await found(tags=["a", "b"], match="all") == ["one"]
    assert await found(tags=["b", "x"]) == ["one"]
    assert await found(locked=True) == await found(locked_by="alice") == ["two"]
    assert await found(agents_only=True) == []
    grouped = await crew.call("list_sessions")
    [group] = grouped["groups"]
    assert group["group"] == "~" and grouped["total_sessions"] == 2
    [group] = (await crew.call("list_sessions", group_by="team", shortcuts=False))["groups"]
    assert group["group"] == "no team"
    assert {session["locked_by"] for session in group["sessions"] if "locked_by" in session} == {"alice"}
    assert (await crew.call("set_session_tags", session_id=first, tags=[], append=False))["tags"] == []


async def test_the_active_session_is_meant_when_none_is_named(crew: Orchestrator) -> None:
    first, _ = await crew.sessions("one", "two")
    missing = await crew.try_to("check_session_status")
    assert missing.is_error and "the active session (none is set)" in missing.text
    await crew.call("set_active_session", request={"name": "one", "focus": True})
    assert (await crew.call("check_session_status"))["id"] == first
    await crew.write("echo here")
    await crew.shows("\nhere", session_id=first)
    split = await crew.call("split_session", target={"name": "one"}, direction="below", name="under", agent="ursula")
    assert split["name"] == "under" and split["agent"] == "ursula"
    assert (await crew.call("check_session_status"))["id"] == first, "creating a session takes no focus"
    started = await crew.call("start_monitoring_session", agent="ursula", filters=["^(ERROR|WARN)"])
    assert "already" not in started["message"]
    await crew.write("printf 'ERROR password=%s\\n' hunter22; echo fine; echo WARN", {"agent": "ursula"})
    log = Path(started["log"])
    await until("the log has both lines", lambda: log.read_text().splitlines() == ["ERROR password=[masked]", "WARN"])
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "already" in (await crew.call("start_monitoring_session", agent="ursula"))["message"]
    assert not (await crew.call("stop_monitoring_session", agent="ursula"))["is_monitoring"]


async def test_what_monitoring_keeps_can_be_read_without_the_session(crew: Orchestrator) -> None:
    [session] = await crew.sessions("server")
    started = await crew.call("start_monitoring_session", session_id=session, filters=["ERROR", "WARN"], max_lines=10)
    await crew.write(
        "for n in $(seq 30); do echo line $n; done; echo ERROR 1; echo WARN 2; echo the end", {"name": "server"}
    )

    async def read(**more: Any) -> dict[str, Any]:
        return await crew.call("read_session_log", session_id=session, **more)

    async def complete() -> bool:
        return "\nthe end" in (await read())["content"]

    await until("the snapshot has the last lines", complete)
    snapshot = await read()
    assert snapshot["line_count"] <= 10 and "line 30\nERROR 1\nWARN 2\nthe end" in snapshot["content"]
    assert (await read(filters=["line", "3"]))["content"] == "line 30"
    overflow = await read(source="overflow")
    assert "line 1\nline 2\n" in overflow["content"] and "line 30" not in overflow["content"]
    last = await read(source="overflow", max_lines=2)
    assert last["line_count"] == 2 and last["truncated"]
    log = await read(source="log", filters=["^(ERROR|WARN)"])
    assert (log["content"], log["path"]) == ("ERROR 1\nWARN 2", started["log"])
    assert (await crew.try_to("read_session_log", session_id="../token")).is_error
    assert "never followed" in (await crew.try_to("read_session_log", session_id="abcd1234")).text


async def test_notifications_are_kept_newest_first(crew: Orchestrator) -> None:
    for number in range(12):
        level = "error" if number % 2 else "info"
        await crew.call("notify", agent="alice", level=level, summary=f"step {number} " + "x" * 120)
    got = await crew.call("get_notifications", request={"limit": 5, "level": "error"})
    assert got["total_count"] == 6 and got["has_more"] and len(got["notifications"]) == 5
    assert got["notifications"][0]["summary"].startswith("step 11 ")
    assert len(got["notifications"][0]["summary"]) == 100
    since = got["notifications"][0]["timestamp"]
    assert (await crew.call("get_notifications", since=since))["total_count"] == 1
    summary = await crew.try_to("get_agent_status_summary")
    assert summary.text.splitlines()[1].startswith("alice        ✗ step 11 ")
    for wrong in [{"limit": 0}, {"level": "loud"}, {"since": "yesterday"}]:
        assert (await crew.try_to("get_notifications", **wrong)).is_error


async def test_what_was_kept_outlives_the_host(world: World) -> None:
    async with orchestrator(world, "--alone") as crew:
        [session] = await crew.sessions("gone")
        await crew.call("register_agent", name="alice", session_id=session, teams=["web"], metadata={"k": "v"})
        await crew.call("create_team", name="ui", parent_team="web")
        await crew.call("notify", agent="alice", level="success", summary="done")
        await crew.write("echo once", {"agent": "alice"})
    async with orchestrator(world, "--alone") as crew:
        [agent] = await crew.call("list_agents", team="web")
        assert (agent["name"], agent["metadata"]) == ("alice", {"k": "v"})
        teams = {team["name"]: team["color_hue"] for team in await crew.call("list_teams")}
        assert teams == {"web": 180.0, "ui": 0.0}
        assert (await crew.call("get_notifications"))["notifications"][0]["summary"] == "done"
        waited = await crew.call("wait_for_agent", agent="alice")
        assert (waited["status"], waited["can_continue_waiting"]) == ("unknown", False)
        [again] = await crew.sessions("anew")
        await crew.call("register_agent", name="alice", session_id=again)
        told = await crew.write("echo once", {"agent": "alice"})
        assert told["results"][0]["skipped_reason"] == "duplicate"


@pytest.mark.parametrize("host_runs", [False, True])
async def test_agents_and_teams_of_iterm_mcp_are_taken_over(world: World, host_runs: bool) -> None:
    folder = world.home / ".iterm_mcp_logs"
    folder.mkdir()
    agent = {"name": "alice", "session_id": "w0t0p0", "teams": ["ui"], "created_at": "2025-01-02T03:04:05"}
    (folder / "agents.jsonl").write_text(json.dumps(agent) + "\n")
    teams = [{"name": "ui", "parent_team": "web"}, {"name": "web", "description": "All of it"}]
    (folder / "teams.jsonl").write_text("\n".join(map(json.dumps, teams)))
    if host_runs:
        world.serve()
    imported = world.quarterdeck("import")
    assert imported.returncode == 0 and "1 agents and 2 teams" in imported.stdout, imported
    async with orchestrator(world) as crew:
        assert [agent["name"] for agent in await crew.call("list_agents", team="web")] == ["alice"]
    (folder / "agents.jsonl").write_text("{}\n")
    broken = world.quarterdeck("import")
    assert broken.returncode != 0 and "line 1" in broken.stderr


async def test_a_message_that_needs_a_person_says_so(world: World) -> None:
    drop_scripted(world, "asks", match="hi", tier="review", reason="Ask first.")
    async with orchestrator(world) as crew:
        [session] = await crew.sessions("asks")
        written = await crew.write("echo hi", {"session_id": session})
        assert (written["sent_count"], written["error_count"]) == (0, 1), written
        [result] = written["results"]
        assert (result["session_id"], result["success"]) == (session, False)
        assert result["error"].startswith("CONFIRMATION_REQUIRED: ") and "Ask first" in result["error"]
        confirmation = re.search(r"quarterdeck approve (\S+?)`", result["error"])
        assert confirmation and world.quarterdeck("approve", confirmation[1]).returncode == 0, result
        assert (await crew.write("echo hi", {"session_id": session}))["sent_count"] == 1


async def test_a_name_that_two_sessions_share_means_neither(crew: Orchestrator) -> None:
    first, second = await crew.sessions("twin", "twin")
    refused = await crew.try_to("send_special_key", key="enter", target={"name": "twin"})
    assert refused.is_error and first in refused.text and second in refused.text, refused.text


async def test_a_team_that_exists_is_said_to(crew: Orchestrator) -> None:
    made = await crew.call("create_team", name="web", description="The front")
    assert "existed" not in made
    again = await crew.call("create_team", name="web")
    assert again["existed"] is True and again["description"] == "The front", again
