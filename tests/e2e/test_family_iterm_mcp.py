"""A client of iterm-mcp moves to Quarterdeck and changes nothing: the examples of its README."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import AsyncIterator

import pytest

from iterm_mcp import Orchestrator, orchestrator
from world import World

TOOLS = [
    "list_sessions",
    "set_active_session",
    "create_sessions",
    "check_session_status",
    "write_to_sessions",
    "read_sessions",
    "send_control_character",
    "send_special_key",
    "register_agent",
    "list_agents",
    "remove_agent",
    "create_team",
    "list_teams",
    "remove_team",
    "assign_agent_to_team",
    "remove_agent_from_team",
    "orchestrate_playbook",
    "send_cascade_message",
    "select_panes_by_hierarchy",
    "send_hierarchical_message",
    "modify_sessions",
    "start_monitoring_session",
    "stop_monitoring_session",
    "lock_session",
    "unlock_session",
    "request_session_access",
    "set_session_tags",
    "get_notifications",
    "get_agent_status_summary",
    "notify",
    "wait_for_agent",
]
"""The tools that the document lists."""

LATER_TOOLS = [
    "split_session",
    "read_session_log",
    "write_to_terminal",
    "assign_session_role",
    "get_session_role",
    "remove_session_role",
    "list_session_roles",
    "list_available_roles",
    "check_tool_permission",
    "get_sessions_by_role",
]
"""What its later versions have besides."""


@pytest.fixture
async def crew(world: World) -> AsyncIterator[Orchestrator]:
    async with orchestrator(world) as crew:
        yield crew


async def test_the_tools_are_the_documents(crew: Orchestrator) -> None:
    listed = await crew.client.list_tools()
    assert sorted(tool.name for tool in listed.tools) == sorted(TOOLS + LATER_TOOLS)


async def test_agents_and_teams(crew: Orchestrator) -> None:
    first, second = await crew.sessions("One", "Two")
    registered = await crew.call("register_agent", name="alice", session_id=first, teams=["frontend"])
    assert registered["agent"] == "alice" and registered["session_name"] == "One"
    await crew.call("register_agent", request={"name": "bob", "session_id": second, "teams": ["frontend", "backend"]})
    await crew.call("create_team", name="frontend", description="Frontend developers")
    await crew.call("create_team", request={"name": "backend", "description": "Backend developers"})
    in_frontend = await crew.call("list_agents", team="frontend")
    assert [agent["name"] for agent in in_frontend] == ["alice", "bob"]
    teams = {team["name"]: team for team in await crew.call("list_teams")}
    assert teams["frontend"]["member_count"] == 2 and teams["backend"]["description"] == "Backend developers"
    assert {team["color_hue"] for team in teams.values()} == {180.0, 0.0}

    assert (await crew.call("assign_agent_to_team", agent_name="alice", team_name="backend"))["added"]
    assert not (await crew.call("assign_agent_to_team", agent_name="alice", team_name="backend"))["added"]
    assert (await crew.call("remove_agent_from_team", agent_name="bob", team_name="backend"))["removed"]
    assert [agent["name"] for agent in await crew.call("list_agents", team="backend")] == ["alice"]
    assert (await crew.call("remove_team", team_name="backend"))["removed"]
    assert (await crew.call("remove_agent", agent_name="bob"))["removed"]
    assert [(agent["name"], agent["teams"]) for agent in await crew.call("list_agents")] == [("alice", ["frontend"])]
    assert (await crew.try_to("remove_agent", agent_name="bob")).is_error
    assert (await crew.try_to("register_agent", name="x", session_id="nonsense")).is_error


async def test_who_loses_a_place_is_named(crew: Orchestrator) -> None:
    """A session has one agent."""
    session, other = await crew.sessions("One", "Two")
    assert "displaced_agent" not in await crew.call("register_agent", name="alice", session_id=session)
    assert "displaced_agent" not in await crew.call("register_agent", name="alice", session_id=session)
    registered = await crew.call("register_agent", name="bob", session_id=session)
    assert registered["displaced_agent"] == "alice", registered
    [told] = (await crew.call("get_notifications", agent="alice"))["notifications"]
    assert told["level"] == "warning" and "bob" in told["summary"], told
    assert "displaced_agent" not in await crew.call("register_agent", name="carol", session_id=other)
    assert [agent["name"] for agent in await crew.call("list_agents")] == ["bob", "carol"]


async def test_five_teams_get_colours_far_apart(crew: Orchestrator, world: World) -> None:
    teams = ["backend", "frontend", "devops", "ml", "security"]
    created = [await crew.call("create_team", name=name) for name in teams]
    assert [team["color_hue"] for team in created] == [180.0, 0.0, 90.0, 270.0, 45.0]
    assert len({team["profile_guid"] for team in created}) == 5
    written = json.loads((world.state_dir / "DynamicProfiles" / "iterm-mcp-profiles.json").read_text())
    profiles = {profile["Name"]: profile for profile in written["Profiles"]}
    assert profiles["MCP Team: devops"]["Guid"] == created[2]["profile_guid"]


async def test_the_example_playbook(crew: Orchestrator) -> None:
    playbook = {
        "layout": {"sessions": [{"name": "Ops"}, {"name": "QA"}], "layout": "VERTICAL_SPLIT"},
        "commands": [
            {"name": "bootstrap", "messages": [{"content": "echo ready", "targets": [{"name": "Ops"}]}]},
        ],
        "cascade": {"broadcast": "Deploying new build"},
        "reads": {"targets": [{"team": "qa"}], "parallel": True},
    }
    played = await crew.call("orchestrate_playbook", request={"playbook": playbook})
    assert [session["name"] for session in played["layout"]["sessions"]] == ["Ops", "QA"]
    [block] = played["commands"]
    assert block["name"] == "bootstrap" and block["write_result"]["sent_count"] == 1
    assert played["cascade"] == {"results": [], "delivered_count": 0, "skipped_count": 0}
    assert played["reads"] == {"outputs": [], "total_sessions": 0, "without_session": ['team "qa"']}
    await crew.shows("\nready", name="Ops")


async def test_a_playbook_reads_what_its_own_sessions_have_answered(crew: Orchestrator) -> None:
    playbook = {
        "layout": {"sessions": [{"name": "Ops"}, {"name": "QA"}]},
        "commands": [{"messages": [{"content": "sleep 0.4; echo $((40 + 2)) here", "targets": [{"name": "Ops"}]}]}],
        "reads": {"targets": [{"name": "Ops"}, {"team": "qa"}, {"agent": "nobody"}]},
    }
    for _ in range(2):
        played = await crew.call("orchestrate_playbook", playbook=playbook)
        [written] = played["commands"][0]["write_result"]["results"]
        opened = {session["name"]: session["session_id"] for session in played["layout"]["sessions"]}
        assert written["session_id"] == opened["Ops"], "not those of the run before, which has the same names"
        [read] = played["reads"]["outputs"]
        assert read["session_id"] == opened["Ops"] and "\n42 here" in read["content"]
        assert played["reads"]["without_session"] == ['team "qa"', 'agent "nobody"']
    assert (await crew.call("list_sessions"))["total_sessions"] == 4


async def test_who_is_not_there_to_be_read_or_told_is_named(world: World) -> None:
    async with orchestrator(world, tools="iterm-mcp,native") as crew:
        first, second = await crew.sessions("One", "Two")
        await crew.call("register_agent", name="alice", session_id=first, teams=["web"])
        await crew.call("register_agent", name="bob", session_id=second, teams=["web"])
        await crew.agent.do("session_close", sessionId=second)
        read = await crew.call("read_sessions", targets=[{"team": "web"}, {"agent": "bob"}])
        assert [output["agent"] for output in read["outputs"]] == ["alice"]
        assert read["without_session"] == ['agent "bob" of team "web"', 'agent "bob"']
        assert "without_session" not in await crew.call("read_sessions", targets=[{"agent": "alice"}])

        sent = await crew.call("send_cascade_message", teams={"web": "echo hello", "wbe": "echo hello"})
        assert (sent["delivered_count"], sent["skipped_count"]) == (1, 2)
        reasons = {(it["agent"], it["message_type"]): it["skipped_reason"] for it in sent["results"]}
        assert reasons == {
            ("alice", "team"): None,
            ("bob", "team"): "session_not_found",
            ("wbe", "team"): "team_not_found",
        }


async def test_sessions_on_tmux_are_known_to_the_next_host_by_id(world: World) -> None:
    on_tmux = ("--backend", "tmux")
    world.configure(f'[sessions]\ntmux_socket = "doors-{world.mark}"\n')
    try:
        async with orchestrator(world, *on_tmux) as crew:
            [session] = await crew.sessions("Build")
            await crew.write("echo before", {"session_id": session})
            await crew.shows("\nbefore", session_id=session)
        async with orchestrator(world, *on_tmux) as crew:
            # Nothing has listed them.
            await crew.call("send_special_key", key="ctrl-left", session_id=session)
            await crew.call("send_control_character", control_char="c", session_id=session)
        async with orchestrator(world, *on_tmux) as crew:
            status = await crew.call("check_session_status", session_id=session)
            assert status["name"] == "Build", status
        async with orchestrator(world, *on_tmux) as crew:
            read = await crew.call("read_sessions", targets=[{"name": "Build"}])
            assert "\nbefore" in read["outputs"][0]["content"]
    finally:
        subprocess.run(["tmux", "-L", f"doors-{world.mark}", "kill-server"], env=world.env, check=False)


async def test_a_window_is_named_and_one_that_is_not_there_is_refused(world: World) -> None:
    world.configure(f'[sessions]\ntmux_socket = "doors-{world.mark}"\n')
    try:
        async with orchestrator(world, "--backend", "tmux") as crew:
            first = await crew.call("create_sessions", sessions=[{"name": "one"}])
            assert re.fullmatch(r"@\d+", first["window_id"]), first
            await crew.call("create_sessions", sessions=[{"name": "two"}], window_id=first["window_id"])
            refused = await crew.try_to("create_sessions", sessions=[{"name": "three"}], window_id="@999")
            assert refused.is_error and "@999" in refused.text and first["window_id"] in refused.text, refused.text
            assert (await crew.call("list_sessions"))["total_sessions"] == 2
    finally:
        subprocess.run(["tmux", "-L", f"doors-{world.mark}", "kill-server"], env=world.env, check=False)


async def test_a_playbook_of_which_a_part_makes_no_sense_opens_no_session(crew: Orchestrator) -> None:
    layout = {"sessions": [{"name": "QA"}]}
    no_pattern = {"content": "make test", "condition": "("}
    for playbook, says in [
        ({"layout": layout, "commands": [{"messages": [no_pattern]}]}, 'condition "("'),
        ({"layout": layout, "reads": {"filter_pattern": "["}}, 'filter_pattern "["'),
        ({"layout": {**layout, "layout": "CIRCLE"}}, '"CIRCLE"'),
    ]:
        refused = await crew.try_to("orchestrate_playbook", playbook=playbook)
        assert refused.is_error and says in json.loads(refused.text)["error"], refused.text
    assert (await crew.call("list_sessions"))["total_sessions"] == 0


async def test_writing_to_and_reading_from_several_sessions(crew: Orchestrator) -> None:
    await crew.call(
        "create_sessions",
        sessions=[
            {"name": "Session1", "agent": "alice", "team": "frontend"},
            {"name": "Session2", "agent": "rust-agent", "team": "backend"},
        ],
        layout="HORIZONTAL_SPLIT",
    )
    messages = [
        {"content": "echo npm test", "targets": [{"team": "frontend"}]},
        {"content": "echo ERROR: cargo test", "targets": [{"agent": "rust-agent"}]},
        {"content": "echo hello", "targets": [{"name": "Session1"}, {"name": "Session2"}]},
    ]
    written = await crew.call("write_to_sessions", messages=messages, parallel=True, skip_duplicates=True)
    assert (written["sent_count"], written["skipped_count"], written["error_count"]) == (4, 0, 0)
    await crew.shows("\nhello", agent="alice")
    await crew.shows("\nhello", team="backend")
    read = await crew.call(
        "read_sessions",
        targets=[{"agent": "alice", "max_lines": 50}, {"team": "backend", "max_lines": 100}],
        parallel=True,
        filter_pattern="^(ERROR|WARN)",
    )
    assert read["total_sessions"] == 2
    assert [output["content"] for output in read["outputs"]] == ["", "ERROR: cargo test"]
    again = await crew.call("write_to_sessions", messages=messages, parallel=True, skip_duplicates=True)
    assert again["sent_count"] == 0 and {it["skipped_reason"] for it in again["results"]} == {"duplicate"}
    assert "skip_duplicates: false" in again["results"][0]["hint"]
    forced = await crew.call("write_to_sessions", messages=messages, parallel=False, skip_duplicates=False)
    assert forced["sent_count"] == 4


async def test_a_tab_in_what_is_executed_completes_nothing(crew: Orchestrator) -> None:
    await crew.call("create_sessions", sessions=[{"name": "tabs", "agent": "tabitha"}], layout="SINGLE")
    for text in ("touch only-file", 'echo "<\t>" > said; cat -A said'):
        written = {"content": text, "targets": [{"agent": "tabitha"}]}
        sent = await crew.call("write_to_sessions", messages=[written])
        assert sent["sent_count"] == 1, sent
    await crew.shows("<^I>$", agent="tabitha")


async def test_cascades_go_from_the_broad_to_the_specific(crew: Orchestrator) -> None:
    specs = [("alice", "frontend"), ("bob", "frontend"), ("carol", "backend"), ("dave", None)]
    await crew.call("create_sessions", sessions=[{"name": name, "agent": name, "team": team} for name, team in specs])
    cascade = {
        "broadcast": "echo sync your status",
        "teams": {"frontend": "echo run lint check", "backend": "echo run database migrations"},
        "agents": {"alice": "echo handle the API review"},
        "skip_duplicates": True,
    }
    sent = await crew.call("send_cascade_message", **cascade)
    assert sent["delivered_count"] == 4
    assert {it["agent"]: it["message_type"] for it in sent["results"]} == {
        "alice": "agent",
        "bob": "team",
        "carol": "team",
        "dave": "broadcast",
    }
    await crew.shows("\nhandle the API review", agent="alice")
    await crew.shows("\nsync your status", agent="dave")
    again = await crew.call("send_cascade_message", **cascade)
    assert again["delivered_count"] == 0 and {it["skipped_reason"] for it in again["results"]} == {"duplicate"}


async def test_the_hierarchy_from_ceo_to_ics(crew: Orchestrator) -> None:
    created = await crew.call(
        "create_sessions",
        layout="quad",
        session_configs=[
            {"team": "Executive", "agent": "CEO"},
            {"team": "Team Leads", "agent": "TL-Frontend"},
            {"team": "Team Leads", "agent": "TL-Backend"},
            {"team": "ICs", "agent": "IC-Oncall"},
        ],
    )
    names = [session["name"] for session in created["sessions"]]
    assert names[2] == "Team Leads :: TL-Backend" and len(names) == 4
    ids = {session["agent"]: session["session_id"] for session in created["sessions"]}
    selected = await crew.call("select_panes_by_hierarchy", targets=[{"team": "Team Leads", "agent": "TL-Frontend"}])
    assert selected["active_session"] == ids["TL-Frontend"]
    wrong = await crew.call(
        "select_panes_by_hierarchy",
        targets=[{"agent": "nobody"}, {"team": "ICs", "agent": "CEO"}, {"team": "Empty"}],
        set_active=False,
    )
    assert [it["error"] for it in wrong["resolved"]] == ["unknown_agent", "agent_not_in_team", "team_has_no_agents"]
    sent = await crew.call(
        "send_hierarchical_message",
        targets=[
            {"team": "Team Leads", "message": "echo Share updates for the CEO."},
            {"team": "Team Leads", "agent": "TL-Backend", "message": "echo Ship the API fixes."},
            {"team": "ICs", "agent": "IC-Oncall", "message": "echo Monitor logs for regressions."},
        ],
        broadcast="echo align on launch goals",
    )
    assert sent["delivered"] == 4
    for agent, text in [
        ("CEO", "\nalign on launch"),
        ("TL-Frontend", "\nShare updates"),
        ("TL-Backend", "\nShip the API"),
        ("IC-Oncall", "\nMonitor logs"),
    ]:
        await crew.shows(text, agent=agent)


async def test_a_lock_is_one_agents(crew: Orchestrator) -> None:
    [session] = await crew.sessions("shared")
    locked = await crew.call("lock_session", session_id=session, agent="alice")
    assert locked["locked"] and locked["status"] == "acquired"
    refused = await crew.call("lock_session", session_id=session, agent="bob")
    assert (refused["locked"], refused["status"], refused["locked_by"]) == (False, "locked", "alice")
    asked = await crew.call("request_session_access", session_id=session, agent="bob")
    assert asked == {"session_id": session, "allowed": False, "locked_by": "alice"}
    [told] = (await crew.call("get_notifications", agent="alice"))["notifications"]
    assert told["level"] == "blocked" and "bob" in told["summary"]
    written = await crew.write("echo mine", {"session_id": session}, requesting_agent="bob")
    assert written["results"][0]["skipped_reason"] == "locked"
    not_bobs = await crew.call("unlock_session", session_id=session, agent="bob")
    assert not not_bobs["unlocked"] and not_bobs["locked_by"] == "alice"
    written = await crew.write("echo alices", {"session_id": session}, requesting_agent="alice")
    assert written["sent_count"] == 1
    unlocked = await crew.call("unlock_session", session_id=session, agent="alice")
    assert unlocked["unlocked"] and unlocked["previous_owner"] == "alice"
    assert (await crew.call("request_session_access", session_id=session, agent="bob"))["allowed"]


async def test_looks_and_focus_change_in_one_call(crew: Orchestrator) -> None:
    await crew.call(
        "create_sessions", sessions=[{"name": "a", "agent": "claude-1"}, {"name": "b", "agent": "claude-2"}]
    )
    modified = await crew.call(
        "modify_sessions",
        modifications=[
            {
                "agent": "claude-1",
                "focus": True,
                "set_active": True,
                "tab_color": {"red": 100, "green": 200, "blue": 255},
                "badge": "🤖 Claude-1",
            },
            {
                "agent": "claude-2",
                "background_color": {"red": 40, "green": 30, "blue": 30},
                "tab_color": {"red": 255, "green": 150, "blue": 100},
            },
            {"agent": "claude-2", "focus": True},
        ],
    )
    assert (modified["success_count"], modified["error_count"]) == (2, 1)
    assert modified["results"][0]["changes"] == [
        "set_active",
        "focus",
        "tab_color=RGB(100,200,255)",
        "badge='🤖 Claude-1'",
    ]
    assert "cooldown" in modified["results"][2]["error"]
    assert (await crew.call("check_session_status", agent="claude-1"))["is_active"]
    [first, _] = await crew.call("list_sessions", format="full")
    assert first["appearance"]["badge"] == "🤖 Claude-1"
