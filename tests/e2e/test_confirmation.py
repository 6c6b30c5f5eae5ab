"""Confirmation: what a rule wants reviewed, a person decides."""

from __future__ import annotations

import re
from typing import Any

import anyio
import mcp_types as types
import pytest

from agent import Agent, Outcome, agent_at, agent_on_http, agent_on_stdio
from approvers import drop_scripted
from test_swap_a_rule import loaded
from waiting import until
from world import World

COMMAND = "echo deploy to production"
SAID = "deploy to production"
REASON = "Deploying is a person's decision."


@pytest.fixture(autouse=True)
def deploying_is_reviewed(world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason=REASON)


@pytest.fixture(params=["legacy", "auto"], ids=["asked by request", "asked by result"])
def era(request: pytest.FixtureRequest) -> str:
    """How the host asks: by a request of its own (up to 2025-11-25), or by a result that
    wants input (2026-07-28)."""
    return request.param


class Person:
    """Somebody at the client who answers what the host asks."""

    def __init__(self, action: str, content: dict[str, Any] | None = None) -> None:
        self.action = action
        self.content = content
        self.asked: list[str] = []

    async def __call__(self, context: object, question: types.ElicitRequestParams) -> types.ElicitResult:
        self.asked.append(question.message)
        content = self.content
        if self.action == "accept" and content is None:
            content = agreeing(getattr(question, "requested_schema", None) or {})
        return types.ElicitResult(action=self.action, content=content if self.action == "accept" else None)


def agreeing(schema: dict[str, Any]) -> dict[str, Any]:
    """The answer "yes" in terms of the form that the host put up."""
    answer: dict[str, Any] = {}
    for name, kind in schema.get("properties", {}).items():
        if kind.get("type") == "boolean":
            answer[name] = True
        elif "enum" in kind:
            answer[name] = next(v for v in kind["enum"] if re.match("approve|allow|yes|run|accept", v, re.I))
    return answer


async def test_a_person_who_accepts_lets_it_run(door: str, era: str, world: World) -> None:
    person = Person("accept")
    async with agent_at(door, world, mode=era, elicitation_callback=person) as agent:
        await loaded(agent, "deploys")
        result = await agent.run(COMMAND)
        assert result["output"].strip() == SAID and result["exitStatus"] == 0
        assert result["verdict"]["tier"] == "review" and result["verdict"]["reason"] == REASON
        assert len(person.asked) == 1
        assert COMMAND in person.asked[0] and REASON in person.asked[0], "one sees what one agrees to, and why"
        await agent.run(COMMAND)
        assert len(person.asked) == 2, "an approval is for one use"


async def test_a_person_who_does_not_accept_stops_it(door: str, era: str, world: World) -> None:
    person = Person("decline")
    async with agent_at(door, world, mode=era, elicitation_callback=person) as agent:
        await loaded(agent, "deploys")
        refused = await agent.call("session_run", command=COMMAND)
        assert refused.is_error and refused.code in ("PERMISSION_DENIED", "CONFIRMATION_DECLINED"), refused
        assert len(person.asked) == 1
        listed = (await agent.do("session_list"))["sessions"]
        for session in listed:
            assert SAID not in await agent.screen(session["sessionId"])


async def test_a_question_that_is_closed_without_an_answer_can_be_answered_elsewhere(
    door: str, era: str, world: World
) -> None:
    person = Person("cancel")
    async with agent_at(door, world, mode=era, elicitation_callback=person) as agent:
        await loaded(agent, "deploys")
        waits = await agent.call("session_run", command=COMMAND)
        assert waits.code == "CONFIRMATION_REQUIRED" and len(person.asked) == 1, waits
        assert "said no" not in waits.text
        confirmation = waits.error["details"]["confirmationId"]
        assert world.quarterdeck("approve", confirmation).returncode == 0
        assert (await agent.run(COMMAND))["output"].strip() == SAID
        assert len(person.asked) == 1, "the yes was given already"


@pytest.mark.parametrize("run", [False, "no", 0])
async def test_a_form_that_does_not_say_true_is_a_no(door: str, era: str, world: World, run: object) -> None:
    person = Person("accept", {"run": run})
    async with agent_at(door, world, mode=era, elicitation_callback=person) as agent:
        await loaded(agent, "deploys")
        refused = await agent.call("session_run", command=COMMAND)
        assert refused.code == "PERMISSION_DENIED" and "said no" in refused.text, refused
        assert len(person.asked) == 1


async def test_typed_text_is_asked_about_at_its_enter(door: str, era: str, world: World) -> None:
    person = Person("accept")
    async with agent_at(door, world, mode=era, elicitation_callback=person) as agent:
        await loaded(agent, "deploys")
        session = await agent.open_session()
        await agent.at_prompt(session)
        assert not (await agent.type(session, COMMAND)).is_error
        assert person.asked == []
        assert not (await agent.type(session, {"key": "enter"})).is_error
        assert len(person.asked) == 1
        await agent.wait_for(session, pattern=f"(?m)^{SAID}")


