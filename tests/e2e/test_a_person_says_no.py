"""A person's no: told to the agent, and not asked about again for a while."""

from __future__ import annotations

import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from approvers import drop_scripted
from test_confirmation import COMMAND, REASON, SAID, Person, confirmation_of
from test_swap_a_rule import loaded
from world import World


@pytest.fixture(autouse=True)
def deploying_is_reviewed(world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason=REASON)


async def test_a_no_at_the_terminal_reaches_the_agent_that_tries_again(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        await loaded(agent, "deploys")
        identifier = await confirmation_of(agent)
        assert world.quarterdeck("approve", "--deny", identifier).returncode == 0
        for _ in range(2):
            again = await agent.call("session_run", command=COMMAND)
            assert again.is_error and again.code == "PERMISSION_DENIED", again
            assert "a person said no to this command (at 2" in again.text
        asked = await agent.do("safety_approve", command=COMMAND, sessionId=(await sessions(agent))[0])
        assert asked["approved"] is False and "a person said no" in asked["reason"]
        assert identifier not in world.quarterdeck("approve").stdout, "nobody is asked again"

        other = await agent.call("session_run", command=f"{COMMAND} elsewhere")
        assert other.code == "CONFIRMATION_REQUIRED", "a no is for one command"

        # The person may change their mind.
        assert world.quarterdeck("approve", identifier).returncode == 0
        assert (await agent.run(COMMAND))["output"].strip() == SAID


async def sessions(agent: Agent) -> list[str]:
    return [session["sessionId"] for session in (await agent.do("session_list"))["sessions"]]


@pytest.mark.parametrize("era", ["legacy", "auto"])
@pytest.mark.parametrize(
    ("answer", "questions", "code"), [("decline", 1, "PERMISSION_DENIED"), ("cancel", 2, "CONFIRMATION_REQUIRED")]
)
async def test_who_declined_is_not_asked_again_and_who_put_it_away_is(
    world: World, era: str, answer: str, questions: int, code: str
) -> None:
    person = Person(answer)
    async with agent_on_stdio(world, mode=era, elicitation_callback=person) as agent:
        await loaded(agent, "deploys")
        for _ in range(2):
            refused = await agent.call("session_run", command=COMMAND)
            assert refused.is_error and refused.code == code, refused
        assert len(person.asked) == questions
        assert SAID not in await agent.screen((await sessions(agent))[0])
