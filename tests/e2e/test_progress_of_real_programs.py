"""How far is it? Asked of cargo, npm, pytest and curl themselves, not of stand-ins."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from waiting import until
from world import World

CRATES = 8
TESTS = 30
CHUNK = b"x" * 100_000
CHUNKS = 50


def rust_project(folder: Path) -> None:
    """A workspace whose crates build one after the other."""
    for number in range(CRATES):
        crate = folder / f"part{number}"
        (crate / "src").mkdir(parents=True)
        before = f'[dependencies]\npart{number - 1} = {{ path = "../part{number - 1}" }}\n' if number else ""
        (crate / "Cargo.toml").write_text(
            f'[package]\nname = "part{number}"\nversion = "0.1.0"\nedition = "2021"\nbuild = "build.rs"\n{before}'
        )
        pause = "fn main() { std::thread::sleep(std::time::Duration::from_millis(200)); }\n"
        (crate / "build.rs").write_text(pause)
        (crate / "src" / "lib.rs").write_text("pub fn part() {}\n")
    members = ", ".join(f'"part{number}"' for number in range(CRATES))
    (folder / "Cargo.toml").write_text(f'[workspace]\nresolver = "2"\nmembers = [{members}]\n')


def python_project(folder: Path) -> None:
    folder.mkdir()
    (folder / "test_slow.py").write_text(
        "import pytest, time\n\n"
        f'@pytest.mark.parametrize("number", range({TESTS}))\n'
        "def test_one(number):\n    time.sleep(0.08)\n"
    )


def node_project(folder: Path) -> None:
    """A package with a dependency beside it, and a step after the installation that takes a while."""
    beside = folder / "beside"
    beside.mkdir(parents=True)
    (beside / "package.json").write_text('{"name": "beside", "version": "1.0.0"}\n')
    (folder / "package.json").write_text(
        '{"name": "app", "version": "1.0.0", "dependencies": {"beside": "file:./beside"},'
        ' "scripts": {"postinstall": "node -e \\"setTimeout(() => {}, 4000)\\""}}\n'
    )


class SlowFile(http.server.BaseHTTPRequestHandler):
    """A file of five megabytes that takes five seconds: curl tells once a second how far it is."""

    def do_GET(self) -> None:  # noqa: N802 (the name is http.server's)
        self.send_response(200)
        self.send_header("Content-Length", str(CHUNKS * len(CHUNK)))
        self.end_headers()
        pause = threading.Event()
        for _ in range(CHUNKS):
            self.wfile.write(CHUNK)
            pause.wait(0.1)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def download() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowFile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/file"
    server.shutdown()


@pytest.fixture
def commands(world: World, download: str) -> dict[str, str]:
    """What is run, by the name of the parser that reads it."""
    # Scripts in the home folder are no project's: the gate is not what this is about.
    world.configure('tools = ["native", "enhanced"]\n[gate]\nmode = "warn"\n')
    rust_project(world.home / "rust")
    python_project(world.home / "python")
    node_project(world.home / "node")
    home = world.home
    return {
        "cargo": f"cd {home}/rust && cargo build --offline -j1",
        "pytest": f"cd {home}/python && {sys.executable} -m pytest -p no:cacheprovider",
        "npm": f"cd {home}/node && npm install --no-audit --no-fund --offline",
        "downloads": f"curl -o {home}/file {download}",
    }


Told = list[tuple[float, float | None, str | None]]


async def told_during(agent: Agent, tool: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], Told]:
    """Calls a tool; returns its answer and the progress notifications that came before it."""
    told: Told = []

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total, message))

    result = await agent.client.call_tool(tool, arguments, progress_callback=on_progress)
    assert not result.is_error, result.content
    return result.structured_content, told


async def parsers_are_awake(agent: Agent) -> None:
    """They are compiled when one is first needed, which is not what this is about."""
    await agent.run("echo '1 of 2'")

    async def something_is_read() -> bool:
        return bool((await agent.do("progress_aggregate"))["bySession"])

    await until("the parsers read", something_is_read, deadline=60)


def is_further_each_time(told: Told) -> bool:
    values = [done for done, _, _ in told]
    return values == sorted(set(values)) and all(0 <= done <= 100 and total == 100 for done, total, _ in told)


@pytest.mark.parametrize(("parser", "total"), [("cargo", None), ("pytest", TESTS), ("npm", None), ("downloads", None)])
async def test_a_program_is_followed_while_a_call_waits_for_it(
    world: World, commands: dict[str, str], parser: str, total: int | None
) -> None:
    async with agent_on_stdio(world) as agent:
        await parsers_are_awake(agent)
        arguments = {"command": commands[parser], "timeoutMs": 55_000}
        ran, told = await told_during(agent, "session_run", arguments)
        assert ran["exitStatus"] == 0, ran["output"]
        # npm counts nothing while it works: it says that it runs, and how it ended.
        assert len(told) >= (1 if parser == "npm" else 3), told
        assert is_further_each_time(told), told

        async def read_to_its_end() -> dict[str, Any] | None:
            (source,) = (await agent.do("progress_aggregate"))["bySession"]
            return source if source["status"] == "completed" and source["percentage"] == 100 else None

        source = await until("its end is read", read_to_its_end)
        assert source["saidBy"] == parser and source["sessionId"] == ran["sessionId"]
        assert total is None or (source["completed"], source["total"]) == (total, total)


async def test_tasks_are_followed_together(world: World, commands: dict[str, str]) -> None:
    """Each as itself in the aggregate, all of them as one in the client's notifications."""
    async with agent_on_http(world.serve()) as agent:
        await parsers_are_awake(agent)
        tasks = [
            {"id": f"build-{parser}", "type": "command", "payload": {"command": command}, "priority": "medium"}
            for parser, command in commands.items()
        ]
        ids = [task["id"] for task in tasks]
        await agent.do("task_distribute", tasks=tasks, createSessions=4)
        waited, told = await told_during(agent, "task_status", {"taskIds": ids, "waitMs": 55_000})
        assert {task["status"] for task in waited["tasks"]} == {"completed"}, waited
        assert len(told) > 8 and is_further_each_time(told), told
        assert told[-1][0] == 100
        named = " ".join(message or "" for _, _, message in told)
        assert all(f"{id_}: " in named for id_ in ids), named
        whole = await agent.do("progress_aggregate", pattern="build-*")
        assert whole["overall"] == {"completed": 4, "total": 4, "percentage": 100.0, "status": "completed"}
        read_by = {source["taskId"]: source["saidBy"] for source in whole["bySession"]}
        assert read_by == {f"build-{parser}": parser for parser in commands}
        points = [point["progress"] for point in whole["timeline"]]
        assert len(points) > 8 and points[0] < 50 and points[-1] == 100
