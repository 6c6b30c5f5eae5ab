"""The enhanced-iterm-mcp document, read by somebody who has nothing else: each of its
tools with the arguments that it shows, each answer held to the type that it prints."""

from __future__ import annotations

from typing import Any

from agent import Agent
from official_clients import OfficialClient
from shapes import Shape
from world import World

SESSION_CREATE = Shape("""{
  sessionId: string;
  name: string;
  status: 'active' | 'idle';
  createdAt: Timestamp;
}""")

SESSION_LIST = Shape("""{
  sessions: Array<{
    sessionId: string;
    name: string;
    status: 'active' | 'idle' | 'error';
    cpu: number;
    memory: number;
    lastActivity: Timestamp;
  }>;
  total: number;
}""")

SESSION_CLOSE = Shape("{ success: boolean; sessionId: string; closedAt: Timestamp; }")

PERFORMANCE_MONITOR = Shape("""{
  timestamp: Timestamp;
  overall: {
    cpu: number;
    memory: number;
    activeSessions: number;
  };
  sessions: Array<{
    sessionId: string;
    metrics: {
      cpu: number;
      memory: number;
      responseTime: number;
      [key: string]: number;
    };
  }>;
}""")

PERFORMANCE_HISTORY = Shape("""{
  dataPoints: Array<{
    timestamp: Timestamp;
    cpu: number;
    memory: number;
    sessions: number;
  }>;
  summary: {
    avgCpu: number;
    maxCpu: number;
    avgMemory: number;
    maxMemory: number;
  };
}""")

TASK_DISTRIBUTE = Shape("""{
  distributed: Array<{
    taskId: string;
    sessionId: string;
    status: 'queued' | 'running' | 'completed';
  }>;
  queueLength: number;
  estimatedCompletion: string;
}""")

TASK_STATUS = Shape("""{
  tasks: Array<{
    id: string;
    status: 'queued' | 'running' | 'completed' | 'failed';
    sessionId: string;
    progress: number;
    result?: any;
    error?: string;
    startedAt?: Timestamp;
    completedAt?: Timestamp;
  }>;
}""")

HEALTH_CHECK = Shape("""{
  status: 'healthy' | 'degraded' | 'critical';
  timestamp: Timestamp;
  components: {
    sessions: {
      status: string;
      active: number;
      max: number;
    };
    performance: {
      status: string;
      cpu: number;
      memory: number;
    };
    connectivity: {
      status: string;
      latency: number;
    };
  };
  issues?: Array<{
    component: string;
    severity: 'warning' | 'error';
    message: string;
  }>;
}""")

HEALTH_HISTORY = Shape("""{
  uptime: number;
  incidents: Array<{
    timestamp: Timestamp;
    severity: string;
    duration: number;
    resolved: boolean;
    cause: string;
  }>;
  availability: number;
}""")

ERROR_RECOVER = Shape("""{
  recovered: boolean;
  sessionId: string;
  newSessionId?: string;
  strategy: string;
  attempts: number;
}""")

PROGRESS_AGGREGATE = Shape("""{
  overall: {
    completed: number;
    total: number;
    percentage: number;
  };
  bySession: Array<{
    sessionId: string;
    completed: number;
    total: number;
    lastUpdate: Timestamp;
  }>;
  timeline: Array<{
    timestamp: Timestamp;
    progress: number;
  }>;
}""")

SAFETY_APPROVE = Shape("""{
  approved: boolean;
  tier: 'safe' | 'review' | 'dangerous';
  reason?: string;
  requiresConfirmation: boolean;
}""")

ERROR = Shape("{ error: { code: string; message: string; details?: any; } }")


