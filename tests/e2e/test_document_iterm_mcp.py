"""The iterm-mcp document, read by somebody who has nothing else: each example of its
README with the arguments that it shows, each answer held to the fields of its models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import types

from iterm_mcp import Orchestrator
from official_clients import OfficialClient
from shapes import Shape
from waiting import until

CREATED = """{
  sessions: Array<{ session_id: string; name: string; agent: string | null; persistent_id: string; }>;
  window_id: string;
}"""
WRITTEN = """{
  results: Array<{
    session_id: string; session_name: string | null; success: boolean;
    error: string | null; skipped: boolean; skipped_reason: string | null;
  }>;
  sent_count: number; skipped_count: number; error_count: number;
}"""
READ = """{
  outputs: Array<{
    session_id: string; name: string; agent: string | null; content: string;
    line_count: number; truncated: boolean;
  }>;
  total_sessions: number;
}"""
CASCADED = """{
  results: Array<{
    agent: string; session_id: string; message_type: 'agent' | 'team' | 'broadcast';
    delivered: boolean; skipped_reason: string | null;
  }>;
  delivered_count: number; skipped_count: number;
}"""
PLAYED = f"""{{
  layout: {CREATED} | null;
  commands: Array<{{ name: string; write_result: {WRITTEN}; }}>;
  cascade: {CASCADED} | null;
  reads: {READ} | null;
}}"""
MODIFIED = """{
  results: Array<{
    session_id: string; session_name: string | null; agent: string | null;
    success: boolean; error: string | null; changes: string[];
  }>;
  success_count: number; error_count: number;
}"""
SESSION = """{
  session_id: string; name: string; persistent_id: string | null; agent: string | null;
  team: string | null; teams: string[]; is_processing: boolean; suspended: boolean;
  suspended_at: Timestamp | null; suspended_by: string | null; tags: string[];
  locked: boolean; locked_by: string | null; locked_at: Timestamp | null;
  pending_access_requests: number; cwd: string | null; last_activity: Timestamp | null;
  last_message: string | null; process_name: string | null;
}"""
NOTIFICATION = """{
  agent: string; timestamp: Timestamp; level: 'info' | 'warning' | 'error' | 'success' | 'blocked';
  summary: string; context: string | null; action_hint: string | null;
}"""
WAITED = """{
  agent: string; completed: boolean; timed_out: boolean; elapsed_seconds: number;
  status: string; output: string | null; summary: string | null; can_continue_waiting: boolean;
}"""
AGENT = "{ name: string; session_id: string; teams: string[]; metadata: any; created_at: Timestamp; }"
TEAM = "{ name: string; description: string; parent_team: string | null; created_at: Timestamp; member_count: number; }"


class Reader(Orchestrator):
    """Somebody who holds each answer to the document."""

    async def answered(self, shape: str, tool: str, **arguments: Any) -> Any:
        return Shape(shape).holds(await self.call(tool, **arguments))


@pytest.fixture
async def reader(official_client: OfficialClient) -> Any:
    async with official_client.with_tools("iterm-mcp") as agent:
        yield Reader(agent)


async def test_the_hierarchy_example(reader: Reader) -> None:
    quad = [
        {"team": "Executive", "agent": "CEO"},
        {"team": "Team Leads", "agent": "TL-Frontend"},
        {"team": "Team Leads", "agent": "TL-Backend"},
        {"team": "ICs", "agent": "IC-Oncall"},
    ]
    created = await reader.answered(CREATED, "create_sessions", layout="quad", session_configs=quad)
    titles = [session["name"] for session in created["sessions"]]
    assert titles == ["Executive :: CEO", "Team Leads :: TL-Frontend", "Team Leads :: TL-Backend", "ICs :: IC-Oncall"]
    assert [session["agent"] for session in created["sessions"]] == [pane["agent"] for pane in quad]
    selected = await reader.call("select_panes_by_hierarchy", targets=[{"team": "Team Leads", "agent": "TL-Frontend"}])
    assert created["sessions"][1]["session_id"] in json.dumps(selected)
    sent = await reader.answered(
        CASCADED,
        "send_hierarchical_message",
        targets=[
            {"team": "Team Leads", "message": "echo Share updates for the CEO."},
            {"team": "Team Leads", "agent": "TL-Backend", "message": "echo Ship the API fixes."},
            {"team": "ICs", "agent": "IC-Oncall", "message": "echo Monitor logs for regressions."},
        ],
        broadcast="echo CEO broadcast: align on launch goals.",
    )
    kinds = {result["agent"]: result["message_type"] for result in sent["results"]}
    assert kinds == {"CEO": "broadcast", "TL-Frontend": "team", "TL-Backend": "agent", "IC-Oncall": "agent"}
    for agent, words in {
        "CEO": "CEO broadcast: align on launch goals.",
        "TL-Frontend": "Share updates for the CEO.",
        "TL-Backend": "Ship the API fixes.",
        "IC-Oncall": "Monitor logs for regressions.",
    }.items():
        await reader.shows(f"\n{words}", agent=agent)


async def test_the_modification_example(reader: Reader) -> None:
    await reader.call(
        "create_sessions",
        sessions=[{"name": "one", "agent": "claude-1"}, {"name": "two", "agent": "claude-2"}],
        layout="HORIZONTAL_SPLIT",
    )
    modified = await reader.answered(
        MODIFIED,
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
        ],
    )
    assert (modified["success_count"], modified["error_count"]) == (2, 0)
    assert [result["agent"] for result in modified["results"]] == ["claude-1", "claude-2"]
    assert all(result["changes"] for result in modified["results"])
    written = await reader.answered(WRITTEN, "write_to_sessions", messages=[{"content": "echo in the active one"}])
    assert written["results"][0]["session_name"] == "one"
    reset = await reader.answered(MODIFIED, "modify_sessions", modifications=[{"agent": "claude-2", "reset": True}])
    assert reset["success_count"] == 1


async def test_the_agent_and_team_example(reader: Reader) -> None:
    first, second = await reader.sessions("first", "second")
    await reader.call("register_agent", name="alice", session_id=first, teams=["frontend"])
    await reader.call("register_agent", name="bob", session_id=second, teams=["frontend", "backend"])
    await reader.call("create_team", name="frontend", description="Frontend developers")
    await reader.call("create_team", name="backend", description="Backend developers")
    agents = await reader.answered(f"Array<{AGENT}>", "list_agents", team="frontend")
    assert [agent["name"] for agent in agents] == ["alice", "bob"]
    teams = await reader.answered(f"Array<{TEAM}>", "list_teams")
    described = {team["name"]: (team["description"], team["member_count"]) for team in teams}
    assert described == {"frontend": ("Frontend developers", 2), "backend": ("Backend developers", 1)}
    await reader.call("assign_agent_to_team", agent_name="alice", team_name="backend")
    assert len(await reader.call("list_agents", team="backend")) == 2
    await reader.call("remove_agent_from_team", agent_name="alice", team_name="backend")
    assert len(await reader.call("list_agents", team="backend")) == 1
    await reader.call("remove_team", team_name="backend")
    assert [team["name"] for team in await reader.call("list_teams")] == ["frontend"]
    await reader.call("remove_agent", agent_name="bob")
    assert [agent["name"] for agent in await reader.call("list_agents")] == ["alice"]


async def test_the_playbook_example(reader: Reader) -> None:
    played = await reader.answered(
        PLAYED,
        "orchestrate_playbook",
        playbook={
            "layout": {"sessions": [{"name": "Ops"}, {"name": "QA"}], "layout": "VERTICAL_SPLIT"},
            "commands": [{"name": "bootstrap", "messages": [{"content": "echo ready", "targets": [{"name": "Ops"}]}]}],
            "cascade": {"broadcast": "Deploying new build"},
            "reads": {"targets": [{"team": "qa"}], "parallel": True},
        },
    )
    assert [session["name"] for session in played["layout"]["sessions"]] == ["Ops", "QA"]
    assert [(it["name"], it["write_result"]["sent_count"]) for it in played["commands"]] == [("bootstrap", 1)]
    assert played["cascade"]["delivered_count"] == 0, "nobody is registered yet"
    assert (played["reads"]["outputs"], played["reads"]["total_sessions"]) == ([], 0), "nobody is in that team"
    await reader.shows("\nready", name="Ops")

    for number, agent in enumerate(["test-profiles", "test-agents"]):
        session = played["layout"]["sessions"][number]["session_id"]
        await reader.call("register_agent", name=agent, session_id=session, teams=["docs-testing"])
    stages = [
        ("initial-setup", 'echo "Hello from playbook"', {"team": "docs-testing"}, True),
        ("verification", 'echo "Setup complete"', {"agent": "test-profiles"}, False),
    ]
    commands = [
        {
            "name": name,
            "messages": [{"content": content, "targets": [target], "execute": True}],
            "parallel": parallel,
        }
        for name, content, target, parallel in stages
    ]
    # As the SDK wraps it: one argument called `request`.
    played = await reader.answered(PLAYED, "orchestrate_playbook", request={"playbook": {"commands": commands}})
    assert [it["name"] for it in played["commands"]] == ["initial-setup", "verification"]
    assert [it["write_result"]["sent_count"] for it in played["commands"]] == [2, 1]
    await reader.shows("\nHello from playbook", agent="test-agents")
    await reader.shows("\nSetup complete", agent="test-profiles")


async def test_the_parallel_example(reader: Reader) -> None:
    await reader.call(
        "create_sessions",
        sessions=[
            {"name": "web", "agent": "alice", "team": "frontend"},
            {"name": "api", "agent": "bob", "team": "backend"},
            {"name": "rust", "agent": "rust-agent"},
            {"name": "Session1"},
            {"name": "Session2"},
        ],
    )
    written = await reader.answered(
        WRITTEN,
        "write_to_sessions",
        messages=[
            {"content": "echo npm test", "targets": [{"team": "frontend"}]},
            {"content": "echo ERROR cargo test", "targets": [{"agent": "rust-agent"}, {"team": "backend"}]},
            {"content": "echo hello", "targets": [{"name": "Session1"}, {"name": "Session2"}]},
        ],
        parallel=True,
        skip_duplicates=True,
    )
    assert (written["sent_count"], written["error_count"]) == (5, 0)
    await reader.shows("\nERROR cargo test", team="backend")
    await reader.shows("\nnpm test", agent="alice")
    read = await reader.answered(
        READ,
        "read_sessions",
        targets=[{"agent": "alice", "max_lines": 50}, {"team": "backend", "max_lines": 100}],
        parallel=True,
        filter_pattern="ERROR|WARN",
    )
    assert read["total_sessions"] == 2
    contents = {output["agent"]: output["content"].splitlines() for output in read["outputs"]}
    assert contents["alice"] == [] and "ERROR cargo test" in contents["bob"]
    assert all("ERROR" in line for line in contents["bob"])


async def test_the_cascade_example(reader: Reader) -> None:
    members = {"alice": "frontend", "bob": "backend", "carol": "frontend", "dave": None}
    for agent, team in members.items():
        await reader.call("create_sessions", sessions=[{"name": agent, "agent": agent, "team": team}])
    cascade = {
        "broadcast": "echo 'All agents: sync your status'",
        "teams": {
            "frontend": "echo 'Frontend team: run lint check'",
            "backend": "echo 'Backend team: run database migrations'",
        },
        "agents": {"alice": "echo 'Alice, please handle the API review specifically'"},
        "skip_duplicates": True,
    }
    sent = await reader.answered(CASCADED, "send_cascade_message", **cascade)
    kinds = {result["agent"]: result["message_type"] for result in sent["results"]}
    assert kinds == {"alice": "agent", "bob": "team", "carol": "team", "dave": "broadcast"}
    assert (sent["delivered_count"], sent["skipped_count"]) == (4, 0)
    await reader.shows("\nAlice, please handle", agent="alice")
    await reader.shows("\nAll agents: sync", agent="dave")
    again = await reader.answered(CASCADED, "send_cascade_message", **cascade)
    assert (again["delivered_count"], again["skipped_count"]) == (0, 4)
    assert {result["skipped_reason"] for result in again["results"]} == {"duplicate"}


async def test_the_locking_example(reader: Reader) -> None:
    await reader.call("create_sessions", sessions=[{"name": "a", "agent": "alice"}, {"name": "b", "agent": "bob"}])
    [session, _] = [one["session_id"] for one in await reader.call("list_sessions", format="full")]
    assert (await reader.call("lock_session", session_id=session, agent="alice"))["locked"] is True
    refused = await reader.call("lock_session", session_id=session, agent="bob")
    assert (refused["locked"], refused["locked_by"]) == (False, "alice")
    written = await reader.write("echo mine", {"session_id": session}, requesting_agent="bob")
    assert (written["results"][0]["skipped"], written["results"][0]["skipped_reason"]) == (True, "locked")
    await reader.call("request_session_access", session_id=session, agent="bob")
    [locked] = await reader.answered(f"Array<{SESSION}>", "list_sessions", format="full", locked=True)
    assert (locked["locked_by"], locked["pending_access_requests"]) == ("alice", 1)
    assert not (await reader.call("unlock_session", session_id=session, agent="bob"))["unlocked"]
    assert (await reader.call("unlock_session", session_id=session, agent="alice"))["unlocked"] is True
    tagged = await reader.call("set_session_tags", session_id=session, tags=[" docs ", "api"])
    assert tagged["tags"] == ["api", "docs"]
    assert [one["session_id"] for one in await reader.call("list_sessions", format="full", tag="api")] == [session]


async def test_the_comparison_example_and_the_tools_beside_it(reader: Reader) -> None:
    created = await reader.answered(
        CREATED,
        "create_sessions",
        layout_type="horizontal",
        session_configs=[
            {"name": "Frontend", "agent": "frontend-dev", "team": "dev"},
            {"name": "Backend", "agent": "backend-dev", "team": "dev"},
        ],
    )
    first, second = (session["session_id"] for session in created["sessions"])
    await reader.call("write_to_terminal", session_id=first, content="echo @steipete/claude-code-mcp@latest")
    await reader.shows("\n@steipete/claude-code-mcp@latest", session_id=first)
    sent = await reader.answered(CASCADED, "send_cascade_message", teams={"dev": "echo Run tests before deployment"})
    assert sent["delivered_count"] == 2

    active = await reader.call("set_active_session", session_id=second, focus=True)
    assert active["session_id"] == second
    status = await reader.call("check_session_status", session_id=second)
    assert status["is_processing"] in (True, False)
    await reader.call("write_to_terminal", session_id=second, content="cat")

    async def runs() -> bool:
        return (await reader.call("check_session_status", session_id=second))["is_processing"]

    async def ends() -> bool:
        # Until it reads, a program that is just being started may miss the key.
        await reader.call("send_control_character", control_char="c", target={"session_id": second})
        return not await runs()

    await until("cat runs", runs)
    await until("cat ends", ends)
    await reader.call("send_special_key", key="enter", session_id=second)
    waited = await reader.answered(WAITED, "wait_for_agent", agent="backend-dev", wait_up_to=20)
    assert waited["completed"] and not waited["timed_out"]
    await reader.call("start_monitoring_session", session_id=first)
    await reader.call("stop_monitoring_session", session_id=first)
    await reader.call("notify", agent="frontend-dev", level="error", summary="step 11 failed", context="CI")
    notifications = await reader.answered(
        f"{{ notifications: Array<{NOTIFICATION}>; total_count: number; has_more: boolean; }}",
        "get_notifications",
        limit=5,
        level="error",
    )
    assert notifications["notifications"][0]["summary"] == "step 11 failed"
    summary = await reader.try_to("get_agent_status_summary")
    assert "frontend-dev" in summary.text and not summary.is_error


async def test_resources_and_prompts(reader: Reader) -> None:
    created = await reader.call("create_sessions", sessions=[{"name": "one", "agent": "alice", "team": "web"}])
    session = created["sessions"][0]["session_id"]
    await reader.write("echo to be read", {"agent": "alice"})
    await reader.shows("\nto be read", agent="alice")

    async def read(uri: str) -> str:
        [content] = (await reader.client.read_resource(uri)).contents
        return content.text

    assert "\nto be read" in await read(f"terminal://{session}/output")
    Shape(SESSION).holds(json.loads(await read(f"terminal://{session}/info")))
    Shape(f"Array<{SESSION}>").holds(json.loads(await read("terminal://sessions")))
    Shape(f"Array<{AGENT}>").holds(json.loads(await read("agents://all")))
    Shape(f"Array<{TEAM}>").holds(json.loads(await read("teams://all")))
    dashboard = json.loads(await read("telemetry://dashboard"))
    assert dashboard["agents_online"] == dashboard["pane_count"] == 1
    templates = (await reader.client.list_resource_templates()).resource_templates
    assert {template.uri_template for template in templates} >= {
        "terminal://{session_id}/output",
        "terminal://{session_id}/info",
    }
    listed = {str(resource.uri) for resource in (await reader.client.list_resources()).resources}
    assert {"terminal://sessions", "agents://all", "teams://all"} <= listed
    prompts = {prompt.name for prompt in (await reader.client.list_prompts()).prompts}
    assert prompts == {"orchestrate_agents", "monitor_team"}
    prompt = await reader.client.get_prompt("orchestrate_agents", {"task": "port it to Rust"})
    assert "port it to Rust" in prompt.messages[0].content.text
    prompt = await reader.client.get_prompt("monitor_team", {"team_name": "web"})
    assert "web" in prompt.messages[0].content.text
    reference = types.PromptReference(type="ref/prompt", name="monitor_team")
    completed = await reader.client.complete(reference, {"name": "team_name", "value": "w"})
    assert completed.completion.values == ["web"]


async def test_six_teams_have_colours_far_apart(reader: Reader) -> None:
    for name in ["backend", "frontend", "devops", "ml", "security", "docs"]:
        await reader.call("create_team", name=name)
    hues = sorted(team["color_hue"] for team in await reader.call("list_teams"))
    gaps = [(after - before) % 360 for before, after in zip(hues, hues[1:] + hues[:1], strict=True)]
    assert min(gaps) >= 45 and max(gaps) <= 90
