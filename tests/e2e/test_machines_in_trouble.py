"""What can go wrong on the way to other machines and back, and what the agent is told."""

from __future__ import annotations

import signal
from collections.abc import Callable

from agent import agent_on_http
from fake_agent import agents_may_be_driven
from nats_server import Machine, NatsServer, start_machine
from tasks import hand_in, report, task
from waiting import until
from world import World

TOOLS = "native,enhanced"


async def test_a_machine_that_was_cut_off_is_told_to_stop_what_runs_elsewhere(
    world: World, machine: Callable[..., Machine]
) -> None:
    started, go_on = world.home / "started", world.home / "go-on"
    first = machine("first", "--slots", "1")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await hand_in(agent, task("job", f"echo x >> {started}; until test -e {go_on}; do sleep 0.1; done; echo done"))
        await until("it runs", started.exists)
        # Nothing of it is heard for longer than a machine may be silent.
        first.process.send_signal(signal.SIGSTOP)

        async def told() -> bool:
            return "was not heard of for a while" in (await report(agent, "job")).get("waitsFor", "")

        await until("the report says that its machine is silent", told)
        machine("second", "--slots", "1")
        await until("it runs elsewhere, too", lambda: started.read_text() == "x\nx\n")
        first.process.send_signal(signal.SIGCONT)
        await until("the first is told to stop", lambda: "job was called off" in first.said)
        go_on.touch()
        done = await report(agent, "job", 50_000)
        assert (done["status"], done["attempts"]) == ("completed", 2), done
        assert done["sessionId"].startswith("second/")
        assert "attempt 1 in session first/" in done["notes"][0]


async def test_a_machine_that_comes_back_answers_for_what_it_had(world: World, machine: Callable[..., Machine]) -> None:
    started = world.home / "started"
    only = machine("only")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await hand_in(agent, task("job", f"echo x >> {started}; test $(wc -l < {started}) -gt 1 || sleep 300"))
        await until("it runs", started.exists)
        only.kill()
        start_machine(only.world, "only", "--nats", world.extra_env["QUARTERDECK_NATS_URL"])
        done = await report(agent, "job", 50_000)
        assert (done["status"], done["attempts"]) == ("completed", 2), done
        assert "how far it came is unknown" in done["notes"][0]


async def test_prompts_are_done_by_agents_there(
    world: World, elsewhere: Callable[[str], World], nats: NatsServer
) -> None:
    other = elsewhere("crew")
    agents_may_be_driven(other)
    log = other.root / "told.jsonl"
    start_machine(other, "crew", "--nats", nats.url, "--slots", "2")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        prompts = [{"id": f"p{n}", "type": "analysis", "payload": f"prompt {n}", "priority": "low"} for n in range(4)]
        missing = await agent.call("task_distribute", tasks=prompts, machines=True)
        assert missing.is_error and "agentCommand" in missing.text
        await hand_in(agent, *prompts, agentCommand=f"claude --log {log} --think-ms 50")
        for n in range(4):
            done = await report(agent, f"p{n}", 50_000)
            assert done["status"] == "completed", done
            assert f"Done with 1 lines: prompt {n}" in done["result"]["output"]
    assert len(log.read_text().splitlines()) == 4


async def test_how_far_it_is_there(world: World, machine: Callable[..., Machine]) -> None:
    machine("builder")
    go_on = world.home / "go-on"
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        steps = "for n in $(seq 1 10); do echo [$n/20] compiling; sleep 0.2; done"
        await hand_in(agent, task("job", f"{steps}; until test -e {go_on}; do echo [11/20] compiling; sleep 0.5; done"))

        async def half_way() -> bool:
            return (await report(agent, "job"))["progress"] >= 40

        await until("progress comes back", half_way)
        go_on.touch()
        assert (await report(agent, "job", 50_000))["progress"] == 100


