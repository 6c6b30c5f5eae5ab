"""A session fails over: its task, its lock, its role, its tags and its agent are at the
backup afterwards, and whoever relied on the old one is told."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from stream import listening
from test_health_and_recovery import DEAF, configured, crashed  # noqa: F401
from waiting import until
from world import World

CREW = """tools = ["native", "enhanced", "iterm-mcp"]
[gate]
mode = "warn"
[monitor]
interval_ms = 300
health_seconds = 1
hung_seconds = 2
"""


async def told(client: Agent, tool: str, /, **arguments: Any) -> Any:
    """The JSON that a tool of iterm-mcp answers."""
    outcome = await client.call(tool, **arguments)
    assert not outcome.is_error, f"{tool}: {outcome.text}"
    return json.loads(outcome.text)


async def outfitted(agent: Agent, session: str) -> int:
    """Gives a session an agent in a team, a role, a tag and a lock; returns the lock's token."""
    await told(agent, "create_team", name="night")
    await told(agent, "register_agent", name="ada", session_id=session, teams=["night"])
    await told(agent, "assign_session_role", session_id=session, role="orchestrator")
    await told(agent, "set_session_tags", session_id=session, tags=["gpu"])
    return (await told(agent, "lock_session", session_id=session, agent="ada"))["fencing_token"]


async def writes(agent: Agent, session: str, text: str, token: int) -> int:
    """How many sessions took a message of ada's, who shows her lock's token."""
    message = {"content": text, "targets": [{"session_id": session}]}
    written = await told(agent, "write_to_sessions", messages=[message], requesting_agent="ada", fencing_token=token)
    return written["sent_count"]


async def report(agent: Agent, task: str, *, wait: bool = False) -> dict[str, Any]:
    tasks = (await agent.do("task_status", taskIds=[task], waitMs=30_000 if wait else 0))["tasks"]
    return tasks[0]


async def test_everything_is_at_the_backup(world: World) -> None:
    world.configure(CREW)
    host = world.serve()
    ada = {"QUARTERDECK_AGENT": "ada"}
    async with (
        listening(host) as listener,
        agent_on_http(host) as somebody,
        agent_on_stdio(world, env=ada) as agent,
    ):
        spare = await agent.open_session(name="spare", tags=["backup"])
        await agent.at_prompt(spare)
        session = await agent.open_session(name="worker")
        await agent.at_prompt(session)
        old_token = await outfitted(agent, session)
        # What is begun here kills the shell that it runs in, once, and takes its time then.
        once, enough = world.home / "begun", world.home / "enough"
        dies_once = f"test -e {once} || {{ touch {once}; kill -KILL $$; }}"
        command = f"{dies_once}; until test -e {enough}; do sleep 0.05; done; echo done in $QUARTERDECK_SESSION"
        task = {"id": "render", "type": "command", "payload": command, "priority": "high"}
        await agent.do("task_distribute", tasks=[task], sessionIds=[session])
        await agent.wait_for(session, exit=True)

        async def waits() -> bool:
            return "to be mended" in (await report(agent, "render")).get("waitsFor", "")

        await until("the task waits for its session to be mended", waits)

        outcome = await agent.call("error_recover", sessionId=session, strategy="failover")
        mended = outcome.content
        assert mended["recovered"] and mended["newSessionId"] == spare, mended
        assert "ended" in mended["oldSession"] and session in outcome.text
        moved = mended["moved"]
        assert (moved["agent"], moved["teams"]) == ("ada", ["night"])
        assert (moved["role"], moved["tags"], moved["tasks"]) == ("orchestrator", ["gpu"], ["render"])
        new_token = moved["lock"]["fencingToken"]
        assert moved["lock"]["owner"] == "ada" and new_token > old_token

        enough.touch()
        done = await report(agent, "render", wait=True)
        assert (done["status"], done["sessionId"], done["attempts"]) == ("completed", spare, 2), done

        heard = (await listener.hear_of("session.failover", session_id=session))["data"]
        assert (heard["new_session_id"], heard["agent"], heard["tasks"]) == (spare, "ada", ["render"])
        assert heard["fencing_token"] == new_token

        agents = await told(agent, "list_agents")
        (at_work,) = [it for it in agents if it["name"] == "ada"]
        assert at_work["session_id"] == spare and at_work["teams"] == ["night"]
        assert (await told(agent, "get_session_role", session_id=spare))["role"] == "orchestrator"
        listed = {it["sessionId"]: it for it in (await agent.do("session_list"))["sessions"]}
        assert listed[spare]["tags"] == ["gpu"], "it is no backup any more"
        notified = await told(agent, "get_notifications", agent="ada")
        assert any(spare in it["summary"] for it in notified["notifications"]), notified

        for where, token, sent in [(session, old_token, 0), (spare, old_token, 0), (spare, new_token, 1)]:
            assert await writes(agent, where, f"echo {where} {token}", token) == sent, (where, token)
        refused = await somebody.type(spare, "echo somebody else", enter=True)
        assert refused.code == "SESSION_LOCKED", "nobody but ada types there"


