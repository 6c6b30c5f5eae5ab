"""Swapping a rule: a component dropped into the directory judges the next command."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent import Agent
from approvers import allow, built, drop, drop_scripted, place, relabelled, remove
from waiting import until
from world import World


@pytest.fixture(autouse=True)
def git_is_a_stand_in(world: World) -> None:
    world.stand_in("git")
    allow(world, "git push origin main")


async def loaded(agent: Agent, name: str) -> dict:
    """Waits until a policy is active."""

    async def live() -> dict | None:
        policy = (await agent.policies()).get(name)
        return policy if policy and policy["state"] == "active" else None

    return await until(f"the policy {name} is active", live)


async def gone(agent: Agent, name: str) -> None:
    """Waits until a policy no longer judges."""

    async def absent() -> bool:
        return name not in await agent.policies()

    await until(f"the policy {name} is gone", absent)


async def test_a_dropped_component_refuses_git_push_and_removing_it_lets_it_through(agent: Agent, world: World) -> None:
    before = await agent.run("git push origin main")
    assert before["output"].strip() == "git ran: push origin main"

    drop(world, "approver-git-push", built("approver-git-push"))
    policy = await loaded(agent, "approver-git-push")
    assert policy["kind"] == "approver" and policy["generation"] >= 1 and policy["digest"]
    refused = await agent.call("session_run", command="git push origin main")
    assert refused.code == "PERMISSION_DENIED", refused
    verdict = refused.verdict
    assert verdict["policy"] == "approver-git-push"
    assert "push" in verdict["reason"].lower()
    assert len(world.ran("git")) == 1, "the refused command did not run"
    assert (await agent.run("git status"))["output"].strip() == "git ran: status"

    remove(world, "approver-git-push")
    await gone(agent, "approver-git-push")
    after = await agent.run("git push origin main")
    assert after["verdict"]["tier"] == before["verdict"]["tier"]
    assert len(world.ran("git")) == 3


async def test_a_dropped_rule_does_not_switch_the_bundled_one_off(agent: Agent, world: World) -> None:
    drop_scripted(world, "only-deploys", match="deploy")
    await loaded(agent, "only-deploys")
    refused = await agent.call("session_run", command="rm -rf ~")
    assert refused.code == "PERMISSION_DENIED" and world.victim.exists()


async def test_a_corrupt_file_changes_nothing_but_is_reported(agent: Agent, world: World) -> None:
    drop(world, "approver-git-push", built("approver-git-push"))
    good = await loaded(agent, "approver-git-push")

    healthy = built("approver-git-push")
    corrupt = healthy[: len(healthy) // 2] + b"\0" * (len(healthy) - len(healthy) // 2)
    place(world.plugins_dir / "approver-git-push.wasm", corrupt)

    async def reported() -> dict | None:
        policy = (await agent.policies())["approver-git-push"]
        told = any("approver-git-push" in it["message"] for it in (await agent.do("policy_list"))["incidents"])
        return policy if policy["lastError"] and told else None

    policy = await until("the corrupt file is reported, and told among the incidents", reported)
    assert (policy["generation"], policy["digest"]) == (good["generation"], good["digest"])
    refused = await agent.call("session_run", command="git push origin main")
    verdict = refused.verdict
    assert verdict["policy"] == "approver-git-push" and verdict["generation"] == good["generation"]

    place(world.plugins_dir / "approver-git-push.wasm", relabelled(healthy, "mended"))

    async def mended() -> bool:
        policy = (await agent.policies())["approver-git-push"]
        return policy["generation"] > good["generation"] and not policy["lastError"]

    await until("the mended file is active", mended)


@pytest.mark.parametrize("way", ["renamed over", "written in place", "written in two halves"])
async def test_replacing_a_component(agent: Agent, world: World, way: str) -> None:
    drop_scripted(world, "house-rule", version=1, match="deploy", reason="The house rule.")
    first = await loaded(agent, "house-rule")
    path = world.plugins_dir / "house-rule.wasm"
    newer = relabelled(built("scripted-approver"), "version 2")
    if way == "renamed over":
        place(path, newer)
    elif way == "written in place":
        path.write_bytes(newer)
    else:
        with path.open("wb") as stream:
            stream.write(newer[: len(newer) // 2])
            stream.flush()
            # While half of it is there, the former generation goes on judging.
            during = await agent.call("session_run", command="echo deploy")
            assert during.code == "PERMISSION_DENIED"
            assert (await agent.policies())["house-rule"]["generation"] == first["generation"]
            stream.write(newer[len(newer) // 2 :])

    async def replaced() -> bool:
        policy = (await agent.policies())["house-rule"]
        return policy["generation"] > first["generation"] and policy["digest"] != first["digest"]

    await until("the new generation is active", replaced)
    refused = await agent.call("session_run", command="echo deploy")
    verdict = refused.verdict
    assert verdict["generation"] == (await agent.policies())["house-rule"]["generation"]


async def test_renaming_a_component_renames_the_policy(agent: Agent, world: World) -> None:
    drop_scripted(world, "old-name", match="deploy")
    await loaded(agent, "old-name")
    for suffix in ("toml", "wasm"):
        (world.plugins_dir / f"old-name.{suffix}").rename(world.plugins_dir / f"new-name.{suffix}")
    await loaded(agent, "new-name")
    await gone(agent, "old-name")
    refused = await agent.call("session_run", command="echo deploy")
    assert refused.verdict["policy"] == "new-name"


async def test_editing_the_sidecar_changes_the_verdict(agent: Agent, world: World) -> None:
    drop_scripted(world, "house-rule", match="deploy", reason="Not on a Friday.")
    await loaded(agent, "house-rule")
    sidecar = '[config]\nmatch = "deploy"\nreason = "Not on a Monday either."\n'
    place(world.plugins_dir / "house-rule.toml", sidecar.encode())

    async def judged_anew() -> bool:
        refused = await agent.call("session_run", command="echo deploy")
        return "Not on a Monday either." in refused.text

    await until("the new configuration judges", judged_anew)


async def test_a_wrong_sidecar_is_explained_in_the_policys_own_words(agent: Agent, world: World) -> None:
    drop_scripted(world, "house-rule", match="deploy", tier="lethal")

    async def explained() -> bool:
        listed = str(await agent.do("policy_list"))
        return "lethal" in listed and "none of safe, review, dangerous" in listed

    await until("policy_list shows what configure answered", explained)
    assert (await agent.run("echo fine"))["exitStatus"] == 0


async def test_clutter_in_the_directory_disturbs_nobody(agent: Agent, world: World) -> None:
    """A text file, a directory, a dangling link, an empty and a foreign component."""
    world.plugins_dir.mkdir(parents=True, exist_ok=True)
    (world.plugins_dir / "README.md").write_text("not a policy\n")
    (world.plugins_dir / "folder.wasm").mkdir()
    (world.plugins_dir / "dangling.wasm").symlink_to("/nowhere/at/all.wasm")
    (world.plugins_dir / "empty.wasm").touch()
    (world.plugins_dir / "text.wasm").write_text("I am not WebAssembly\n")
    (world.plugins_dir / "module.wasm").write_bytes(b"\0asm\x01\0\0\0")
    drop_scripted(world, "house-rule", match="deploy")
    await loaded(agent, "house-rule")
    assert (await agent.call("session_run", command="echo deploy")).code == "PERMISSION_DENIED"
    assert (await agent.run("echo fine"))["output"].strip() == "fine"


@pytest.mark.parametrize(
    ("fault", "explained"),
    [
        (lambda component: component.replace(b"@0.1.0", b"@9.1.0"), "9.1.0"),
        (lambda component: component[: len(component) // 2], "cut short"),
        (lambda component: b"", "empty"),
        (lambda component: b"(component)", "text"),
        (lambda component: b"\0asm\x01\0\0\0", "core module"),
        (lambda component: b"\x7fELF" + component, "not WebAssembly"),
        (lambda component: component[:8], "no policy interface"),
    ],
    ids=["another WIT version", "cut short", "empty", "text", "core module", "another format", "no interface"],
)
async def test_a_component_that_cannot_serve_is_explained(
    agent: Agent, world: World, fault: Callable[[bytes], bytes], explained: str
) -> None:
    drop(world, "faulty", fault(built("scripted-approver")))

    async def told() -> bool:
        return explained in str(await agent.do("policy_list"))

    await until(f"policy_list says {explained!r}", told)
    assert (await agent.run("echo fine"))["output"].strip() == "fine"


async def test_a_component_that_others_may_write_is_not_loaded(agent: Agent, world: World) -> None:
    path = drop_scripted(world, "house-rule", match="deploy")
    await loaded(agent, "house-rule")
    generation = (await agent.policies())["house-rule"]["generation"]
    beside = path.with_name(".new")
    beside.write_bytes(relabelled(built("scripted-approver"), "by somebody else"))
    beside.chmod(0o666)
    beside.rename(path)

    async def told() -> bool:
        return bool((await agent.policies())["house-rule"]["lastError"])

    await until("the file is turned away", told)
    assert (await agent.policies())["house-rule"]["generation"] == generation


async def test_two_hundred_files_at_once(agent: Agent, world: World) -> None:
    for number in range(200):
        drop_scripted(world, f"rule-{number:03}", match=f"word{number:03}")

    async def all_live() -> bool:
        policies = await agent.policies()
        return sum(p["state"] == "active" and n.startswith("rule-") for n, p in policies.items()) == 200

    await until("all two hundred are active", all_live, deadline=120)
    for number in (0, 117, 199):
        assert (await agent.call("session_run", command=f"echo word{number:03}")).code == "PERMISSION_DENIED"
    assert (await agent.run("echo fine"))["output"].strip() == "fine"
