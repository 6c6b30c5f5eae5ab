"""Somebody who has never seen the code makes a policy and has it rule, by doing what
`quarterdeck plugin new` prints and nothing else."""

from __future__ import annotations

import pytest

from agent import Agent, agent_on_http
from author import Author
from conftest import LANGUAGES
from waiting import until
from world import World

KINDS = ("approver", "distributor", "progress-parser", "recovery")
PROJECTS = [(language, kind) for language in LANGUAGES for kind in KINDS]
NAME = "my-policy"


@pytest.mark.parametrize(("language", "kind"), PROJECTS)
async def test_from_an_empty_folder_to_the_first_answer(language: str, kind: str, author: Author, world: World) -> None:
    host = world.serve("--tools", "native,enhanced")
    folder = author.desk / f"{language}-{kind}"
    steps = author.makes(world, NAME, language, kind, folder)
    said = author.follows(world, steps, folder, language)
    assert f"a sound {kind}" in said, said
    cases = (folder / NAME / "cases.toml").read_text()
    count = cases.count("[[case]]") + cases.count("[[refused]]")
    assert count >= 3 and f"{count} of {count} cases" in said, said

    async with agent_on_http(host) as agent:

        async def in_charge() -> bool:
            policy = (await agent.policies()).get(NAME)
            return bool(policy) and policy["state"] == "active"

        await until(f"{NAME} is in charge", in_charge, deadline=300)
        await FIRST_ANSWER[kind](agent)


async def answered(agent: Agent) -> bool:
    """Whether the policy was asked in earnest, and did not fail."""
    policy = (await agent.policies())[NAME]
    assert policy["traps"] == 0, policy
    return bool(policy["calls"])


async def of_an_approver(agent: Agent) -> None:
    session = await agent.open_session()
    verdict = await agent.do("safety_approve", sessionId=session, command="echo deploy")
    assert (verdict["tier"], verdict["rule"], verdict["policy"]) == ("review", NAME, NAME), verdict


async def of_a_distributor(agent: Agent) -> None:
    worker = await agent.open_session(name="worker")
    task = {"id": "one", "type": "command", "payload": "true", "priority": "medium"}
    answer = await agent.do("task_distribute", tasks=[task], strategy=NAME)
    assert [one["sessionId"] for one in answer["distributed"]] == [worker], answer
    assert await answered(agent)


async def of_a_progress_parser(agent: Agent) -> None:
    session = await agent.open_session()
    await agent.run("echo copying 42%", sessionId=session)

    async def followed() -> bool:
        sources = (await agent.do("progress_aggregate"))["bySession"]
        return any((one["saidBy"], one["percentage"]) == (NAME, 42) for one in sources)

    # The bundled parsers are compiled first.
    await until("it has read the session's output", followed, deadline=120)


async def of_a_recovery(agent: Agent) -> None:
    session = await agent.open_session()
    await agent.type(session, "kill -9 $$", enter=True)
    await agent.wait_for(session, exit=True)
    mended = await agent.do("error_recover", sessionId=session, strategy=NAME)
    assert mended["recovered"], mended
    assert await answered(agent)


FIRST_ANSWER = {
    "approver": of_an_approver,
    "distributor": of_a_distributor,
    "progress-parser": of_a_progress_parser,
    "recovery": of_a_recovery,
}
