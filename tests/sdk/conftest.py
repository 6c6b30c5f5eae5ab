"""What a policy author has: a machine in miniature, and the tools of one language."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from author import Author
from world import World

LANGUAGES = ("rust", "js", "python", "c")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--language", choices=LANGUAGES, help="only the stories of one language")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what another process tells; projects share one of each kind of tool."""
    chosen = config.getoption("--language")
    if chosen:
        items[:] = [item for item in items if item.callspec.params["language"] == chosen]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def binary() -> Path:
    """The host: `QUARTERDECK_BIN`, which `tests/sdk/run` sets."""
    path = Path(os.environ["QUARTERDECK_BIN"])
    assert path.exists(), f"{path} is missing: build it with `tests/run build`"
    return path.resolve()


@pytest.fixture(scope="session")
def author(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Author:
    """Somebody with a folder for projects, who installs each tool once."""
    return Author(binary=binary, desk=tmp_path_factory.mktemp("projects"))


@pytest.fixture
def world(binary: Path, author: Author) -> Iterator[World]:
    """A machine in miniature. What was compiled once is not compiled again."""
    # Short, because a Unix socket's path has to fit into 108 bytes.
    with tempfile.TemporaryDirectory(prefix="w") as folder:
        world = World(root=Path(folder) / "r", binary=binary)
        (world.root / "cache").symlink_to(author.cache)
        yield world
        world.close()