async def test_a_safe_command_is_not_asked_about(era: str, world: World) -> None:
    person = Person("decline")
    async with agent_on_stdio(world, mode=era, elicitation_callback=person) as agent:
        await loaded(agent, "deploys")
        await agent.run("echo nothing special")
        assert person.asked == []


async def test_nobody_is_asked_about_what_is_dangerous(era: str, world: World) -> None:
    person = Person("accept")
    async with agent_on_stdio(world, mode=era, elicitation_callback=person) as agent:
        refused = await agent.call("session_run", command="rm -rf ~")
        assert refused.code == "PERMISSION_DENIED" and person.asked == [] and world.victim.exists()


# Where the client cannot ask, a person approves from a terminal of their own.


async def confirmation_of(agent: Agent, command: str = COMMAND) -> str:
    """Asks to run something that is reviewed; returns the confirmation id."""
    unconfirmed = await agent.call("session_run", command=command)
    assert unconfirmed.is_error and unconfirmed.code == "CONFIRMATION_REQUIRED", unconfirmed
    identifier = unconfirmed.error["details"]["confirmationId"]
    assert identifier in unconfirmed.text and "quarterdeck approve" in unconfirmed.text, "it says what to do next"
    return identifier


async def retried(agent: Agent, command: str = COMMAND) -> Outcome:
    return await agent.call("session_run", command=command)


async def test_without_anybody_to_ask_it_names_a_confirmation(agent: Agent) -> None:
    await loaded(agent, "deploys")
    session = (await agent.run("echo first"))["sessionId"]
    await confirmation_of(agent)
    assert SAID not in (await agent.screen(session)).replace(COMMAND, "")
    judged = await agent.do("safety_approve", command=COMMAND, sessionId=session)
    assert judged["requiresConfirmation"] is True and judged["approved"] is False and judged["tier"] == "review"
    assert judged["reason"] == REASON and judged["policy"] == "deploys"


async def test_an_approval_from_outside_is_good_for_one_use(agent: Agent, world: World) -> None:
    await loaded(agent, "deploys")
    identifier = await confirmation_of(agent)
    approved = world.quarterdeck("approve", identifier)
    assert approved.returncode == 0, approved
    assert COMMAND in approved.stdout, "the person sees what was approved"

    ran = await retried(agent)
    assert not ran.is_error and ran.content["output"].strip() == SAID, ran
    again = await retried(agent)
    assert again.code == "CONFIRMATION_REQUIRED", "the approval was for one use"
    assert again.error["details"]["confirmationId"] != identifier
    assert world.quarterdeck("approve", identifier).returncode != 0, "a used confirmation is gone"


async def test_an_approval_is_for_the_command_that_was_shown(agent: Agent, world: World) -> None:
    await loaded(agent, "deploys")
    identifier = await confirmation_of(agent)
    assert world.quarterdeck("approve", identifier).returncode == 0
    other = await retried(agent, "echo deploy something else")
    assert other.code == "CONFIRMATION_REQUIRED"


async def test_an_approval_is_for_the_session_that_asked(agent: Agent, world: World) -> None:
    await loaded(agent, "deploys")
    first, second = await agent.open_session(), await agent.open_session()
    asked = await agent.call("session_run", command=COMMAND, sessionId=first)
    assert world.quarterdeck("approve", asked.error["details"]["confirmationId"]).returncode == 0
    elsewhere = await agent.call("session_run", command=COMMAND, sessionId=second)
    assert elsewhere.code == "CONFIRMATION_REQUIRED"
    here = await agent.call("session_run", command=COMMAND, sessionId=first)
    assert not here.is_error, here


async def test_a_session_is_opened_with_a_command_once_a_person_agrees(agent: Agent, world: World) -> None:
    await loaded(agent, "deploys")
    asked = await agent.call("session_create", command=COMMAND)
    assert asked.code == "CONFIRMATION_REQUIRED" and asked.error["details"]["sessionId"] == "new", asked
    again = await agent.call("session_create", command=COMMAND)
    identifier = asked.error["details"]["confirmationId"]
    assert again.error["details"]["confirmationId"] == identifier, "it is one question"
    assert (await agent.do("session_list"))["total"] == 0, "no session is left behind"

    listed = world.quarterdeck("approve")
    assert "opened for it" in listed.stdout, listed
    refused = world.quarterdeck("approve", identifier, "--session")
    assert refused.returncode != 0 and "opening a session" in refused.stderr, refused
    assert world.quarterdeck("approve", identifier).returncode == 0
    opened = await agent.do("session_create", command=COMMAND)
    await agent.wait_for(opened["sessionId"], pattern=SAID)
    assert (await agent.call("session_create", command=COMMAND)).code == "CONFIRMATION_REQUIRED", "once"


async def test_an_unknown_confirmation_is_refused(agent: Agent, world: World) -> None:
    refused = world.quarterdeck("approve", "no-such-id")
    assert refused.returncode != 0 and "no-such-id" in refused.stderr


