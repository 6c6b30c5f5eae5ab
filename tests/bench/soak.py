"""Everything at once for minutes: 100 sessions, 16 clients, policies that are swapped, a
backend that is killed, a browser open. What is held is memory and descriptors, which must
not grow after the first minute, and that no error comes which nobody has caused."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

from host import POLICIES, Host, Machine, binary

SESSIONS = 100
ON_TMUX = 10
CLIENTS = 16
SWAP_EVERY = 5.0
KILL_EVERY = 30.0
LOOK_EVERY = 5.0

# What was printed is kept up to a bound, which is to be reached in the first minute.
CONFIG = """
tools = ["native", "enhanced"]
[sessions]
transcript_bytes = 65536
scrollback_lines = 200
max = 200
tmux_socket = "{name}"
[gate]
mode = "warn"
[streams]
listen = ""
"""

CAUSED = {"SESSION_ENDED", "SESSION_NOT_FOUND", "SESSION_BUSY"}
"""What a client is told whose backend was killed, or who meets another in a session."""

MORE_MEMORY = 0.15
"""As much more than after the first minute is no growth."""
MORE_DESCRIPTORS = 25


class Soak:
    """One run: the host, whoever works with it, and what was seen."""

    def __init__(self, machine: Machine, minutes: float) -> None:
        self.machine = machine
        self.name = f"quarterdeck-soak-{os.getpid()}"
        config = machine.root / "config" / "quarterdeck"
        machine.plugins.mkdir(parents=True)
        (config / "config.toml").write_text(CONFIG.format(name=self.name))
        self.port = free_port()
        self.log = machine.root / "serve.log"
        with self.log.open("wb") as log:
            self.host = subprocess.Popen(
                [binary(), "serve", "--listen", f"127.0.0.1:{self.port}"],
                env=machine.env, cwd=machine.home, stdout=log, stderr=log,
            )  # fmt: skip
        self.ends = time.monotonic() + 60 * minutes
        self.over = threading.Event()
        self.calls: Counter[str] = Counter()
        self.uncaused: list[str] = []
        self.looks: list[tuple[float, int, int]] = []

    def client(self) -> Host:
        host = Host(self.machine)
        host.handshake()
        return host

    def sessions(self) -> list[str]:
        first = self.client()
        opened = []
        for number in range(SESSIONS):
            backend = "tmux" if number < ON_TMUX else "pty"
            opened.append(first.call("session_create", name=f"soak-{number}", backend=backend)["sessionId"])
        first.close()
        return opened

    def work(self, sessions: list[str], seed: int) -> None:
        """One client: runs, types, reads, looks, hands in tasks."""
        dice = random.Random(seed)
        host = self.client()
        while not self.over.is_set():
            session = dice.choice(sessions)
            tool, given = dice.choice(
                [
                    ("session_run", {"command": "echo a line and another; seq 20", "sessionId": session}),
                    ("session_run", {"command": "cd /tmp && ls | head -3", "sessionId": session}),
                    ("session_read", {"sessionId": session, "view": "screen"}),
                    ("session_read", {"sessionId": session}),
                    ("session_type", {"sessionId": session, "input": "echo typed", "enter": True}),
                    ("session_list", {}),
                    ("performance_monitor", {}),
                    ("progress_aggregate", {}),
                    ("health_check", {"detailed": True}),
                    ("safety_approve", {"command": "git status", "sessionId": session}),
                    ("task_distribute", {"tasks": [task(dice)], "sessionIds": [session]}),
                ]
            )
            self.calls[tool] += 1
            code = error_of(host, tool, given)
            if code and code not in CAUSED:
                self.uncaused.append(f"{tool}: {code}")
        host.close()

    def swap(self) -> None:
        """Puts an approver there, changes it, takes it away."""
        component = POLICIES / "approver-git-push.wasm"
        target = self.machine.plugins / "soaked.wasm"
        number = 0
        while not self.over.wait(SWAP_EVERY):
            number += 1
            if number % 3 == 0:
                target.unlink(missing_ok=True)
                continue
            beside = self.machine.plugins / ".soaked.new"
            # A section of its own makes it another component.
            label = f"soak {number}".encode()
            section = bytes([5]) + b"label" + label
            beside.write_bytes(component.read_bytes() + b"\0" + bytes([len(section)]) + section)
            beside.rename(target)

    def kill(self, sessions: list[str]) -> None:
        """Ends the tmux server, and opens its sessions again."""
        host = self.client()
        while not self.over.wait(KILL_EVERY):
            subprocess.run(["tmux", "-L", self.name, "kill-server"], env=self.machine.env, capture_output=True)
            for number in range(ON_TMUX):
                error_of(host, "session_close", {"sessionId": sessions[number]})
                opened = host.call("session_create", name=f"soak-{number}", backend="tmux")
                sessions[number] = opened["sessionId"]
        host.close()

    def look(self, began: float) -> None:
        while not self.over.wait(LOOK_EVERY):
            status = Path(f"/proc/{self.host.pid}/status").read_text()
            anonymous = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
            descriptors = len(os.listdir(f"/proc/{self.host.pid}/fd"))
            self.looks.append((time.monotonic() - began, int(anonymous.split()[1]) // 1024, descriptors))
            print("  {:5.0f} s  {:5d} MiB  {:4d} descriptors".format(*self.looks[-1]), flush=True)

    def browse(self) -> None:
        """A dashboard that is open all the time."""
        from playwright.sync_api import sync_playwright

        token = (self.machine.root / "state" / "quarterdeck" / "token").read_text().strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page()
            page.on("pageerror", lambda error: self.uncaused.append(f"browser: {error}"))
            page.goto(f"http://127.0.0.1:{self.port}/")
            page.fill("input[type=password]", token)
            page.keyboard.press("Enter")
            while not self.over.wait(1):
                page.wait_for_timeout(10)
            browser.close()


def task(dice: random.Random) -> dict:
    return {"id": f"soak{dice.getrandbits(64)}", "type": "command", "payload": "true", "priority": "medium"}


def error_of(host: Host, tool: str, given: dict) -> str | None:
    """The code of the error that a call comes to."""
    message = host.answer("tools/call", {"name": tool, "arguments": given})
    if "error" in message:
        return str(message["error"])
    result = message["result"]
    if not result.get("isError"):
        return None
    return (result.get("structuredContent") or {}).get("error", {}).get("code") or str(result)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def soak(minutes: float) -> int:
    """Soaks the host, prints what was seen, and returns the exit status."""
    with Machine() as machine:
        run = Soak(machine, minutes)
        try:
            while b"MCP over HTTP" not in run.log.read_bytes():
                if run.host.poll() is not None:
                    raise SystemExit(run.log.read_text())
                time.sleep(0.05)
            sessions = run.sessions()
            began = time.monotonic()
            run.ends = began + 60 * minutes
            workers = [threading.Thread(target=run.work, args=(sessions, seed)) for seed in range(CLIENTS)]
            workers += [
                threading.Thread(target=run.swap),
                threading.Thread(target=run.kill, args=(sessions,)),
                threading.Thread(target=run.look, args=(began,)),
                threading.Thread(target=run.browse),
            ]
            for worker in workers:
                worker.start()
            time.sleep(max(0.0, run.ends - time.monotonic()))
            run.over.set()
            for worker in workers:
                worker.join(timeout=60)
            return verdict(run)
        finally:
            run.over.set()
            run.host.terminate()
            run.host.wait(timeout=30)
            subprocess.run(["tmux", "-L", run.name, "kill-server"], env=machine.env, capture_output=True)


def verdict(run: Soak) -> int:
    """Holds the end against the end of the first minute."""
    complaints = [line for line in run.log.read_text(errors="replace").splitlines() if " ERROR " in line]
    settled = [look for look in run.looks if 50 <= look[0] <= 90] or run.looks[:1]
    late = run.looks[-6:]
    memory, descriptors = max(look[1] for look in settled), max(look[2] for look in settled)
    grown = [
        max(look[1] for look in late) > memory * (1 + MORE_MEMORY) + 10,
        max(look[2] for look in late) > descriptors + MORE_DESCRIPTORS,
    ]
    print(f"  {sum(run.calls.values())} calls: {dict(run.calls)}")
    print(f"  memory: {memory} MiB after a minute, {max(look[1] for look in late)} MiB at the end")
    print(f"  descriptors: {descriptors} after a minute, {max(look[2] for look in late)} at the end")
    print(f"  errors that nobody caused: {Counter(run.uncaused).most_common(10)}")
    print(f"  complaints in the log: {complaints[:10]}")
    failed = any(grown) or bool(run.uncaused) or bool(complaints)
    print("  FAILED" if failed else "  level, and quiet")
    return int(failed)
