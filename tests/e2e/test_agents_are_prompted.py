"""Prompts for agents in sessions: delivered when the agent is ready, seen to arrive,
submitted once, answered with a receipt."""

from __future__ import annotations

import pytest

from agent import Agent, agent_on_http, all_of
from fake_agent import FakeAgent, agents_may_be_driven, start_agent
from waiting import until
from world import World

TOOLS = "native,agents"


@pytest.fixture(params=["claude", "codex"])
def program(request: pytest.FixtureRequest) -> str:
    """Whose looks the agent has."""
    return request.param


async def test_a_prompt_is_delivered_and_answered_with_a_receipt(world: World, program: str) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, program, "--start-ms 300 --think-ms 300")
        receipt = await agent.prompt("fix the tests\n\nand say 'done', \"twice\"")
        assert receipt["stage"] == "started", receipt
        assert (receipt["pastes"], receipt["enters"], receipt["program"]) == (1, 1, program)
        assert receipt["activity"] == "working"
        assert agent.prompts == ["fix the tests\n\nand say 'done', \"twice\""]
        state = await agent.becomes("idle")
        assert (state["evidence"], state["turns"]) == ("screen", 1)


async def test_an_agent_that_shows_its_box_before_it_reads_gets_the_prompt_once(world: World, program: str) -> None:
    """As Claude Code and Codex do while they start: what is typed is read late, or lost."""
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        late = await start_agent(client, world, program, "--deaf-ms 7000 --think-ms 300")
        lossy = await start_agent(client, world, program, "--deaf-ms 5000 --forgetful --think-ms 300")
        of_late, of_lossy = await all_of(late.prompt("say hello.\n\ntwice."), lossy.prompt("say hello"))
        for receipt in (of_late, of_lossy):
            assert receipt["stage"] == "started", receipt
        assert (of_late["pastes"], late.prompts) == (1, ["say hello.\n\ntwice."])
        assert (of_lossy["pastes"], lossy.prompts) == (2, ["say hello"])


async def test_the_same_prompt_is_never_typed_twice(world: World) -> None:
    agents_may_be_driven(world)
    host = world.serve("--tools", TOOLS)
    async with agent_on_http(host) as client:
        agent = await start_agent(client, world)
        calls = [agent.prompt("do it once", promptId="once") for _ in range(5)]
        receipts = await all_of(*calls)
        assert sorted(receipt["repeated"] for receipt in receipts) == [False, True, True, True, True]
        other = await client.call("agent_prompt", session=agent.session, prompt="something else", promptId="once")
        assert other.is_error and "was used for another text" in other.text
        assert agent.prompts == ["do it once"]
    host.process.kill()
    host.process.wait()
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        session = await client.open_session()
        again = await client.do("agent_prompt", session=session, prompt="do it once", promptId="once")
        assert again["repeated"] and again["stage"] in ("submitted", "started"), "also by the next host"
    assert agent.prompts == ["do it once"]


async def test_nothing_is_typed_over_a_dialog_a_draft_or_a_shell(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        shell = await client.open_session()
        refused = await client.call("agent_prompt", session=shell, prompt="echo hi", readyMs=200)
        assert refused.code == "SESSION_BUSY" and "no agent's program" in refused.text

        agent = await start_agent(client, world)
        await agent.prompt("/permission rm -rf build")
        state = await agent.becomes("asking-permission")
        assert "whether it may" in state["why"]
        refused = await client.call("agent_prompt", session=agent.session, prompt="go on", readyMs=200)
        assert refused.code == "SESSION_BUSY" and "answer that first" in refused.text
        await client.type(agent.session, {"key": "escape"})
        await agent.becomes("idle")
        assert {"question": "rm -rf build", "yes": False} in agent.told

        await client.type(agent.session, "a person's half-typed")
        refused = await client.call("agent_prompt", session=agent.session, prompt="go on", readyMs=200)
        assert "not submitted" in refused.text and "a person's half-typed" in refused.text
        assert agent.prompts == ["/permission rm -rf build"]


async def test_what_agents_do_is_told_apart(world: World, program: str) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, program)
        await agent.becomes("idle")
        await agent.prompt("/think 400")
        await agent.becomes("working")
        await agent.becomes("idle")
        await agent.prompt("/ask Which one?")
        await agent.becomes("asking-question")
        await client.type(agent.session, "2")
        await agent.becomes("idle")
        await agent.prompt("/limit 2")
        assert (await agent.becomes("rate-limited"))["resetsAt"]
        state = await agent.becomes("idle")
        assert "the time is over" in state["why"]
        await agent.prompt("/crash 3")
        state = await agent.becomes("crashed")
        assert "exit status 3" in state["why"]


