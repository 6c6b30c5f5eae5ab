"""A host that decides all day, while its rules are swapped, holds no more in the evening
than in the morning."""

from __future__ import annotations

import pytest

from endurance import CACHED, endure
from world import World

MEBIBYTE = 1 << 20


@pytest.mark.timeout(600)
def test_memory_and_descriptors_are_level(world: World) -> None:
    (world.root / "cache").unlink()  # shared by worlds: here it is counted
    # That no thread is left behind is asked there, while the host still runs.
    endured = endure(world, decisions=20_000, swaps=200)
    assert endured.grown(lambda held: held.memory) < 8 * MEBIBYTE, endured.held
    assert endured.grown(lambda held: held.descriptors) <= 0, endured.held
    assert endured.cached <= CACHED
