"""A person looks after policies with `quarterdeck plugin`, while a host runs."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent import agent_on_http
from approvers import built
from waiting import until
from world import World

PUSH = "git push origin main"


def component(world: World) -> Path:
    """A component as somebody would have downloaded it."""
    path = world.root / "approver-git-push.wasm"
    path.write_bytes(built("approver-git-push"))
    return path


def test_a_sound_component_is_told_from_a_broken_one(world: World) -> None:
    sound = component(world)
    checked = world.quarterdeck("plugin", "check", str(sound))
    assert checked.returncode == 0 and "a sound approver" in checked.stdout
    assert hashlib.sha256(sound.read_bytes()).hexdigest() in checked.stdout

    broken = world.root / "broken.wasm"
    broken.write_bytes(sound.read_bytes()[:1000])
    checked = world.quarterdeck("plugin", "check", str(broken))
    assert checked.returncode == 1 and "cut short" in checked.stdout


def test_a_component_is_held_to_cases(world: World) -> None:
    cases = world.root / "cases.toml"
    cases.write_text(
        '[[case]]\ncommand = "git push origin main"\ntier = "dangerous"\n\n[[case]]\ncommand = "ls"\ntier = "safe"\n'
    )
    passed = world.quarterdeck("plugin", "test", str(component(world)), "--cases", str(cases))
    assert passed.returncode == 0 and "2 of 2 cases" in passed.stdout, passed

    cases.write_text('[[case]]\ncommand = "git push origin main"\ntier = "safe"\n')
    failed = world.quarterdeck("plugin", "test", str(component(world)), "--cases", str(cases))
    assert failed.returncode == 1 and "0 of 1 cases" in failed.stdout
    assert "safe" in failed.stdout and "dangerous" in failed.stdout, "both verdicts are shown"

    cases.write_text("")
    empty = world.quarterdeck("plugin", "test", str(component(world)), "--cases", str(cases))
    assert empty.returncode == 1 and "no cases" in empty.stderr


async def test_a_running_host_follows_every_change(world: World) -> None:
    host = world.serve()
    path = component(world)

    async with agent_on_http(host) as agent:

        async def becomes(tier: str) -> None:
            session = await agent.open_session()

            async def judged() -> bool:
                answer = await agent.do("safety_approve", sessionId=session, command=PUSH)
                return bool(answer["tier"] == tier)

            await until(f"{PUSH} is {tier}", judged)
            await agent.do("session_close", sessionId=session)

        await becomes("review")
        for arguments, tier in [
            (("add", str(path)), "dangerous"),
            (("disable", "approver-git-push"), "review"),
            (("enable", "approver-git-push"), "dangerous"),
            (("remove", "approver-git-push"), "review"),
            (("rollback", "approver-git-push"), "dangerous"),
        ]:
            changed = world.quarterdeck("plugin", *arguments)
            assert changed.returncode == 0, changed
            await becomes(tier)


def test_what_a_host_would_refuse_is_not_added(world: World) -> None:
    for content, reason in [(b"", "empty"), (b"no component at all", "text"), (b"\0asm\x01\0\0\0", "core module")]:
        path = world.root / "faulty.wasm"
        path.write_bytes(content)
        refused = world.quarterdeck("plugin", "add", str(path))
        assert refused.returncode == 1 and reason in refused.stderr, refused
    wrong = world.quarterdeck("plugin", "add", str(component(world)), "--sha256", "0" * 64)
    assert wrong.returncode == 1 and "SHA-256" in wrong.stderr
    named = world.quarterdeck("plugin", "add", str(component(world)), "--name", "../outside")
    assert named.returncode == 1 and "../outside" in named.stderr
    assert list(world.plugins_dir.glob("*.wasm")) == []


def test_a_pipe_is_no_component(world: World) -> None:
    pipe = world.root / "pipe.wasm"
    os.mkfifo(pipe)
    for command in (["check"], ["add"], ["inspect"], ["diff"], ["bench"], ["test"]):
        refused = world.quarterdeck("plugin", *command, str(pipe), timeout=30)
        assert refused.returncode != 0 and "pipe.wasm" in refused.stderr, (command, refused)


def test_what_is_removed_leaves_nothing_that_fails(world: World) -> None:
    assert world.quarterdeck("plugin", "add", str(component(world))).returncode == 0
    sidecar = world.plugins_dir / "approver-git-push.toml"
    sidecar.write_text("order = 7 # mine\n")
    assert world.quarterdeck("plugin", "remove", "approver-git-push").returncode == 0
    assert "approver-git-push" not in world.quarterdeck("plugin", "list").stdout
    assert world.quarterdeck("plugin", "rollback", "approver-git-push").returncode == 0
    assert sidecar.read_text() == "order = 7 # mine\n"
    assert world.quarterdeck("check", PUSH).returncode == 20


def test_the_settings_of_a_bundled_policy_stay_with_it(world: World) -> None:
    sidecar = world.plugins_dir / "safety-tiers.toml"
    assert world.quarterdeck("rule", "add", "house special", "--tier", "dangerous", "--why", "no").returncode == 0
    assert sidecar.exists()
    ours = Path(__file__).parents[2] / "plugins" / "dist" / "safety-tiers.wasm"
    assert world.quarterdeck("plugin", "add", str(ours)).returncode == 0
    removed = world.quarterdeck("plugin", "remove", "safety-tiers")
    assert removed.returncode == 0 and str(sidecar) in removed.stdout, removed
    assert world.quarterdeck("check", "house special").returncode == 20


def test_nothing_to_remove_or_to_go_back_to_is_said(world: World) -> None:
    for command in ("remove", "rollback"):
        failed = world.quarterdeck("plugin", command, "nobody")
        assert failed.returncode == 1 and "nobody" in failed.stderr and "panicked" not in failed.stderr


@pytest.mark.parametrize("command", ["check", "test", "add"])
def test_a_component_that_is_missing_is_told_with_where_it_would_come_from(world: World, command: str) -> None:
    missing = world.root / "no-push.wasm"
    failed = world.quarterdeck("plugin", command, str(missing))
    assert failed.returncode == 1 and str(missing) in failed.stderr, failed
    assert "plugin build" in failed.stderr and "dist/NAME.wasm" in failed.stderr, failed


def test_what_cannot_be_read_is_neither_overlooked_nor_overwritten(world: World) -> None:
    arriving = component(world)
    arriving.with_suffix(".toml").write_text("order = 7\n")
    # A folder can be read as a file by nobody, the superuser included.
    sidecar = world.plugins_dir / "approver-git-push.toml"
    sidecar.mkdir(parents=True)
    added = world.quarterdeck("plugin", "add", str(arriving))
    assert added.returncode == 1 and str(sidecar) in added.stderr, added
    assert sidecar.is_dir() and not sidecar.with_suffix(".wasm").exists()

    in_place_of_the_bundled = world.plugins_dir / "safety-tiers.wasm"
    in_place_of_the_bundled.mkdir()
    rule = world.quarterdeck("rule", "add", "house special", "--tier", "dangerous", "--why", "no")
    assert rule.returncode == 1 and str(in_place_of_the_bundled) in rule.stderr, rule
    assert not (world.plugins_dir / "safety-tiers.toml").exists()


def test_rules_that_are_added_at_once_are_all_kept(world: World) -> None:
    def add(program: str) -> int:
        added = world.quarterdeck("rule", "add", program, "--tier", "dangerous", "--why", "no", timeout=120)
        return added.returncode

    programs = [f"house{number}" for number in range(4)]
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(add, programs)) == [0] * len(programs)
    listed = world.quarterdeck("rule", "list").stdout
    assert all(f"own/{program}" in listed for program in programs), listed
