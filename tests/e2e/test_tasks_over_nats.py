"""Tasks on more than one machine: an agent hands them to one host, others do them, and
nothing is lost or done twice in silence while machines, hosts and the server die."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from agent import agent_on_http
from nats_server import Machine
from tasks import ended, report, task
from waiting import until
from world import World, free_port

TOOLS = "native,enhanced"


async def test_a_task_runs_on_the_other_machine_and_its_result_comes_back(
    world: World, machine: Callable[..., Machine]
) -> None:
    builder = machine("builder", "--tags", "linux,builder", "--slots", "2")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        answer = await agent.do(
            "task_distribute",
            tasks=[
                task("where", "pwd; exit 0"),
                task("fails", "echo oops; exit 3"),
                {"id": "say", "type": "script", "payload": "for n in 1 2; do\n  echo $n\ndone", "priority": "low"},
                task("folder", {"command": "pwd", "workingDirectory": str(builder.world.home / "only-there")}),
            ],
            machines=True,
            tags=["builder"],
        )
        assert [one["taskId"] for one in answer["distributed"]] == ["where", "fails", "say", "folder"]
        reports = await ended(agent, "where", "fails", "say", "folder")
        assert reports["where"]["status"] == "completed"
        assert reports["where"]["result"]["output"] == f"{builder.world.home}\n"
        assert reports["where"]["sessionId"].startswith("builder/")
        assert reports["where"]["attempts"] == 1
        assert reports["fails"]["error"] == "exit status 3"
        assert reports["fails"]["result"]["output"] == "oops\n"
        assert reports["say"]["result"]["output"] == "1\n2\n"
        assert "only-there" in reports["folder"]["result"]["output"], "the folder is looked for where it runs"
        assert (await agent.do("session_list"))["sessions"] == [], "nothing ran here"
    await until("the worker tells what it did", lambda: "fails ended with 3" in builder.said)


async def test_the_machine_s_own_gate_judges(world: World, machine: Callable[..., Machine]) -> None:
    builder = machine("builder")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await agent.do(
            "task_distribute",
            tasks=[task("wipe", "rm -rf ~"), task("after", dependencies=["wipe"]), task("safe", "echo fine")],
            machines=True,
        )
        reports = await ended(agent, "wipe", "after", "safe")
        assert reports["wipe"]["status"] == "failed"
        assert "refused" in reports["wipe"]["error"], reports["wipe"]
        assert "home" in reports["wipe"]["error"]
        assert reports["after"]["error"] == 'its dependency "wipe" failed'
        assert reports["safe"]["status"] == "completed"
    assert builder.world.ran("rm") == [] and builder.world.victim.exists()
    assert world.victim.exists()


async def test_order_limits_and_tags_hold_across_machines(world: World, machine: Callable[..., Machine]) -> None:
    log = world.home / "log"
    machine("one", "--tags", "a", "--slots", "2")
    machine("two", "--tags", "a,b", "--slots", "2")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        steps = [
            task(f"s{n}", f"echo {n} >> {log}", dependencies=[f"s{n - 1}"] if n else [], retries=1) for n in range(6)
        ]
        await agent.do("task_distribute", tasks=steps[::-1], machines=True, tags=["a"], maxConcurrent=2)
        await agent.do("task_distribute", tasks=[task(f"b{n}") for n in range(4)], machines=True, tags=["b"])
        reports = await ended(agent, *[f"s{n}" for n in range(6)], *[f"b{n}" for n in range(4)])
        assert {one["status"] for one in reports.values()} == {"completed"}
        assert log.read_text().split() == list("012345")
        assert all(reports[f"b{n}"]["sessionId"].startswith("two/") for n in range(4))
        # What fails is tried again, by whichever machine is free.
        flaky = f"test -e {world.home}/once || {{ touch {world.home}/once; exit 1; }}"
        await agent.do("task_distribute", tasks=[task("flaky", flaky, retries=2)], machines=True, tags=["a"])
        flaky_report = (await ended(agent, "flaky"))["flaky"]
        assert (flaky_report["status"], flaky_report["attempts"]) == ("completed", 2)
        # A machine that nobody has is waited for, and the report says what to do.
        await agent.do("task_distribute", tasks=[task("c")], machines=True, tags=["c"])
        waits = (await report(agent, "c"))["waitsFor"]
        assert "quarterdeck worker --tags c" in waits
        machine("three", "--tags", "c")
        assert (await ended(agent, "c"))["c"]["sessionId"].startswith("three/")


async def test_no_errand_is_mislaid_where_several_queues_want_the_last_slot(
    world: World, machine: Callable[..., Machine]
) -> None:
    """What comes just as the slot goes is handed back; else it would come again only
    after the machine had been silent for a minute."""
    world.extra_env["QUARTERDECK_NATS_SILENCE_SECONDS"] = "60"
    tags = ["a", "b", "c", "d"]
    machine("one", "--tags", ",".join(tags), "--slots", "1")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        ids = []
        for tag in tags:
            tasks = [task(f"{tag}{n}") for n in range(8)]
            ids += [one["id"] for one in tasks]
            await agent.do("task_distribute", tasks=tasks, machines=True, tags=[tag])
        with anyio.fail_after(50):
            reports = await ended(agent, *ids)
        assert {(one["status"], one["attempts"]) for one in reports.values()} == {("completed", 1)}


async def test_a_task_is_called_off_wherever_it_is(world: World, machine: Callable[..., Machine]) -> None:
    builder = machine("builder", "--slots", "1")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await agent.do("task_distribute", tasks=[task("long", "sleep 300")], machines=True)
        await until("the first runs", lambda: "long begins" in builder.said)
        await agent.do(
            "task_distribute",
            tasks=[task("waits", "echo never"), task("slow", "sleep 300", timeout=1_500)],
            machines=True,
        )
        # One has not left the queue of the server.
        cancelled = await agent.do("task_cancel", taskIds=["waits"])
        assert cancelled["tasks"][0]["error"] == "cancelled before it ran"
        await agent.do("task_cancel", taskIds=["long"])
        reports = await ended(agent, "long", "waits", "slow")
        assert reports["long"]["error"].startswith("cancelled while it ran in session builder/")
        assert reports["slow"]["error"] == "timed out after 1500 ms"
    assert "waits begins" not in builder.said


async def test_a_machine_dies_in_mid_task_and_another_goes_on(world: World, machine: Callable[..., Machine]) -> None:
    started = world.home / "started"
    first = machine("first", "--slots", "1")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        job = f"echo x >> {started}; test $(wc -l < {started}) -gt 1 || sleep 300"
        await agent.do("task_distribute", tasks=[task("job", job)], machines=True)
        await until("it runs", lambda: started.exists())
        first.kill()
        machine("second")
        done = (await ended(agent, "job"))["job"]
        assert done["status"] == "completed" and done["attempts"] == 2
        assert done["sessionId"].startswith("second/")
        assert "attempt 1 in session first/" in done["notes"][0]
        assert "how far it came is unknown" in done["notes"][0]


async def test_what_asked_not_to_be_run_again_is_not(world: World, machine: Callable[..., Machine]) -> None:
    started = world.home / "started"
    first = machine("first")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await agent.do(
            "task_distribute", tasks=[task("once", f"echo x >> {started}; sleep 300", rerun=False)], machines=True
        )
        await until("it runs", started.exists)
        first.kill()
        machine("second")
        done = (await ended(agent, "once"))["once"]
        assert done["status"] == "failed" and "it is not run again, as it asked" in done["error"]
    assert started.read_text() == "x\n"


async def test_a_machine_that_is_told_to_stop_hands_back_what_it_cannot_finish(
    world: World, machine: Callable[..., Machine]
) -> None:
    started = world.home / "started"
    first = machine("first", "--grace", "1")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        job = f"echo x >> {started}; test $(wc -l < {started}) -gt 1 || sleep 300"
        await agent.do("task_distribute", tasks=[task("job", job)], machines=True)
        await until("it runs", started.exists)
        first.process.terminate()
        assert first.process.wait(timeout=30) == 0
        assert "is lost: the worker there was told to stop" in first.said
        machine("second")
        done = (await ended(agent, "job"))["job"]
        assert (done["status"], done["attempts"]) == ("completed", 2)
        assert "the worker there was told to stop" in done["notes"][0]


async def test_what_cannot_be_reached_is_said_at_once(world: World) -> None:
    asks = {"tasks": [task("a")], "machines": True}
    host = world.serve("--tools", TOOLS)
    async with agent_on_http(host) as agent:
        refused = await agent.call("task_distribute", **asks)
        assert refused.is_error and "nats.url" in refused.text
    assert host.stop() == 0
    port = free_port()
    world.extra_env["QUARTERDECK_NATS_URL"] = f"nats://127.0.0.1:{port}"
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        refused = await agent.call("task_distribute", **asks)
        assert refused.is_error and f"cannot reach the NATS server at 127.0.0.1:{port}" in refused.text
        assert (await agent.do("task_status"))["tasks"] == []
        for field in ({"sessionIds": ["x"]}, {"createSessions": 2}, {"team": "t"}):
            wrong = await agent.call("task_distribute", **asks, **field)
            assert wrong.is_error
    worker = world.quarterdeck("worker", timeout=30)
    assert worker.returncode == 1 and "cannot reach the NATS server" in worker.stderr
    doctor = world.quarterdeck("doctor", timeout=60)
    assert "cannot reach the NATS server" in doctor.stdout and doctor.returncode == 1
