"""A rule does not vanish because of what somebody puts into the plugins folder."""

from __future__ import annotations

import pytest

from agent import Agent, agent_on_http
from approvers import built, drop_scripted, drop_scripted_recovery, place, remove
from test_swap_a_rule import gone, loaded
from waiting import until
from world import World


async def said_of(agent: Agent, name: str, part: str) -> dict:
    """Waits until the list of policies says so of a policy's newest file."""

    async def said() -> dict | None:
        policy = (await agent.policies()).get(name)
        return policy if policy and part in (policy["lastError"] or "") else None

    return await until(f"{name} is told to be {part!r}", said)


async def test_a_recovery_saved_over_a_rule_leaves_the_rule_in_force(agent: Agent, world: World) -> None:
    drop_scripted(world, "guard", match="deploy", reason="Deploying is a person's decision.")
    await loaded(agent, "guard")

    place(world.plugins_dir / "guard.wasm", built("scripted-recovery"))
    policy = await said_of(agent, "guard", "it is a recovery, but `guard` is an approver")
    assert policy["kind"] == "approver" and policy["state"] == "active"
    refused = await agent.call("session_run", command="echo deploy")
    assert refused.code == "PERMISSION_DENIED", refused
    assert refused.verdict["reason"] == "Deploying is a person's decision."

    remove(world, "guard")
    await gone(agent, "guard")
    drop_scripted_recovery(world, "guard", action="restart")
    assert (await loaded(agent, "guard"))["kind"] == "recovery"
    assert (await agent.run("echo deploy"))["output"].strip() == "deploy"


@pytest.mark.parametrize(("act", "rule"), [("trap", "host/trap"), ("loop", "host/deadline"), ("memory", "host/memory")])
async def test_a_new_rule_that_always_fails_refuses_everything_until_it_is_taken_away(
    agent: Agent, world: World, act: str, rule: str
) -> None:
    assert (await agent.run("echo before"))["output"].strip() == "before"
    drop_scripted(world, "broken", match="", act=act)
    policy = await said_of(agent, "broken", "on trial")
    assert policy["kind"] == "approver" and policy["state"] == "failed"

    refused = await agent.call("session_run", command="echo meanwhile")
    assert refused.code == "PERMISSION_DENIED", refused
    verdict = refused.verdict
    assert (verdict["tier"], verdict["policy"], verdict["rule"]) == ("dangerous", "broken", rule)
    assert refused.error["message"].count("refused") == 1

    remove(world, "broken")
    await gone(agent, "broken")
    assert (await agent.run("echo after"))["output"].strip() == "after"


async def test_a_file_that_is_no_approver_changes_nothing(agent: Agent, world: World) -> None:
    place(world.plugins_dir / "junk.wasm", b"junk")
    await said_of(agent, "junk", "this is text")
    assert (await agent.run("echo as before"))["output"].strip() == "as before"


async def test_the_command_line_asks_the_host_that_is_running(world: World) -> None:
    host = world.serve()
    drop_scripted(world, "guard", match="deploy", reason="Deploying is a person's decision.")
    async with agent_on_http(host) as agent:
        await loaded(agent, "guard")
        place(world.plugins_dir / "guard.wasm", b"junk")
        await said_of(agent, "guard", "this is text")

    checked = world.quarterdeck("check", "echo deploy")
    assert checked.returncode == 20, checked
    assert "Deploying is a person's decision." in checked.stdout and checked.stderr == ""
    ran = world.quarterdeck("run", "echo deploy")
    assert ran.returncode == 126 and ran.stdout == "", ran
    assert "Deploying is a person's decision." in ran.stderr
    assert world.quarterdeck("run", "echo calm").stdout == "calm\n"


async def test_what_is_added_of_another_kind_is_refused_before_it_lies_there(world: World) -> None:
    drop_scripted(world, "guard", match="deploy")
    before = (world.plugins_dir / "guard.wasm").read_bytes()
    other = place(world.home / "other.wasm", built("scripted-recovery"))
    (world.plugins_dir / "guard.toml").write_text('[config]\naction = "restart"\n')
    added = world.quarterdeck("plugin", "add", str(other), "--name", "guard")
    assert added.returncode != 0, added
    assert "it is a recovery, but `guard` is an approver" in added.stderr
    assert (world.plugins_dir / "guard.wasm").read_bytes() == before


async def test_only_a_policy_that_there_is_can_be_switched_off(world: World) -> None:
    refused = world.quarterdeck("plugin", "disable", "nope")
    assert refused.returncode != 0 and "there is no policy nope" in refused.stderr
    assert not (world.plugins_dir / "nope.toml").exists()
