"""The claude-mpm document, and the WebSocket chapter of enhanced-iterm-mcp, read by
somebody who has nothing else: each event that they name is made to happen, and held to
the form that they print."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from agent import agent_on_http
from approvers import allow
from hooks import CLAUDE_CODE
from shapes import Shape
from stream import Listener, listening
from waiting import until
from world import World

pytestmark = pytest.mark.anyio

EVENTS = {
    "session.start": """{
      session_id: string; start_time: Timestamp; launch_method: 'exec' | 'subprocess'; working_directory: string;
    }""",
    "session.end": "{ session_id: string; end_time: Timestamp; duration_seconds: number; }",
    "claude.status": "{ status: 'starting' | 'running' | 'stopped' | 'error'; pid: number; message: string; }",
    "claude.output": "{ content: string; stream: 'stdout' | 'stderr'; }",
    "agent.delegation": """{
      agent: string; task: string; status: 'started' | 'completed' | 'failed'; duration_ms?: number;
    }""",
    "agent.status": """{
      active_agents: string[];
      agent_stats: { [key: string]: { tasks: number; avg_duration_ms: number; }; };
    }""",
    "todo.update": """{
      todos: Array<{
        id: string; content: string; status: 'pending' | 'in_progress' | 'completed';
        priority?: string; created_at?: Timestamp;
      }>;
      stats: { total: number; completed: number; in_progress: number; pending: number; };
    }""",
    "ticket.created": "{ id: string; title: string; priority?: string; assigned_to?: string; }",
    "system.stats": "{ memory_usage_mb: number; cpu_percent: number; uptime_seconds: number; }",
    "system.error": "{ error: string; component: string; severity: string; }",
    "performance.update": """{
      timestamp: Timestamp;
      overall: { cpu: number; memory: number; activeSessions: number; };
      sessions: Array<{
        sessionId: string;
        metrics: { cpu: number; memory: number; responseTime: number; [key: string]: number; };
      }>;
    }""",
    "health.alert": "{ severity: 'warning' | 'error' | 'critical'; component: string; message: string; }",
    "progress.update": "{ sessionId: string; progress: number; milestone?: string; }",
}

MESSAGE = Shape("{ type: string; timestamp: Timestamp; data: any; }")


async def heard(listener: Listener, kind: str, **data: Any) -> dict[str, Any]:
    """The data of the next event of this kind, which is as its document says."""
    message = MESSAGE.holds(await listener.hear_of(kind, **data))
    return Shape(EVENTS[kind]).holds(message["data"])


async def test_every_event_of_claude_mpm_is_heard(world: World) -> None:
    allow(world, "claude")
    world.stand_in("claude", then="echo 'I have read the code'; read answer")
    host = world.serve()
    async with listening(host) as listener, agent_on_http(host) as agent:
        greeting = await listener.hear()
        Shape("""{
          session_id: string; session_start: Timestamp; claude_status: string;
          claude_pid: number | null; connected_clients: number;
        }""").holds(greeting["data"])
        await listener.say({"command": "subscribe", "channels": ["claude.output", "agent.*", "todo.*"]})
        subscribed = await listener.hear_of("subscribed")
        assert subscribed["data"]["channels"] == ["claude.output", "agent.*", "todo.*"]
        await listener.say({"command": "subscribe", "channels": ["*"]})

        session = await agent.open_session(workingDirectory=str(world.home))
        await heard(listener, "session.start", session_id=session)
        await agent.at_prompt(session)
        await agent.type(session, "claude", enter=True)
        await heard(listener, "claude.status", status="starting")
        output = await heard(listener, "claude.output", session_id=session)
        assert "\x1b" not in output["content"]

        def claude(event: str, **more: Any) -> None:
            told = {"session_id": "s1", "cwd": "/tmp", "hook_event_name": event, **more}
            assert CLAUDE_CODE.send(world, told).returncode == 0

        task = {"tool_name": "Task", "tool_input": {"subagent_type": "engineer", "description": "Implement feature X"}}
        claude("PreToolUse", **task)
        begun = await heard(listener, "agent.delegation", status="started")
        assert (begun["agent"], begun["task"]) == ("engineer", "Implement feature X")
        working = await heard(listener, "agent.status")
        assert working["active_agents"] == ["engineer"]
        claude("SubagentStop", agent_type="engineer")
        assert (await heard(listener, "agent.delegation", status="completed"))["duration_ms"] >= 0
        rested = await heard(listener, "agent.status")
        assert rested["active_agents"] == [] and rested["agent_stats"]["engineer"]["tasks"] == 1

        todo = {
            "id": "1",
            "content": "[Engineer] Implement WebSocket server",
            "status": "in_progress",
            "priority": "high",
        }
        claude("PostToolUse", tool_name="TodoWrite", tool_input={"todos": [todo]})
        todos = await heard(listener, "todo.update")
        assert todos["todos"] == [todo]
        assert todos["stats"] == {"total": 1, "completed": 0, "in_progress": 1, "pending": 0}
        wanted = {"title": "Add WebSocket monitoring", "priority": "high", "assigned_to": "engineer"}
        answer = [{"type": "text", "text": '{"key": "TICKET-123"}'}]
        claude("PostToolUse", tool_name="mcp__jira__create_issue", tool_input=wanted, tool_response=answer)
        assert await heard(listener, "ticket.created") == {"id": "TICKET-123", **wanted}
        await heard(listener, "system.stats")
        world.plugins_dir.mkdir(exist_ok=True)
        (world.plugins_dir / "broken.wasm").write_bytes(b"not a component")
        await heard(listener, "system.error", component="policies")
        await agent.do("session_close", sessionId=session)
        await heard(listener, "session.end", session_id=session)

        await listener.say({"command": "get_status"})
        await listener.hear_of("system.status")
        await listener.say({"command": "get_history", "params": {"event_types": ["agent.delegation"], "limit": 100}})
        history = (await listener.hear_of("history"))["data"]["events"]
        assert [event["data"]["status"] for event in history] == ["started", "completed"]


async def test_every_event_of_the_monitor_is_heard(world: World) -> None:
    world.configure('[gate]\nmode = "warn"\n[monitor]\ninterval_ms = 500\nhealth_seconds = 1\n')
    (world.home / "steps.py").write_text(
        "import time, pathlib\n"
        "for step in range(1, 21):\n"
        "    print(f'step {step} of 20', flush=True)\n"
        "while not pathlib.Path('go-on').exists(): time.sleep(0.05)\n"
    )
    host = world.serve()
    async with listening(host, "/monitor") as monitor, agent_on_http(host) as agent:
        await monitor.say({"subscribe": ["performance", "health", "progress"], "interval": 1000})
        session = await agent.open_session(workingDirectory=str(world.home))
        await agent.type(session, f"{sys.executable} steps.py", enter=True)
        went_on = await heard(monitor, "progress.update", sessionId=session)
        assert 0 <= went_on["progress"] <= 100

        async def measured() -> bool:
            update = await heard(monitor, "performance.update")
            return [one["sessionId"] for one in update["sessions"]] == [session]

        await until("the session is measured", measured)
        (world.home / "go-on").touch()
        await agent.at_prompt(session)
        await agent.type(session, "kill -KILL $$", enter=True)
        alert = await heard(monitor, "health.alert", component="sessions")
        assert alert["message"]


async def test_what_the_host_tells_besides(world: World) -> None:
    world.configure('tools = ["native", "enhanced"]\n[gate]\nmode = "warn"\n')
    host = world.serve()
    async with listening(host) as listener, agent_on_http(host) as agent:
        session = await agent.open_session(name="worker")
        task = {"id": "build", "type": "command", "payload": "true", "priority": "high"}
        await agent.do("task_distribute", tasks=[task])
        done = await listener.hear_of("task.update", id="build", status="completed")
        assert done["data"]["progress"] == 100
        await agent.open_session(name="reserve", tags=["backup"])
        await agent.type(session, "kill -KILL $$", enter=True)
        await agent.wait_for(session, exit=True)
        recovered = await agent.do("error_recover", sessionId=session, strategy="failover")
        moved = await listener.hear_of("session.failover", session_id=session)
        assert moved["data"]["new_session_id"] == recovered["newSessionId"]
        mended = await listener.hear_of("session.recovery", session_id=session)
        assert (mended["data"]["strategy"], mended["data"]["recovered"]) == ("failover", True)
