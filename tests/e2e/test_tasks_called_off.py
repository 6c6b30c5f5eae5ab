"""A task that nobody wants any more, or whose time is over: what of it still runs, what its worker is
good for afterwards, and what its report says."""

from __future__ import annotations

import shlex
import sqlite3

from agent import agent_on_http, agent_on_stdio
from approvers import allow
from tasks import ended, report, task
from waiting import until
from world import World

TOOLS = "native,enhanced"


async def test_what_is_called_off_before_it_was_typed_never_runs(world: World) -> None:
    go_on, ran = world.home / "go-on", world.home / "ran"
    (world.home / ".bashrc").write_text(f"until test -e {go_on}; do sleep 0.05; done\n")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        # The shell that is opened for it is still reading its own files.
        unwanted = task("unwanted", f"echo unwanted >> {ran}")
        await agent.do("task_distribute", tasks=[unwanted], createSessions=1)

        async def has_a_worker() -> bool:
            return (await report(agent, "unwanted"))["status"] == "running"

        await until("a session has it", has_a_worker)
        await agent.do("task_cancel", taskIds=["unwanted"])
        go_on.touch()
        told = (await ended(agent, "unwanted"))["unwanted"]
        assert told["status"] == "failed" and "cancelled before it ran" in told["error"], told
        assert told["attempts"] == 0, told
        await agent.do("task_distribute", tasks=[task("wanted", f"echo wanted >> {ran}")], createSessions=1)
        assert (await ended(agent, "wanted"))["wanted"]["status"] == "completed"
        assert ran.read_text() == "wanted\n"


async def test_what_was_cancelled_while_the_store_cannot_be_written_never_runs(world: World) -> None:
    go_on, ran = world.home / "go-on", world.home / "ran"
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        first = task("first", f"until test -e {go_on}; do sleep 0.05; done")
        unwanted = task("unwanted", f"touch {ran}")
        await agent.do("task_distribute", tasks=[first, unwanted], createSessions=1, maxConcurrent=1)

        def change_store(statement: str) -> None:
            with sqlite3.connect(world.state_dir / "store.sqlite", timeout=20) as store:
                store.execute(statement)
            store.close()

        change_store(
            "CREATE TRIGGER full BEFORE UPDATE ON tasks WHEN NEW.id = 'unwanted'"
            " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        await agent.do("task_cancel", taskIds=["unwanted"])
        told = await report(agent, "unwanted")
        assert told["status"] == "queued" and "cannot be written" in told["waitsFor"], told
        go_on.touch()
        assert (await ended(agent, "first"))["first"]["status"] == "completed"
        change_store("DROP TRIGGER full")
        told = (await ended(agent, "unwanted"))["unwanted"]
        assert told["status"] == "failed" and "cancelled before it ran" in told["error"], told
        assert not ran.exists()


async def test_what_cannot_be_interrupted_is_not_tried_elsewhere(world: World) -> None:
    world.configure('tools = ["native", "enhanced", "iterm-mcp"]\n')
    begun = world.home / "begun"
    async with (
        agent_on_http(world.serve()) as agent,
        agent_on_stdio(world, env={"QUARTERDECK_AGENT": "ada"}) as ada,
    ):
        session = await agent.open_session(tags=["desk"])
        await agent.open_session(tags=["desk"])
        slow = task("slow", f"echo $$ >> {begun}; sleep 600", timeout=2_000, retries=1)
        await agent.do("task_distribute", tasks=[slow], tags=["desk"])
        await until("it runs", begun.exists)
        session = (await report(agent, "slow"))["sessionId"]
        # Now nobody else may type there, not even Ctrl-C.
        await ada.call("lock_session", session_id=session, agent="ada", ttl_seconds=600)
        told = (await ended(agent, "slow"))["slow"]
        assert "could not be interrupted" in told["error"], told
        assert told["attempts"] == 1 and len(begun.read_text().splitlines()) == 1
        listed = {one["sessionId"] for one in (await agent.do("session_list"))["sessions"]}
        assert session in listed, "it is no session that has gone"


async def test_a_task_is_interrupted_in_a_shell_that_tells_nothing(world: World) -> None:
    """Ctrl-C has its time: what cleans up after it is not killed by the next key."""
    world.shell = "/bin/dash"
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session()
        cleans_up = "trap 'sleep 0.5; echo cleaned up; exit 7' INT; echo begun; sleep 100"
        slow = task("slow", f"sh -c {shlex.quote(cleans_up)}", timeout=3_000)
        await agent.do("task_distribute", tasks=[slow], sessionIds=[session])
        told = (await ended(agent, "slow"))["slow"]
        assert "could not be interrupted" not in told["error"], told
        assert "cleaned up" in await agent.screen(session)


async def test_what_answers_on_unread_gets_no_second_prompt(world: World) -> None:
    allow(world, "first", "second")
    done = world.home / "done"
    # Says something once a second, as a program at work does, until its answer is complete.
    answers = (
        "while read -r line; do"
        f" until [ -e {done} ]; do echo still at $line; sleep 0.5; done; echo answered $line; done"
    )
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        session = await agent.open_session(tags=["helper"])
        await agent.run(answers, sessionId=session, timeoutMs=200)
        prompts = [{"id": id_, "type": "analysis", "payload": id_, "priority": "high"} for id_ in ("first", "second")]
        await agent.do("task_distribute", tasks=prompts, tags=["helper"])
        await agent.wait_for(session, pattern="still at first")
        await agent.do("task_cancel", taskIds=["first"])
        assert "cancelled" in (await ended(agent, "first"))["first"]["error"]
        cursor = 0
        for _ in range(12):
            at_it = await agent.do("session_wait", sessionId=session, until={"pattern": "still at"}, cursor=cursor)
            cursor = at_it["cursor"]
            assert (await report(agent, "second"))["status"] == "queued", "the program is still at the first"
        done.touch()
        told = (await ended(agent, "second"))["second"]
        assert "answered second" in told["result"]["output"], told


async def test_a_worker_whose_shell_has_died_is_closed(world: World) -> None:
    go_on = world.home / "go-on"
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        waits = task("waits", f"until test -e {go_on}; do sleep 0.05; done")
        await agent.do("task_distribute", tasks=[waits, task("short")], createSessions=2)
        idle = (await ended(agent, "short"))["short"]["sessionId"]
        await agent.at_prompt(idle)
        await agent.type(idle, "exit", enter=True)

        async def is_closed() -> bool:
            return idle not in {one["sessionId"] for one in (await agent.do("session_list"))["sessions"]}

        await until("what was opened for tasks is closed, since nothing can be done there", is_closed)
        go_on.touch()
        assert (await ended(agent, "waits"))["waits"]["status"] == "completed"