async def test_an_agent_that_swallows_enters_gets_each_prompt_once(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world, flags="--swallow-every 2 --think-ms 10")
        receipts = [await agent.prompt(f"prompt {number}") for number in range(4)]
        assert [receipt["enters"] for receipt in receipts] == [1, 2, 2, 2]
        assert agent.prompts == [f"prompt {number}" for number in range(4)]


async def test_a_prompt_is_judged_before_anything_is_typed(world: World) -> None:
    agents_may_be_driven(world)
    (world.plugins_dir / "safety-tiers.toml").write_text('[config]\nallow = ["claude *"]\n')
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent = await start_agent(client, world)
        await agent.becomes("idle")
        asked = await client.call("agent_prompt", session=agent.session, prompt="fix it")
        assert asked.code == "CONFIRMATION_REQUIRED"
        assert "fix it" not in await client.screen(agent.session)
        confirmation = asked.error["details"]["confirmationId"]
        assert world.quarterdeck("approve", confirmation).returncode == 0
        assert (await agent.prompt("fix it"))["stage"] == "started"
        assert agent.prompts == ["fix it"]


async def test_many_long_prompts_arrive_through_jitter_each_once(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        flags = "--jitter-ms 10 --think-ms 5 --seed"
        agents = [await start_agent(client, world, flags=f"{flags} {seed}") for seed in range(4)]

        async def prompted(agent: FakeAgent) -> list[str]:
            texts = [f"prompt {n}\n" + "\n".join(f"line {line} of it" for line in range(n % 12)) for n in range(15)]
            for text in texts:
                receipt = await agent.prompt(text)
                assert receipt["stage"] in ("submitted", "started"), receipt
            return texts

        sent = await all_of(*(prompted(agent) for agent in agents))
        for agent, texts in zip(agents, sent, strict=True):
            assert agent.prompts == texts


async def test_an_agent_s_own_hooks_tell_what_it_does(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        hook = f"--hook {world.binary} hook claude-code ';'"
        agent = await start_agent(client, world, flags=f"{hook} --think-ms 600")
        await agent.becomes("idle")
        receipt = await agent.prompt("think about it")
        assert receipt["stage"] == "started"

        async def by_hook() -> bool:
            state = await agent.state()
            return state["evidence"] == "hook" and state["activity"] == "idle"

        await until("the hook has told that the turn is over", by_hook)


async def test_a_person_s_rules_teach_the_host_another_program(world: World) -> None:
    agents_may_be_driven(world)
    (world.decoys / "housemade").symlink_to(world.binary.parent / "fake-agent")
    (world.plugins_dir / "safety-tiers.toml").write_text('[config]\nallow = ["housemade *"]\n')
    rules = world.config_dir / "agents"
    rules.mkdir()
    (rules / "housemade.toml").write_text(
        """
        programs = ["housemade"]
        [box]
        begins = '^❯(?: (?P<text>.*))?$'
        above = '^─'
        goes-on = '^(?:  (?P<text>.*))?$'
        ends = '^─'
        [[rule]]
        is = "working"
        any = ['Pondering…']
        why = "it ponders"
        [[rule]]
        is = "idle"
        box-shown = true
        why = "its box is shown"
        """
    )
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        agent: FakeAgent = await start_agent(client, world, "housemade", "--look claude --think-ms 300")
        assert (await agent.prompt("hello"))["stage"] == "started"
        assert (await agent.state())["why"] == "it ponders"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"session": "nowhere1", "prompt": "hi"}, "nowhere1"),
        ({"session": "{session}", "prompt": "  "}, "the prompt is empty"),
        ({"session": "{session}", "prompt": "hi", "promptId": ""}, "cannot be a prompt's id"),
    ],
)
async def test_bad_input_is_named(world: World, arguments: dict[str, str], said: str) -> None:
    async with agent_on_http(world.serve("--tools", TOOLS)) as client:
        session = await client.open_session()
        refused = await bad(client, {key: value.format(session=session) for key, value in arguments.items()})
        assert said in refused


async def bad(client: Agent, arguments: dict[str, str]) -> str:
    outcome = await client.call("agent_prompt", **arguments)
    assert outcome.is_error
    return outcome.text