async def test_a_confirmation_expires(world: World) -> None:
    world.configure("[gate]\nconfirmation_seconds = 1\n")
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        identifier = await confirmation_of(agent)
        # The one thing to wait for here is time itself.
        await anyio.sleep(1.5)
        refused = world.quarterdeck("approve", identifier)
        assert refused.returncode != 0 and "expired" in refused.stderr.lower()
        assert (await retried(agent)).code == "CONFIRMATION_REQUIRED"


@pytest.mark.parametrize(
    "how",
    ["{approve}", "sh -c '{approve}'", "setsid -w {approve}", "nohup {approve}"],
    ids=["directly", "in a shell", "in a session of its own", "immune to hangups"],
)
async def test_an_approval_from_inside_a_hosted_session_is_refused(door: str, world: World, how: str) -> None:
    """The agent must not wave itself through."""
    async with agent_at(door, world) as agent:
        await loaded(agent, "deploys")
        identifier = await confirmation_of(agent)
        session = await agent.open_session()
        attempt = how.format(approve=f"{world.binary} approve {identifier}")
        # The gate may refuse to type it, or the host may refuse to honour it.
        outcome = await agent.call("session_run", command=f"{attempt} >approve.log 2>&1", sessionId=session)
        assert outcome.is_error or outcome.content["exitStatus"] != 0, outcome
        assert (await retried(agent)).code == "CONFIRMATION_REQUIRED"


@pytest.mark.parametrize("daemon", ["setsid -f", "sh -c '(setsid \"$@\" &)' sh"], ids=["setsid -f", "double fork"])
async def test_an_approval_from_a_daemon_born_in_a_session_is_refused(door: str, world: World, daemon: str) -> None:
    """Its parent is gone and its terminal is another, but it is still the session's child."""
    script = world.home / "later.sh"
    script.write_text('#!/bin/sh\n"$1" approve "$2" >"$3" 2>&1 </dev/null\necho "status $?" >>"$3"\n')
    script.chmod(0o755)
    log = world.home / "daemon.log"
    async with agent_at(door, world) as agent:
        await loaded(agent, "deploys")
        identifier = await confirmation_of(agent)
        session = await agent.open_session()
        outcome = await agent.call(
            "session_run",
            command=f"{daemon} {script} {world.binary} {identifier} {log}",
            sessionId=session,
        )
        if not outcome.is_error:
            await until("the daemon has had its answer", lambda: log.exists() and "status" in log.read_text())
            assert "status 0" not in log.read_text(), log.read_text()
        assert (await retried(agent)).code == "CONFIRMATION_REQUIRED"


async def test_a_client_inside_a_session_cannot_approve_by_the_socket(world: World) -> None:
    """Nor with an environment that was scrubbed of every trace."""
    host = world.serve()
    async with agent_on_http(host) as agent:
        await loaded(agent, "deploys")
        identifier = await confirmation_of(agent)
        session = await agent.open_session()
        kept = " ".join(f'{name}="${name}"' for name in ("HOME", "PATH", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"))
        inner = f"env -i {kept} {world.binary} approve {identifier}"
        outcome = await agent.call("session_run", command=inner, sessionId=session)
        assert outcome.is_error or outcome.content["exitStatus"] != 0, "the ancestry counts, not the environment"
        assert (await retried(agent)).code == "CONFIRMATION_REQUIRED"


async def test_safety_approve_says_what_would_happen_now(world: World) -> None:
    """A yes that waits to be used, and an allow rule, count; asking uses nothing up."""
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        session = await agent.open_session()
        asked = await agent.do("safety_approve", command=COMMAND, sessionId=session)
        assert asked["approved"] is False
        approved = world.quarterdeck("approve", asked["confirmationId"])
        assert approved.returncode == 0, approved
        for _ in range(2):
            assert (await agent.do("safety_approve", command=COMMAND, sessionId=session))["approved"] is True
        assert (await agent.run(COMMAND, sessionId=session))["exitStatus"] == 0
        assert (await agent.do("safety_approve", command=COMMAND, sessionId=session))["approved"] is False

        ruled = world.quarterdeck("rule", "allow", COMMAND, "--anywhere")
        assert ruled.returncode == 0, ruled
        assert (await agent.do("safety_approve", command=COMMAND, sessionId=session))["approved"] is True


async def test_an_override_may_be_asked_for_again_before_it_is_used(world: World) -> None:
    world.configure('[gate]\noverride = "review"\n')
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "deploys")
        session = await agent.open_session()
        for _ in range(2):
            overridden = await agent.do("safety_approve", command=COMMAND, sessionId=session, override=True)
            assert overridden["approved"] is True
        assert (await agent.run(COMMAND, sessionId=session))["exitStatus"] == 0
        again = await agent.call("session_run", command=COMMAND, sessionId=session)
        assert again.code == "CONFIRMATION_REQUIRED", "one yes, one use"
