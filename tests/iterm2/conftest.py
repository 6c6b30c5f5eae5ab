"""The fixture: a stand-in for iTerm2 for each story."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stand_in import StandIn

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def server_binary() -> Path:
    """The server under test: `ITERM2_SERVER`, else the debug build."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    path = Path(os.environ.get("ITERM2_SERVER") or target / "debug" / "iterm2-server")
    assert path.exists(), f"{path} is missing: build it with `cargo build -p iterm2-server`"
    return path.resolve()


@pytest.fixture
def stand_in(server_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A server with one window, gone after the test."""
    # Short, because a Unix socket's path has to fit into 108 bytes.
    with StandIn.started(server_binary, tmp_path_factory.mktemp("h")) as stand_in:
        yield stand_in
