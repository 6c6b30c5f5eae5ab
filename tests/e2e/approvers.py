"""Approvers to drop into a plugins directory.

All but one are the same component, `tests/scripted-approver`, which does what its
sidecar says; see the acts in its source. The other is the example of the policy
author's guide, which calls `git push` dangerous.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from waiting import until_blocking
from world import World


def built(name: str) -> bytes:
    """A component that `tests/run policies` has built."""
    directory = Path(os.environ["QUARTERDECK_TEST_POLICIES"])
    component = directory / f"{name}.wasm"
    assert component.exists(), f"{component} is missing: build it with `tests/run policies`"
    return component.read_bytes()


def drop(world: World, name: str, component: bytes, sidecar: str = "") -> Path:
    """Puts a component (and its sidecar) into the plugins directory, each in one step."""
    world.plugins_dir.mkdir(parents=True, exist_ok=True)
    if sidecar:
        place(world.plugins_dir / f"{name}.toml", sidecar.encode())
    return place(world.plugins_dir / f"{name}.wasm", component)


def allow(world: World, *commands: str) -> None:
    """Has the bundled rules let these commands through, by their `[config]`."""
    world.plugins_dir.mkdir(parents=True, exist_ok=True)
    listed = ", ".join(json.dumps(command) for command in commands)
    place(world.plugins_dir / "safety-tiers.toml", f"[config]\nallow = [{listed}]\n".encode())


def drop_scripted(world: World, name: str, *, version: int | None = None, limits: str = "", **config: str) -> Path:
    """Drops the scripted approver with this `[config]`.

    Two versions are the same code with different bytes, hence different digests.
    """
    component = built("scripted-approver")
    if version is not None:
        component = relabelled(component, f"version {version}")
    lines = [f"{key} = {json.dumps(value)}" for key, value in config.items()]
    return drop(world, name, component, "\n".join([limits, "[config]", *lines, ""]))


def drop_scripted_recovery(world: World, name: str, **config: str | int) -> Path:
    """Drops the scripted recovery with this `[config]`."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in config.items()]
    return drop(world, name, built("scripted-recovery"), "\n".join(["[config]", *lines, ""]))


def remove(world: World, name: str) -> None:
    """Takes a policy out of the plugins directory."""
    for suffix in ("wasm", "toml"):
        (world.plugins_dir / f"{name}.{suffix}").unlink(missing_ok=True)


def place(path: Path, content: bytes) -> Path:
    """Writes a file beside its place, which a host makes at its start, and renames it there."""
    until_blocking(f"there is a folder {path.parent}", path.parent.is_dir)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    beside.rename(path)
    return path


def relabelled(component: bytes, label: str) -> bytes:
    """The same component with a custom section more: other bytes, same behaviour."""
    return labelled(component, label=label)


def labelled(component: bytes, **sections: str) -> bytes:
    """The same component with these custom sections more."""
    for name, text in sections.items():
        body = _leb128(len(name)) + name.encode() + text.encode()
        component += b"\0" + _leb128(len(body)) + body
    return component


def _leb128(number: int) -> bytes:
    encoded = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        encoded.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(encoded)
