"""One user's machine in miniature: a home, the XDG directories, a search path with
harmless stand-ins for dangerous programs, and everything that was started in it.

Every test gets a world of its own. Whatever is started in a world inherits the
variable `TEST_WORLD_OF_QUARTERDECK`, so that closing the world finds (and ends) exactly
what the test started, however deep below the host it was born.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from waiting import until_blocking

STAND_IN = """#!/bin/sh
# Stands in for a dangerous program: writes down that it ran, and does no harm.
printf '%s\\n' "$*" >> '{record}'
echo "{name} ran: $*"
{then}
"""

# The stand-in for rm really removes, but only below the world it stands in: so a
# refusal that does not refuse is seen, and costs nobody a file.
REMOVE_BELOW = """
for argument in "$@"; do
  case "$argument" in
    -*) ;;
    *) case "$(realpath -m -- "$argument")" in
         '{root}'/*) /bin/rm -rf -- "$argument" ;;
       esac ;;
  esac
done
"""


@dataclass
class World:
    """The directories and processes of one test."""

    root: Path
    binary: Path
    shell: str = "/bin/bash"
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    extra_env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for directory in (self.home, self.decoys, self.records, self.config_dir, self.runtime):
            directory.mkdir(parents=True)
        self.runtime.chmod(0o700)
        for rc in (".bashrc", ".zshrc"):
            (self.home / rc).touch()
        self.victim.write_text("three years of work\n")
        self.stand_in("rm", then=REMOVE_BELOW.format(root=self.root))

    # Where things are.

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def victim(self) -> Path:
        """The file that `rm -rf ~` would delete."""
        return self.home / "thesis.txt"

    @property
    def decoys(self) -> Path:
        return self.root / "decoys"

    @property
    def records(self) -> Path:
        return self.root / "ran"

    @property
    def config_dir(self) -> Path:
        return self.root / "config" / "quarterdeck"

    @property
    def plugins_dir(self) -> Path:
        return self.config_dir / "plugins"

    @property
    def state_dir(self) -> Path:
        return self.root / "state" / "quarterdeck"

    @property
    def audit_log(self) -> Path:
        return self.state_dir / "audit.sqlite"

    @property
    def token_file(self) -> Path:
        return self.state_dir / "token"

    @property
    def runtime(self) -> Path:
        return self.root / "runtime"

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of this world; nothing of the developer's own but the
        search path and where Rust lives (its home follows HOME otherwise)."""
        real_home = Path(os.environ.get("HOME") or "/root")
        return {
            "PATH": f"{self.decoys}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "SHELL": self.shell,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "USER": os.environ.get("USER", "tester"),
            "LOGNAME": os.environ.get("LOGNAME", "tester"),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real_home / ".rustup")),
            "CARGO_HOME": os.environ.get("CARGO_HOME", str(real_home / ".cargo")),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_DATA_HOME": str(self.root / "data"),
            "XDG_RUNTIME_DIR": str(self.runtime),
            # Where clients of claude-mpm look: there is only one such port.
            "QUARTERDECK_STREAMS_LISTEN": "",
            **self.without_limits,
            "TEST_WORLD_OF_QUARTERDECK": self.mark,
            **self.extra_env,
        }

    @property
    def without_limits(self) -> dict[str, str]:
        """No limits of rate, unless the configuration says which: a test that waits for
        something asks more often than an agent should."""
        file = self.config_dir / "config.toml"
        limited = file.exists() and "[rate_limits]" in file.read_text()
        return {} if limited else {"QUARTERDECK_RATE_LIMITS_APPLY_TO": ""}

    # Preparing it.

    def configure(self, text: str) -> None:
        """Writes the configuration file."""
        (self.config_dir / "config.toml").write_text(text)

    def stand_in(self, name: str, then: str = "") -> None:
        """Puts a harmless program of this name first in the search path."""
        script = self.decoys / name
        script.write_text(STAND_IN.format(name=name, record=self.records / name, then=then))
        script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def ran(self, name: str) -> list[str]:
        """The arguments of each run of a stand-in, in order."""
        record = self.records / name
        return record.read_text().splitlines() if record.exists() else []

    # Running things in it.

    def quarterdeck(
        self, *arguments: str, timeout: float = 60, env: dict[str, str] | None = None, input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs the command line to its end, as from a pipe."""
        return subprocess.run(
            [str(self.binary), *arguments],
            env={**self.env, **(env or {})},
            cwd=self.home,
            stdin=subprocess.DEVNULL if input is None else None,
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str, env: dict[str, str] | None = None, **options: object) -> subprocess.Popen[bytes]:
        """Starts the binary and keeps it until the world closes."""
        process = subprocess.Popen(
            [str(self.binary), *arguments],
            env={**self.env, **(env or {})},
            **{"cwd": self.home, "stdin": subprocess.DEVNULL, "start_new_session": True, **options},
        )
        self.started.append(process)
        return process

    def serve(self, *arguments: str, port: int | None = None, cwd: Path | None = None) -> ServingHost:
        """Starts `quarterdeck serve` and waits until it takes connections."""
        port = port or free_port()
        log = self.root / f"serve-{port}.log"
        with log.open("wb") as stream:
            listen = ("serve", "--listen", f"127.0.0.1:{port}")
            process = self.start(*listen, *arguments, cwd=cwd or self.home, stdout=stream, stderr=stream)

        def answers() -> bool:
            assert process.poll() is None, f"serve ended with {process.returncode}:\n{log.read_text()}"
            return accepts_connections(port) and self.token_file.exists()

        until_blocking("quarterdeck serve takes connections", answers)
        return ServingHost(world=self, process=process, port=port, log=log)

    # What is left of it.

    def processes(self) -> list[int]:
        """Every living process that was started in this world, zombies excluded."""
        wanted = f"TEST_WORLD_OF_QUARTERDECK={self.mark}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # ended meanwhile, or a zombie, which has no environment
        return found

    def hosts(self) -> list[int]:
        """The processes among them that run the binary."""
        return [pid for pid in self.processes() if program_of(pid) == self.binary.resolve()]

    def close(self) -> None:
        """Ends everything that was started in this world."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass
class ServingHost:
    """A running `quarterdeck serve`."""

    world: World
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def token(self) -> str:
        return self.world.token_file.read_text().strip()

    @property
    def banner(self) -> str:
        """Everything it has printed so far."""
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """Asks it to end, as a service manager would, and returns its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=20)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on this port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def program_of(pid: int) -> Path | None:
    """The executable of a process, while it lives."""
    try:
        return Path(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


def name_of(pid: int) -> str:
    """What a process is called, while it lives."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no resident memory: is it a zombie?")


def children(pid: int) -> list[int]:
    """The direct children of a process, zombies included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def states_of_threads(pid: int) -> set[str]:
    """The letters that proc(5) has for what each thread of a process does."""
    states = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            states.add((thread / "stat").read_text().rpartition(")")[2].split()[0])
    return states


def is_zombie(pid: int) -> bool:
    """Whether a process has ended without being waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
