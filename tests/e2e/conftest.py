"""The fixtures: a world for each test, and an agent at each door."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from agent import Agent, agent_at, stderr_of
from iterm2_world import StandIn
from nats_server import Machine, NatsServer, start_machine
from official_clients import CLIENTS, OfficialClient
from typescript_client import packages
from world import World

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def target_dir() -> Path:
    """Cargo's target folder, wherever it was put."""
    described = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(json.loads(described.stdout)["target_directory"])


@pytest.fixture(scope="session")
def binary(target_dir: Path) -> Path:
    """The host under test: `QUARTERDECK_BIN`, else the release build."""
    path = Path(os.environ.get("QUARTERDECK_BIN") or target_dir / "release" / "quarterdeck")
    assert path.exists(), f"{path} is missing: build it with `tests/run build`"
    os.environ.setdefault("QUARTERDECK_TEST_POLICIES", str(target_dir / "test-policies"))
    return path.resolve()


@pytest.fixture
def world(
    binary: Path, compiled_policies: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A machine in miniature, gone with everything in it after the test."""
    # Short, because a Unix socket's path has to fit into 108 bytes.
    world = World(root=tmp_path_factory.mktemp("w") / "r", binary=binary)
    (world.root / "cache").symlink_to(compiled_policies)
    yield world
    if getattr(request.node, "failed_in_call", False):
        for log in [*world.root.glob("serve-*.log")]:
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-8000:]}")
        print(f"--- stderr of quarterdeck mcp\n{stderr_of(world)[-8000:]}")
    world.close()


@pytest.fixture(scope="session")
def compiled_policies(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is compiled, worlds share: as the hosts of one user do. The approver, for
    which every command waits, is compiled once before the first story begins."""
    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent  # the one that all the workers share
    shared = root / "compiled"
    with (root / "compiled.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            shared.mkdir(mode=0o700)
            first = World(root=tmp_path_factory.mktemp("first") / "r", binary=binary)
            (first.root / "cache").symlink_to(shared)
            assert first.quarterdeck("check", "true", timeout=300).returncode == 0
            first.close()
    return shared


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        item.failed_in_call = True  # the world prints its logs on leaving


@pytest.fixture(params=["stdio", "http"])
def door(request: pytest.FixtureRequest) -> str:
    """Which door the agent comes through."""
    return request.param


@pytest.fixture
async def agent(door: str, world: World) -> AsyncIterator[Agent]:
    """An agent at each door in turn."""
    async with agent_at(door, world) as agent:
        yield agent


@pytest.fixture(scope="session")
def node_modules(target_dir: Path) -> Path:
    """What the official TypeScript client needs, as `tests/run prepare` installs it."""
    modules = Path(os.environ.get("QUARTERDECK_TEST_NODE_MODULES") or packages(target_dir))
    assert modules.exists(), f"{modules} is missing: install it with `tests/run prepare`"
    return modules


@pytest.fixture(params=CLIENTS)
def official_client(request: pytest.FixtureRequest, world: World, node_modules: Path) -> OfficialClient:
    """Each official client at each door."""
    return OfficialClient(request.param, world, node_modules)


@pytest.fixture
def iterm2(target_dir: Path, world: World) -> Iterator[StandIn]:
    """iTerm2 with one window, in the home of this world."""
    binary = Path(os.environ.get("ITERM2_SERVER") or target_dir / "debug" / "iterm2-server")
    assert binary.exists(), f"{binary} is missing: `tests/run iterm2` builds it"
    stand_in = StandIn(binary, world)
    yield stand_in
    stand_in.close()


@pytest.fixture
def nats(world: World) -> NatsServer:
    """A server; this world's hosts are told where it is."""
    server = NatsServer(world).start()
    world.extra_env["QUARTERDECK_NATS_URL"] = server.url
    world.extra_env["QUARTERDECK_NATS_SILENCE_SECONDS"] = "2"
    return server


@pytest.fixture
def elsewhere(world: World, binary: Path) -> Iterator[Callable[[str], World]]:
    """Another machine in miniature, with a home of its own."""
    made: list[World] = []

    def make(name: str) -> World:
        other = World(root=world.root / f"m-{name}", binary=binary)
        (other.root / "cache").symlink_to((world.root / "cache").resolve())
        made.append(other)
        return other

    yield make
    for other in made:
        for log in other.root.glob("serve-*.log"):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}")
        other.close()


@pytest.fixture
def machine(nats: NatsServer, elsewhere: Callable[[str], World]) -> Callable[..., Machine]:
    """Starts a machine that takes tasks."""

    def start(name: str, *flags: str) -> Machine:
        return start_machine(elsewhere(name), name, "--nats", nats.url, *flags)

    return start
