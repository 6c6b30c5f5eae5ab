"""A world with a real agent in it, and the model that it talks to."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_model import FakeModel
from real_agents import AGENTS, Scene
from world import World

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def binary() -> Path:
    """The host under test."""
    path = Path(os.environ.get("QUARTERDECK_BIN") or REPOSITORY / "target/release/quarterdeck")
    assert path.exists(), f"{path} is missing: build it with `tests/run build`"
    return path.resolve()


@pytest.fixture
def model() -> Iterator[FakeModel]:
    """The model, for as long as a story lasts."""
    model = FakeModel()
    threading.Thread(target=model.serve_forever, daemon=True).start()
    yield model
    model.shutdown()
    model.server_close()


@pytest.fixture(params=(os.environ.get("AGENTS") or " ".join(AGENTS)).split())
def scene(
    request: pytest.FixtureRequest, binary: Path, model: FakeModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Each agent, set up as after its first start, with Quarterdeck installed in it."""
    # Codex puts no programs below /tmp.
    below = Path(os.environ["CARGO_TARGET_DIR"]) / "real-agents/w"
    below.mkdir(parents=True, exist_ok=True)
    world = World(root=below / f"{os.getpid()}-{request.param}", binary=binary)
    (world.root / "cache").symlink_to(tmp_path_factory.getbasetemp())
    yield Scene.of(AGENTS[request.param], world, model)
    world.close()