async def answered(agent: Agent, shape: Shape, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a call that has to succeed, of this shape."""
    return shape.holds(await agent.do(tool, **arguments))


async def test_each_tool_answers_in_the_document_s_types(official_client: OfficialClient, world: World) -> None:
    project = world.home / "projects" / "app"
    project.mkdir(parents=True)
    async with official_client.with_tools("native", "enhanced") as agent:
        created = await answered(
            agent,
            SESSION_CREATE,
            "session_create",
            name="build-worker-1",
            command="echo build",
            workingDirectory=str(project),
        )
        session = created["sessionId"]
        assert created["name"] == "build-worker-1"
        await agent.wait_for(session, pattern="(?m)^build$")
        await agent.at_prompt(session)
        assert (await agent.run("pwd", sessionId=session))["output"] == f"{project}\n"
        listed = await answered(agent, SESSION_LIST, "session_list")
        assert listed["total"] == len(listed["sessions"]) == 1

        for arguments in [
            {},
            {"interval": 1000, "metrics": ["cpu", "memory", "network", "disk", "response_time"]},
            {"sessionId": session, "metrics": ["cpu"]},
        ]:
            monitored = await answered(agent, PERFORMANCE_MONITOR, "performance_monitor", **arguments)
            assert [one["sessionId"] for one in monitored["sessions"]] == [session]
            assert monitored["overall"]["activeSessions"] == 1
        for arguments in [
            {"duration": "1h"},
            {"duration": "24h", "resolution": "1m", "detailed": True},
            {"duration": "7d", "sessionId": session},
        ]:
            await answered(agent, PERFORMANCE_HISTORY, "performance_history", **arguments)

        tasks = [
            {
                "id": "build",
                "type": "command",
                "payload": {"command": "pwd", "workingDirectory": str(project)},
                "priority": "high",
            },
            {"id": "test", "type": "script", "payload": "echo 50%\ntrue", "priority": "low", "dependencies": ["build"]},
            {"id": "lint", "type": "command", "payload": "false", "priority": "medium", "timeout": 30_000},
        ]
        for strategy in ["round-robin", "load-balanced", "priority", "dependency"]:
            named = [
                {
                    **task,
                    "id": f"{task['id']}-{strategy}",
                    "dependencies": [f"{it}-{strategy}" for it in task.get("dependencies", [])],
                }
                for task in tasks
            ]
            distributed = await answered(
                agent, TASK_DISTRIBUTE, "task_distribute", tasks=named, strategy=strategy, maxConcurrent=2
            )
            ids = [task["id"] for task in named]
            assert [one["taskId"] for one in distributed["distributed"]] == ids
            ended = await answered(agent, TASK_STATUS, "task_status", taskIds=ids, waitMs=50_000)
            assert [one["status"] for one in ended["tasks"]] == ["completed", "completed", "failed"]
        ran_there = await answered(agent, TASK_STATUS, "task_status", sessionId=session)
        assert {one["sessionId"] for one in ran_there["tasks"]} == {session}
        for arguments in [{"pattern": "build-*", "format": "detailed"}, {}]:
            progress = await answered(agent, PROGRESS_AGGREGATE, "progress_aggregate", **arguments)
            assert progress["overall"]["completed"] <= progress["overall"]["total"]

        for arguments in [{}, {"detailed": True}, {"sessionId": session}]:
            await answered(agent, HEALTH_CHECK, "health_check", **arguments)
        for arguments in [{"duration": "1h"}, {"duration": "7d", "includeIncidents": True}]:
            history = await answered(agent, HEALTH_HISTORY, "health_history", **arguments)
            assert 0 <= history["availability"] <= 100

        approvals = {"npm install left-pad": "review", "ls -la": "safe", "rm -rf /": "dangerous"}
        for command, tier in approvals.items():
            approval = await answered(agent, SAFETY_APPROVE, "safety_approve", command=command, sessionId=session)
            assert (approval["tier"], approval["approved"]) == (tier, tier == "safe"), command
            assert approval["requiresConfirmation"] == (tier == "review")
        forced = await answered(
            agent, SAFETY_APPROVE, "safety_approve", command="rm -rf /", sessionId=session, override=True
        )
        assert not forced["approved"]

        for strategy in ["reset", "graceful", "restart"]:
            recovered = await answered(
                agent, ERROR_RECOVER, "error_recover", sessionId=session, strategy=strategy, maxRetries=2
            )
            assert recovered["strategy"] == strategy
            session = recovered.get("newSessionId", session)
        closed = await answered(agent, SESSION_CLOSE, "session_close", sessionId=session)
        assert (closed["success"], closed["sessionId"]) == (True, session)

        for tool, arguments, code in [
            ("session_close", {"sessionId": "nonsense"}, "SESSION_NOT_FOUND"),
            ("performance_history", {"duration": "a while"}, "INVALID_PARAMETERS"),
            ("performance_history", {}, "INVALID_PARAMETERS"),
            ("command_execute", {"command": "rm -rf ~"}, "PERMISSION_DENIED"),
        ]:
            outcome = await agent.call(tool, **arguments)
            assert ERROR.holds(outcome.content)["error"]["code"] == code, (tool, outcome.content)
        assert world.victim.exists()
