"""Tasks: handed in by an agent, done by sessions, told of in the document's shapes."""

from __future__ import annotations

from typing import Any

import pytest

from agent import agent_on_http
from approvers import allow
from tasks import ended, task
from waiting import until
from world import World

TOOLS = "native,enhanced"


async def test_the_document_s_example(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        project = world.home / "project"
        project.mkdir()
        sessions = {await agent.open_session(name=f"build-worker-{n}") for n in (1, 2)}
        answer = await agent.do(
            "task_distribute",
            tasks=[
                task(
                    "build", {"command": "pwd; echo built > out.txt", "workingDirectory": str(project)}, priority="high"
                ),
                task("test", {"command": "cat out.txt", "workingDirectory": str(project)}, dependencies=["build"]),
                {"id": "say", "type": "script", "payload": "for n in 1 2; do\n  echo $n\ndone", "priority": "low"},
            ],
            strategy="dependency",
            maxConcurrent=2,
        )
        assert [one["taskId"] for one in answer["distributed"]] == ["build", "test", "say"]
        states = {one["taskId"]: one["status"] for one in answer["distributed"]}
        assert states == {"build": "running", "test": "queued", "say": "running"}
        assert answer["queueLength"] == 1
        assert "T" in answer["estimatedCompletion"]

        reports = await ended(agent, "build", "test", "say")
        assert {one["status"] for one in reports.values()} == {"completed"}
        assert {one["sessionId"] for one in reports.values()} <= sessions
        assert reports["build"]["result"]["output"] == f"{project}\n"
        assert reports["test"]["result"]["output"] == "built\n"
        assert reports["say"]["result"]["output"] == "1\n2\n"
        assert reports["test"]["startedAt"] >= reports["build"]["completedAt"]
        assert all(one["progress"] == 100 and one["attempts"] == 1 for one in reports.values())
        # What a task changes is its own.
        ran = await agent.run("pwd", sessionId=reports["build"]["sessionId"])
        assert ran["output"] == f"{world.home}\n"


async def test_sessions_are_opened_where_there_are_none_and_closed_again(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        # None ends before two run.
        meets = f"echo x >> {world.home}/here; until test $(wc -l < {world.home}/here) -ge 2; do sleep 0.05; done"
        await agent.do("task_distribute", tasks=[task(f"t{n}", meets) for n in range(6)])
        reports = await ended(agent, *[f"t{n}" for n in range(6)])
        assert {one["status"] for one in reports.values()} == {"completed"}
        workers = {one["sessionId"] for one in reports.values()}
        assert 2 <= len(workers) <= 4
        listed = {one["sessionId"]: one for one in (await agent.do("session_list"))["sessions"]}
        assert workers <= listed.keys()
        assert all("task-worker" in listed[one]["tags"] for one in workers)


async def test_what_ends_badly_says_how(world: World) -> None:
    world.stand_in("shutdown")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session(name="worker")
        await agent.do(
            "task_distribute",
            tasks=[
                task("fails", "echo oops; exit 3"),
                task("needs it", dependencies=["fails"]),
                task("needs that", dependencies=["needs it"]),
                task("tried again", f"echo x >> {world.home}/tries; test $(wc -l < {world.home}/tries) = 3", retries=2),
                task("refused", "rm -rf ~"),
                task("asks", "git push origin main"),
                task("slow", "sleep 60", timeout=300),
            ],
            sessionIds=[session],
        )
        reports = await ended(agent, "fails", "needs it", "needs that", "tried again", "refused", "asks", "slow")
        told = {name: one.get("error", "") for name, one in reports.items()}
        assert told["fails"] == "exit status 3"
        assert reports["fails"]["result"]["output"] == "oops\n"
        assert told["needs it"] == 'its dependency "fails" failed'
        assert told["needs that"] == 'its dependency "needs it" failed'
        assert reports["tried again"]["status"] == "completed"
        assert reports["tried again"]["attempts"] == 3
        assert len(reports["tried again"]["notes"]) == 2
        assert "files/rm-home" in told["refused"]
        assert world.victim.exists()
        assert "quarterdeck approve" in told["asks"]
        assert told["slow"] == "timed out after 300 ms"
        # The worker has survived all of that.
        assert (await agent.run("echo fine", sessionId=session))["output"] == "fine\n"


async def test_a_task_that_a_person_confirms(world: World) -> None:
    world.stand_in("git")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session()
        push = task("push", "git push origin main")
        await agent.do("task_distribute", tasks=[push], sessionIds=[session])
        error = (await ended(agent, "push"))["push"]["error"]
        confirmation = error.split("`quarterdeck approve ")[1].split("`")[0]
        assert world.quarterdeck("approve", confirmation).returncode == 0
        await agent.do("task_distribute", tasks=[push], sessionIds=[session])
        assert (await ended(agent, "push"))["push"]["status"] == "completed"
        assert world.ran("git") == ["push origin main"]


async def test_a_task_that_is_called_off(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session()
        await agent.do(
            "task_distribute",
            tasks=[
                task("runs", "echo begun; sleep 60"),
                task("waits", "true", dependencies=["runs"]),
                task("also waits"),
            ],
            sessionIds=[session],
        )
        await agent.wait_for(session, pattern="(?m)^begun")
        cancelled = (await agent.do("task_cancel", taskIds=["runs", "also waits"]))["tasks"]
        assert [one["status"] for one in cancelled] == ["failed", "failed"]
        assert "cancelled while it ran" in cancelled[0]["error"]
        assert "cancelled before it ran" in cancelled[1]["error"]
        assert (await ended(agent, "waits"))["waits"]["error"] == 'its dependency "runs" was cancelled'
        assert (await agent.run("echo free", sessionId=session))["output"] == "free\n"


async def test_progress_is_told_where_output_shows_it(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await agent.open_session()
        bar = (
            "until [ -e enough ]; do for n in 20 40 60; do printf '\\rDownloading %d%%' $n; sleep 0.2; done; done; echo"
        )
        await agent.do("task_distribute", tasks=[task("bar", bar)])

        async def shows() -> bool:
            return (await agent.do("task_status", taskIds=["bar"]))["tasks"][0]["progress"] in (20, 40, 60)

        await until("progress is told", shows, deadline=60)
        (world.home / "enough").touch()
        assert (await ended(agent, "bar"))["bar"]["progress"] == 100


async def test_a_prompt_for_the_program_that_runs_in_a_session(world: World) -> None:
    # The shell itself reads it, as it would read a command.
    allow(world, "what is the matter", "what is\nthe matter", "what is", "the matter")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session(tags=["helper"])
        await agent.run('while read -r line; do echo "answer to <$line>"; done', sessionId=session, timeoutMs=200)
        question = {"id": "ask", "type": "analysis", "payload": "what is\nthe matter", "priority": "high"}
        await agent.do("task_distribute", tasks=[question, task("not there", timeout=100)], tags=["helper"])
        answered = (await ended(agent, "ask"))["ask"]
        assert answered["status"] == "completed", answered
        assert "answer to <what is the matter>" in answered["result"]["output"]
        waiting = (await agent.do("task_status", taskIds=["not there"]))["tasks"][0]
        assert (waiting["status"], waiting["attempts"]) == ("queued", 0), "a program is in the way"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tasks": []}, "tasks is empty"),
        ({"tasks": [task("a"), task("b"), task("a")]}, '"a"'),
        ({"tasks": [task("a", dependencies=["nobody"])]}, '"nobody" (needed by "a")'),
        ({"tasks": [task("a", dependencies=["b"]), task("b", dependencies=["a"])]}, "a → b → a"),
        ({"tasks": [task("a")], "strategy": "hope"}, "choose dependency, load-balanced, priority, round-robin"),
        ({"tasks": [task("a")], "maxConcurrent": 0}, "maxConcurrent is 0"),
        ({"tasks": [task("a")], "sessionIds": ["nowhere1"]}, "nowhere1"),
        ({"tasks": [task("a", {"command": "ls", "workingDirectory": "/no/such"})]}, "/no/such"),
        ({"tasks": [task("a", "  ")]}, 'payload of task "a" is empty'),
        ({"tasks": [task("a", 7)]}, "payload"),
        ({"tasks": [task("")]}, "cannot be a task's id"),
        ({"tasks": [{**task("a"), "type": "analysis"}]}, "sessionIds or tags"),
        ({"tasks": [{**task("a"), "priority": "urgent"}]}, "urgent"),
    ],
)
async def test_bad_input_is_named_and_nothing_is_queued(world: World, arguments: dict[str, Any], said: str) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        refused = await agent.call("task_distribute", **arguments)
        assert refused.is_error
        assert said in refused.text, refused.text
        assert (await agent.do("task_status"))["tasks"] == []


async def test_an_id_is_free_again_once_its_task_has_ended(world: World) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session()
        await agent.do("task_distribute", tasks=[task("a", "sleep 5"), task("b")], sessionIds=[session])
        again = await agent.call("task_distribute", tasks=[task("b")])
        assert again.is_error and '"b" is queued or running already' in again.text
        await agent.do("task_cancel", taskIds=["a"])
        assert (await ended(agent, "b"))["b"]["status"] == "completed"
        await agent.do("task_distribute", tasks=[task("b", "echo second"), task("c", dependencies=["a"])])
        reports = await ended(agent, "b", "c")
        assert reports["b"]["result"]["output"] == "second\n"
        assert reports["c"]["error"] == 'its dependency "a" was cancelled', "an earlier one counts too"
        unknown = await agent.call("task_status", taskIds=["d"])
        assert unknown.is_error and "no task has the id" in unknown.text
