"""What `quarterdeck plugin` says it has done is done: the running host has taken it over,
or the command says that it has not, and leaves everything as it was."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from approvers import built, drop, drop_scripted, place, relabelled
from waiting import until_blocking
from world import World

DEPLOY = "echo deploy"


def tier(world: World, command: str = DEPLOY) -> str:
    """What the running host says, now."""
    return str(json.loads(world.quarterdeck("check", command, "--json").stdout)["tier"])


def listed(world: World, name: str) -> dict:
    policies = json.loads(world.quarterdeck("plugin", "list", "--json").stdout)
    return next((policy for policy in policies if policy["name"] == name), {})


def done(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    changed = world.quarterdeck(*arguments)
    assert changed.returncode == 0, changed
    return changed


def version(number: int) -> bytes:
    """The scripted approver; versions differ in their bytes alone."""
    return relabelled(built("scripted-approver"), f"version {number}")


def swapped_in(world: World, name: str, component: bytes) -> dict:
    """Copies a component over another and waits until the host has taken it over."""
    before = listed(world, name).get("generation")
    place(world.plugins_dir / f"{name}.wasm", component)

    def taken() -> dict | None:
        policy = listed(world, name)
        return policy if policy.get("generation") not in (before, 0, None) else None

    return until_blocking(f"{name} is swapped", taken)


def test_a_change_is_in_force_when_the_command_returns(world: World) -> None:
    world.serve()
    component = place(world.home / "guard.wasm", built("scripted-approver"))
    world.plugins_dir.mkdir(parents=True, exist_ok=True)
    (world.plugins_dir / "guard.toml").write_text('[config]\nmatch = "deploy"\n')
    done(world, "plugin", "add", str(component))
    assert tier(world) == "dangerous"
    for _ in range(5):
        done(world, "plugin", "disable", "guard")
        assert tier(world) == "safe"
        done(world, "plugin", "enable", "guard")
        assert tier(world) == "dangerous"
        done(world, "plugin", "remove", "guard")
        assert tier(world) == "safe"
        done(world, "plugin", "rollback", "guard")
        assert tier(world) == "dangerous"
        place(world.plugins_dir / "guard.toml", b'mode = "shadow"\n[config]\nmatch = "deploy"\n')
        until_blocking("guard is in shadow", lambda: listed(world, "guard")["state"] == "shadow")
        assert tier(world) == "safe"
        done(world, "plugin", "promote", "guard")
        assert tier(world) == "dangerous"
        done(world, "rule", "add", "frob x", "--tier", "dangerous", "--why", "no")
        assert tier(world, "frob x") == "dangerous"
        done(world, "rule", "remove", "own/frob-x")
        assert tier(world, "frob x") == "review"


def test_a_swap_by_file_is_rolled_back_to_what_ruled_before(world: World) -> None:
    world.serve()
    path = drop(world, "guard", version(1))
    until_blocking("guard is in charge", lambda: listed(world, "guard").get("generation"))
    swapped_in(world, "guard", version(2))
    swapped_in(world, "guard", version(3))
    done(world, "plugin", "rollback", "guard")
    assert path.read_bytes() == version(2)
    done(world, "plugin", "rollback", "guard")
    assert path.read_bytes() == version(3), "doing it again undoes it"

    # A file that no host takes is no version that ruled.
    place(path, b"broken")
    until_blocking("it is refused", lambda: listed(world, "guard")["rejection"])
    done(world, "plugin", "rollback", "guard")
    assert path.read_bytes() == version(3)

    path.unlink()
    until_blocking("it is gone", lambda: not listed(world, "guard"))
    done(world, "plugin", "rollback", "guard")
    assert path.read_bytes() == version(3)


@pytest.mark.parametrize("host", ["a host runs", "no host runs"])
def test_a_former_version_that_would_be_refused_is_not_put_back(world: World, host: str) -> None:
    if host == "a host runs":
        world.serve()
    for number in (1, 2):
        component = place(world.home / "guard.wasm", version(number))
        done(world, "plugin", "add", str(component))
    place(world.plugins_dir / "guard.toml", f'sha256 = "{listed(world, "guard")["digest"]}"\n'.encode())
    refused = world.quarterdeck("plugin", "rollback", "guard")
    assert refused.returncode == 1 and "not rolled back" in refused.stderr and "pins" in refused.stderr, refused
    assert (world.plugins_dir / "guard.wasm").read_bytes() == version(2)


def test_what_fails_is_neither_promoted_nor_enabled(world: World) -> None:
    world.serve()
    for switched_off, command in (('mode = "shadow"', "promote"), ("enabled = false", "enable")):
        path = drop_scripted(world, "broken", limits=switched_off, match="", act="trap")
        sidecar = path.with_suffix(".toml")
        before = sidecar.read_text()
        until_blocking("it is known", lambda: listed(world, "broken"))
        refused = world.quarterdeck("plugin", command, "broken")
        assert refused.returncode == 1 and "on trial" in refused.stderr, refused
        assert sidecar.read_text() == before
        assert tier(world) == "safe"


def test_a_refusal_ends_when_the_sidecar_says_shadow_again(world: World) -> None:
    world.serve()
    path = drop_scripted(world, "broken", match="", act="trap")
    until_blocking("everything is refused", lambda: tier(world) == "dangerous")
    place(path.with_suffix(".toml"), b'mode = "shadow"\n[config]\nmatch = ""\nact = "trap"\n')
    until_blocking("nobody heeds a shadow", lambda: tier(world) == "safe")


@pytest.mark.parametrize("name", ["cargo", "restart"])
def test_an_approver_under_the_name_of_another_kind_is_refused_aloud(world: World, name: str) -> None:
    world.serve()
    component: Path = place(world.home / f"{name}.wasm", built("approver-git-push"))
    why = "it is an approver, but `"
    checked = world.quarterdeck("plugin", "check", str(component))
    assert checked.returncode == 1 and why in checked.stdout and "bundled" in checked.stdout, checked
    added = world.quarterdeck("plugin", "add", str(component))
    assert added.returncode == 1 and why in added.stderr and "bundled" in added.stderr, added
    assert not (world.plugins_dir / f"{name}.wasm").exists()

    place(world.plugins_dir / f"{name}.wasm", component.read_bytes())
    refused = until_blocking("it is refused", lambda: listed(world, name)["rejection"] and listed(world, name))
    assert refused["kind"] != "approver" and refused["source"] == "bundled" and refused["state"] == "active"
    (world.plugins_dir / f"{name}.wasm").unlink()
    until_blocking("it is as before", lambda: listed(world, name)["rejection"] is None)
    assert listed(world, name)["state"] == "active"
