"""What sessions use, now and over time, held against what the system's own tools say."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from waiting import until
from world import World

# What burns and eats is no project's: the gate is not what this is about.
CONFIG = 'tools = ["native", "enhanced"]\n[gate]\nmode = "warn"\n[monitor]\ninterval_ms = 500\nhealth_seconds = 1\n'

PYTHON = sys.executable

BURN = "while True: pass"
EAT = "import time; eaten = bytearray(200 << 20); time.sleep(600)"
# Each write goes to the disk and is made anew, so that it is counted every time.
WRITE = """
import os, time
with open("written", "wb", buffering=0) as file:
    while True:
        file.seek(0)
        file.write(os.urandom(1 << 20))
        os.fsync(file.fileno())
        time.sleep(0.05)
"""


@pytest.fixture
def configured(world: World) -> World:
    world.configure(CONFIG)
    return world


async def start(agent: Agent, world: World, name: str, program: str) -> tuple[str, int]:
    """Runs a program in a session of its own; its process id is what it says."""
    script = world.home / f"{name}.py"
    script.write_text(f"import os\nprint('pid', os.getpid(), flush=True)\n{program}")
    session = await agent.open_session(name=name)
    await agent.type(session, f"{PYTHON} {script}", enter=True)
    waited = await agent.wait_for(session, pattern=r"pid \d+")
    return session, int(waited["matched"].split()[1])


async def metrics(agent: Agent, session: str, **arguments: Any) -> dict[str, Any]:
    report = await agent.do("performance_monitor", sessionId=session, **arguments)
    return report["sessions"][0]["metrics"]


def cpu_seconds(pid: int, and_children: bool = False) -> float:
    """As ps(1) counts it: user and system time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    counted = fields[11:15] if and_children else fields[11:13]
    return sum(int(ticks) for ticks in counted) / os.sysconf("SC_CLK_TCK")


def written_bytes(pid: int) -> int:
    """As pidstat(1) counts it."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise AssertionError("the kernel counts no I/O")


async def agrees(agent: Agent, session: str, figure: str, counter: Any, tolerance: float) -> None:
    """Until the host's figure for a second or so agrees with a counter that is read
    right before and after."""

    async def compared() -> Any:
        before, began = counter(), time.monotonic()
        await metrics(agent, session)  # the look that the period begins with
        while time.monotonic() - began < 1.5:
            await agent.do("session_read", sessionId=session, view="screen")
        measured = (await metrics(agent, session, interval=1_400))[figure]
        own = (counter() - before) / (time.monotonic() - began)
        return own > 0 and abs(measured - own) / own < tolerance

    await until(f"{figure} is what the system says", compared, deadline=60)


async def test_a_processor_burner_is_measured_as_the_system_does(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session, pid = await start(agent, configured, "burner", BURN)
        await agrees(agent, session, "cpu", lambda: cpu_seconds(pid) * 100, 0.1)


async def test_a_disk_writer_is_measured_as_the_system_does(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session, pid = await start(agent, configured, "writer", WRITE)
        await agrees(agent, session, "diskWritten", lambda: written_bytes(pid), 0.1)


async def test_a_memory_eater_is_measured_as_ps_does(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session, pid = await start(agent, configured, "eater", EAT)

        async def agrees_with_ps() -> bool:
            said = subprocess.run(
                ["ps", "-o", "rss=", "--sid", str(os.getsid(pid))], capture_output=True, text=True, check=True
            )
            own = sum(int(line) for line in said.stdout.split()) / 1024
            measured = (await metrics(agent, session))["memory"]
            return own > 200 and abs(measured - own) / own < 0.1

        await until("memory is what ps says", agrees_with_ps)


async def test_short_lived_children_count(configured: World) -> None:
    """A build's compilers live for less than the time between two looks."""
    async with agent_on_stdio(configured) as agent:
        session = await agent.open_session(name="build")
        shell = int((await agent.run("echo $$", sessionId=session))["output"])
        burst = "(for ((i = 0; i < 3000; i++)); do :; done)"
        await agent.type(session, f"while true; do {burst}; done", enter=True)
        # Of children that have ended the system tells what they used in all.
        await agrees(agent, session, "cpu", lambda: cpu_seconds(shell, and_children=True) * 100, 0.25)