async def test_what_is_too_large_and_what_says_too_much(world: World, machine: Callable[..., Machine]) -> None:
    machine("builder")
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        large = {"id": "large", "type": "script", "payload": f": {'x' * 1_100_000}", "priority": "low"}
        await hand_in(agent, large, task("loud", "seq 100000"))
        refused = await report(agent, "large", 50_000)
        assert refused["status"] == "failed" and "max_payload" in refused["error"]
        loud = (await report(agent, "loud", 50_000))["result"]
        assert loud["truncated"] and loud["output"].endswith("\n100000\n")


async def test_two_hosts_share_the_machines(
    world: World, elsewhere: Callable[[str], World], machine: Callable[..., Machine]
) -> None:
    machine("builder", "--slots", "2")
    other = elsewhere("owner")
    other.extra_env |= world.extra_env
    async with (
        agent_on_http(world.serve("--tools", TOOLS)) as one,
        agent_on_http(other.serve("--tools", TOOLS)) as two,
    ):
        for name, agent in (("one", one), ("two", two)):
            await hand_in(agent, *[task(f"t{n}", f"echo {name} {n}") for n in range(20)])
        for name, agent in (("one", one), ("two", two)):
            for n in range(20):
                done = await report(agent, f"t{n}", 50_000)
                assert done["result"]["output"] == f"{name} {n}\n", done


async def test_two_machines_of_one_name_and_other_mistakes(world: World, machine: Callable[..., Machine]) -> None:
    builder = machine("builder")
    url = world.extra_env["QUARTERDECK_NATS_URL"]
    for flags, said in (
        (["--name", "builder", "--nats", url], "a machine of the name builder takes tasks here already"),
        (["--name", "a.b", "--nats", url], "cannot be a machine's name"),
        (["--slots", "0", "--nats", url], "0 is not in 1..=1000"),
        (["--nats", "http://localhost"], "nats.url is no address of a NATS server"),
    ):
        refused = builder.world.quarterdeck("worker", *flags, timeout=30)
        assert refused.returncode != 0 and said in refused.stderr, refused.stderr


async def test_a_host_that_has_forgotten_what_it_sent_is_answered_for_what_it_asks_now(
    world: World, nats: NatsServer, machine: Callable[..., Machine]
) -> None:
    builder, archive = machine("builder"), world.root / "backup.tar"
    host = world.serve("--tools", TOOLS)
    async with agent_on_http(host) as agent:
        await hand_in(agent, task("first", "echo first"))
        assert (await report(agent, "first", 50_000))["result"]["output"] == "first\n"
        assert world.quarterdeck("backup", str(archive)).returncode == 0
        await hand_in(agent, task("second", "echo second"))
        assert (await report(agent, "second", 50_000))["result"]["output"] == "second\n"
    host.stop()
    assert world.quarterdeck("restore", str(archive)).returncode == 0
    # As a server has forgotten after ten minutes what came to it.
    nats.lose_everything()
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        # The machine remembers a task of this host that has the same number.
        await hand_in(agent, task("third", "echo third"))
        third = await report(agent, "third", 50_000)
        assert third["status"] == "completed" and third["result"]["output"] == "third\n", third
        assert "third" in builder.said


async def test_nothing_is_put_back_beneath_a_machine(world: World, machine: Callable[..., Machine]) -> None:
    builder = machine("builder")
    archive = builder.world.root / "backup.tar"
    assert builder.world.quarterdeck("backup", str(archive)).returncode == 0
    refused = builder.world.quarterdeck("restore", str(archive))
    assert refused.returncode == 1 and "a host or a worker runs" in refused.stderr, refused.stderr
    async with agent_on_http(world.serve("--tools", TOOLS)) as agent:
        await hand_in(agent, task("job", "echo done"))
        assert (await report(agent, "job", 50_000))["result"]["output"] == "done\n"
    builder.kill()
    restored = builder.world.quarterdeck("restore", str(archive))
    assert restored.returncode == 0, restored.stderr
