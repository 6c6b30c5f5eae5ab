"""The NATS server comes back and has nothing any more: no queue, no errands, no news.
What is told of the tasks afterwards is true, and all of them end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from agent import agent_on_http
from nats_server import Machine, NatsServer
from tasks import completed_as_often_as_told, hand_in, report, task
from waiting import until
from world import World

TOOLS = "native,enhanced"


async def test_what_runs_goes_on_and_what_waits_is_sent_again(
    world: World, nats: NatsServer, machine: Callable[..., Machine]
) -> None:
    began, go_on, log = world.home / "began", world.home / "go-on", world.home / "ran"
    machine("builder", "--slots", "1")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await hand_in(
            agent,
            task("runs", f"echo x >> {began}; until test -e {go_on}; do sleep 0.1; done; echo done"),
            *[task(f"waits-{n}", f"echo {n} >> {log}; echo after all") for n in range(5)],
        )
        await until("it runs", began.exists)
        nats.lose_everything()
        go_on.touch()
        ran = await report(agent, "runs", 50_000)
        assert (ran["status"], ran["result"]["output"]) == ("completed", "done\n"), ran
        assert began.read_text() == "x\n", "once: its machine never stopped"
        for n in range(5):
            waited = await report(agent, f"waits-{n}", 50_000)
            assert (waited["status"], waited["result"]["output"]) == ("completed", "after all\n"), waited
            assert waited["attempts"] == 1, waited
    assert sorted(log.read_text().split()) == list("01234"), "once each"


async def test_what_ran_on_a_machine_that_is_gone_as_well_says_so(
    world: World, nats: NatsServer, machine: Callable[..., Machine]
) -> None:
    began = world.home / "began"
    first = machine("first")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await hand_in(
            agent,
            task("again", f"echo again >> {began}; test $(grep -c again {began}) -gt 1 || sleep 300"),
            task("once", f"echo once >> {began}; sleep 300", rerun=False),
        )
        await until("both run", lambda: began.exists() and len(began.read_text().split()) == 2)
        first.kill()
        nats.lose_everything()
        machine("second")
        again = await report(agent, "again", 50_000)
        assert (again["status"], again["attempts"]) == ("completed", 2), again
        assert "how far it came is unknown" in again["notes"][0], again
        assert again["sessionId"].startswith("second/"), again
        once = await report(agent, "once", 50_000)
        assert once["status"] == "failed" and "it is not run again, as it asked" in once["error"], once
    assert Counter(began.read_text().split()) == {"again": 2, "once": 1}


async def test_it_happens_again_and_again_and_to_the_next_host(
    world: World, nats: NatsServer, machine: Callable[..., Machine]
) -> None:
    """Sixty tasks on two machines, while the server loses its disk three times and the
    host goes once: all end, and none began more often than its report says."""
    log = world.home / "ran"
    log.touch()
    ids = [f"t{n}" for n in range(60)]

    def ran() -> Counter[str]:
        return Counter(log.read_text().split())

    machine("first", "--slots", "2")
    machine("second", "--slots", "2")
    host = world.serve("--tools", TOOLS)
    async with agent_on_http(host) as agent:
        await hand_in(agent, *[task(id_, f"echo {id_} >> {log}; sleep 0.1") for id_ in ids], maxConcurrent=20)
        for share in (10, 25):
            await until("some have begun", lambda share=share: len(ran()) >= share)
            nats.lose_everything()
    assert host.stop() == 0
    nats.lose_everything()
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await agent.do("task_status", taskIds=ids, waitMs=55_000)
        told = (await agent.do("task_status", taskIds=ids, waitMs=55_000))["tasks"]
    completed_as_often_as_told(told, ran())
    for one in told:
        assert len(one.get("notes", [])) == one["attempts"] - 1, one
