"""Tasks that are prompts: agents do them, by tag, team or role, started on demand, and
what they do says when a task is over."""

from __future__ import annotations

from typing import Any

from agent import agent_on_http
from fake_agent import agents_may_be_driven, start_agent
from tasks import ended
from waiting import until
from world import World

TOOLS = "native,enhanced,agents,iterm-mcp"


def analysis(id_: str, prompt: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "analysis", "payload": prompt, "priority": "medium", **more}


async def test_prompts_are_spread_over_agents_and_each_is_done_once(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agents = [await start_agent(client, world, "claude", "--think-ms 30", tags=["crew"]) for _ in range(3)]
        for one in agents:
            await one.becomes("idle")
        tasks = [analysis(f"t{n}", f"prompt {n}\nwith a second line") for n in range(12)]
        await client.do("task_distribute", tasks=tasks, tags=["crew"])
        reports = await ended(client, *(task["id"] for task in tasks))
        assert {one["status"] for one in reports.values()} == {"completed"}
        assert {one["attempts"] for one in reports.values()} == {1}
        told = sorted(prompt for agent in agents for prompt in agent.prompts)
        assert told == sorted(task["payload"] for task in tasks)
        assert all(agent.prompts for agent in agents), "none of them was idle all the time"
        assert "Done with 2 lines: prompt 7" in reports["t7"]["result"]["output"]


async def test_agents_are_started_for_prompts_up_to_a_limit(world: World) -> None:
    agents_may_be_driven(world)
    log = world.root / "told.jsonl"
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        tasks = [analysis(f"t{n}", f"prompt {n}") for n in range(6)]
        await client.do(
            "task_distribute",
            tasks=tasks,
            tags=["hired"],
            createSessions=2,
            agentCommand=f"claude --log {log} --think-ms 50",
        )
        reports = await ended(client, *(task["id"] for task in tasks))
        assert {one["status"] for one in reports.values()} == {"completed"}
        assert len({one["sessionId"] for one in reports.values()}) <= 2
        assert len(log.read_text().splitlines()) == 6


async def test_workers_by_team_and_by_role(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        reviewer, builder = [await start_agent(client, world) for _ in range(2)]
        await client.do("create_team", name="review")
        await client.do("register_agent", name="rita", session_id=reviewer.session, teams=["review"])
        await client.do("register_agent", name="bob", session_id=builder.session)
        await client.do("assign_session_role", session_id=builder.session, role="builder")
        await client.do("task_distribute", tasks=[analysis("a", "for the team")], team="review")
        await client.do("task_distribute", tasks=[analysis("b", "for the role")], role="builder")
        reports = await ended(client, "a", "b")
        assert [reports[id_]["sessionId"] for id_ in "ab"] == [reviewer.session, builder.session]
        assert (reviewer.prompts, builder.prompts) == (["for the team"], ["for the role"])


async def test_a_task_waits_with_its_agent_for_a_person_and_says_so(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, tags=["crew"])
        await client.do("task_distribute", tasks=[analysis("ask", "/permission make deploy")], tags=["crew"])

        async def says_so() -> bool:
            report = (await client.do("task_status", taskIds=["ask"]))["tasks"][0]
            return "waits for a person" in report.get("milestone", "")

        await until("the task says that its agent waits for a person", says_so)
        await client.type(agent.session, "1")
        report = (await ended(client, "ask"))["ask"]
        assert report["status"] == "completed"
        assert "Did make deploy" in report["result"]["output"]


async def test_bad_ends(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, tags=["crew"])
        await agent.becomes("idle")
        slow = analysis("slow", "/think 60000", timeout=1500)
        await client.do("task_distribute", tasks=[slow], tags=["crew"])
        assert (await ended(client, "slow"))["slow"]["error"] == "timed out after 1500 ms"
        await agent.becomes("idle")
        called_off = analysis("called off", "/think 60001")
        await client.do("task_distribute", tasks=[called_off], tags=["crew"])
        await agent.becomes("working")
        cancelled = (await client.do("task_cancel", taskIds=["called off"]))["tasks"][0]
        assert "cancelled while it ran" in cancelled["error"]
        await agent.becomes("idle")
        crash = analysis("crash", "/crash 3", rerun=False)
        await client.do("task_distribute", tasks=[crash], tags=["crew"])
        assert "ended with exit status 3" in (await ended(client, "crash"))["crash"]["error"]
        assert agent.prompts == ["/think 60000", "/think 60001", "/crash 3"]