async def test_the_documents_shapes(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = (await agent.run("sleep 0.3; echo done"))["sessionId"]
        report = await agent.do("performance_monitor")
        assert set(report["overall"]) >= {"cpu", "memory", "activeSessions"}
        assert report["overall"]["activeSessions"] == 1
        (only,) = report["sessions"]
        assert only["sessionId"] == session
        assert set(only["metrics"]) >= {"cpu", "memory", "responseTime"}
        assert 300 <= only["metrics"]["responseTime"] < 10_000, "what it took until the command printed"

        chosen = await metrics(agent, session, metrics=["memory"])
        assert chosen["memory"] > 0 and "diskRead" not in chosen and "networkSent" not in chosen
        network = await agent.do("performance_monitor", metrics=["network"])
        assert "network" in network["note"], "what is known and what not is said"

        for tool, arguments, code in [
            ("performance_monitor", {"sessionId": "nobody12"}, "SESSION_NOT_FOUND"),
            ("performance_monitor", {"metrics": ["luck"]}, "INVALID_PARAMETERS"),
            ("performance_history", {"duration": "yesterday"}, "INVALID_PARAMETERS"),
            ("performance_history", {"duration": "1h", "sessionId": "nobody12"}, "SESSION_NOT_FOUND"),
            ("health_history", {"duration": "0h"}, "INVALID_PARAMETERS"),
        ]:
            assert (await agent.call(tool, **arguments)).code == code


async def test_the_past_outlives_the_host(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session, _ = await start(agent, configured, "burner", BURN)

        async def sampled() -> bool:
            history = await agent.do("performance_history", duration="30m", resolution="5s")
            return history["summary"]["maxCpu"] > 20 and history["summary"]["samples"] >= 4

        await until("some samples are kept", sampled)
    async with agent_on_stdio(configured) as agent:
        history = await agent.do("performance_history", duration="1h", sessionId=session, detailed=True)
        assert history["dataPoints"], "a session that is gone has a past"
        point = history["dataPoints"][-1]
        assert set(point) >= {"timestamp", "cpu", "memory", "sessions", "maxCpu", "responseTime"}
        assert set(history["summary"]) >= {"avgCpu", "maxCpu", "avgMemory", "maxMemory"}
        assert history["summary"]["maxCpu"] > 20
        for duration in ["24h", "7d", "30d"]:
            whole = await agent.do("performance_history", duration=duration)
            assert whole["summary"]["samples"] >= 4


async def test_nothing_is_sampled_without_sessions(configured: World) -> None:
    host = configured.serve()
    async with agent_on_http(host) as agent:
        session = (await agent.run("true"))["sessionId"]
        metrics_file = configured.state_dir / "metrics.sqlite"

        def samples() -> int:
            with sqlite3.connect(f"file:{metrics_file}?mode=ro", uri=True) as kept:
                return kept.execute("SELECT count(*) FROM raw").fetchone()[0]

        await until("the session is sampled", lambda: samples() >= 4)
        await agent.do("session_close", sessionId=session)
        # A sample that was under way is kept; then there are no more.
        await until("the last one is kept", lambda: _still(samples))
        woken = voluntary_switches(host.process.pid)
        began = time.monotonic()
        await until("three seconds go by", lambda: time.monotonic() - began > 3)
        assert voluntary_switches(host.process.pid) - woken < 60, "an idle host sleeps"


async def test_a_silent_command_in_a_shell_that_tells_nothing_costs_nothing(world: World) -> None:
    world.shell = "/bin/dash"
    host = world.serve()
    async with agent_on_http(host) as agent:
        await agent.run("true")
        woken = voluntary_switches(host.process.pid)
        ran = await agent.run("sleep 3")
        assert not ran["timedOut"] and ran["durationMs"] >= 3_000
        assert voluntary_switches(host.process.pid) - woken < 1_000


def _still(samples: Any) -> bool:
    before, began = samples(), time.monotonic()
    while time.monotonic() - began < 1.2:
        time.sleep(0.1)
    return samples() == before


def voluntary_switches(pid: int) -> int:
    """How often the process's threads have gone to sleep."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


# Sends to itself over one connection, and says what it has sent.
SEND = """
import socket, threading, time
door = socket.create_server(("127.0.0.1", 0))
out = socket.create_connection(door.getsockname())
into, _ = door.accept()
threading.Thread(target=lambda: [None for _ in iter(lambda: into.recv(1 << 20), b"")], daemon=True).start()
sent = 0
while True:
    out.sendall(bytes(1 << 18))
    sent += 1 << 18
    time.sleep(0.02)
"""


def acknowledged_bytes(pid: int) -> int:
    """As ss(8) counts it."""
    said = subprocess.run(["ss", "-tinpH", "state", "established"], capture_output=True, text=True, check=True)
    lines = said.stdout.replace("\n\t", " ").splitlines()
    own = [line for line in lines if f"pid={pid}," in line]
    return sum(int(number) for line in own for number in re.findall(r"bytes_acked:(\d+)", line))


async def test_a_network_sender_is_measured_as_the_system_does(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session, pid = await start(agent, configured, "sender", SEND)
        await agrees(agent, session, "networkSent", lambda: acknowledged_bytes(pid), 0.1)
        measured = await metrics(agent, session, interval=1_400, metrics=["network"])
        assert measured["networkReceived"] > 0, "both ends are in this session"
        assert "diskWritten" not in measured
        quiet = await agent.open_session()
        assert (await metrics(agent, quiet))["networkSent"] == 0