async def test_a_hung_sessions_task_begins_again_at_the_backup(world: World) -> None:
    world.configure(CREW)
    async with agent_on_stdio(world) as agent:
        spare = await agent.open_session(name="spare")
        await agent.at_prompt(spare)
        session = await agent.open_session(name="worker")
        await agent.at_prompt(session)
        script, begun = world.home / "deaf.py", world.home / "begun"
        script.write_text(DEAF)
        command = f"test -e {begun} || {{ touch {begun}; {sys.executable} {script}; }}"
        task = {"id": "hangs", "type": "command", "payload": command}
        await agent.do("task_distribute", tasks=[task], sessionIds=[session])
        await until("it hangs", begun.exists)

        mended = await agent.do("error_recover", sessionId=session, strategy="failover")
        assert mended["newSessionId"] == spare and mended["moved"]["tasks"] == ["hangs"], mended
        assert "what runs there" in mended["oldSession"], mended
        done = await report(agent, "hangs", wait=True)
        assert (done["status"], done["sessionId"]) == ("completed", spare), done
        assert any(spare in note for note in done["notes"]), done


async def test_a_restarted_session_keeps_what_belongs_to_it(configured: World) -> None:  # noqa: F811
    configured.configure(CREW)
    async with agent_on_stdio(configured, env={"QUARTERDECK_AGENT": "ada"}) as agent:
        session = await agent.open_session(name="worker")
        await agent.at_prompt(session)
        old_token = await outfitted(agent, session)
        mended = await agent.do("error_recover", sessionId=session, strategy="restart")
        new, moved = mended["newSessionId"], mended["moved"]
        assert mended["oldSession"] == "closed" and moved["lock"]["fencingToken"] > old_token
        assert (moved["agent"], moved["role"]) == ("ada", "orchestrator")
        assert (await told(agent, "get_session_role", session_id=new))["role"] == "orchestrator"
        listed = {it["sessionId"]: it for it in (await agent.do("session_list"))["sessions"]}
        assert listed[new]["tags"] == ["gpu"]


@pytest.mark.parametrize("owned", ["agent", "lock", "role"])
async def test_what_is_somebody_elses_is_no_backup(world: World, owned: str) -> None:
    world.configure(CREW)
    async with agent_on_stdio(world) as agent:
        theirs = await agent.open_session(name="theirs", tags=["backup"])
        await agent.at_prompt(theirs)
        match owned:
            case "agent":
                await told(agent, "register_agent", name="bob", session_id=theirs)
            case "lock":
                await told(agent, "lock_session", session_id=theirs, agent="bob")
            case "role":
                await told(agent, "assign_session_role", session_id=theirs, role="tester")
        session = await crashed(agent, world)
        mended = await agent.do("error_recover", sessionId=session, strategy="failover")
        assert mended["recovered"] and mended["newSessionId"] != theirs, "a new shell was started instead"


async def test_a_task_waits_for_a_lock_instead_of_failing(world: World) -> None:
    world.configure(CREW)
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session(name="worker")
        await agent.at_prompt(session)
        await told(agent, "lock_session", session_id=session, agent="bob")
        task = {"id": "later", "type": "command", "payload": "echo at last"}
        await agent.do("task_distribute", tasks=[task], sessionIds=[session])

        async def waits() -> bool:
            return "locked by bob" in (await report(agent, "later")).get("waitsFor", "")

        await until("it says whose lock it waits for", waits)
        await told(agent, "unlock_session", session_id=session, agent="bob")
        done = await report(agent, "later", wait=True)
        assert (done["status"], done["attempts"]) == ("completed", 1), done
