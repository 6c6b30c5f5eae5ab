"""A nats-server of a test's own, with JetStream on disk, and machines that take tasks."""

from __future__ import annotations

import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from waiting import until_blocking
from world import World, accepts_connections, free_port


@dataclass
class NatsServer:
    """A server that can be stopped and started again where it was."""

    world: World
    port: int = field(default_factory=free_port)
    configuration: str = ""
    scheme: str = "nats"
    keeps: bool = True
    monitor: int | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        return self.world.root / f"nats-{self.port}"

    def start(self) -> NatsServer:
        """Starts it and waits until it takes connections."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "server.conf"
        kept = f'jetstream {{ store_dir: "{self.folder}/store" }}\n' if self.keeps else ""
        seen = f'http: "127.0.0.1:{self.monitor}"\n' if self.monitor else ""
        file.write_text(f'listen: "127.0.0.1:{self.port}"\n{kept}{seen}{self.configuration}')
        program = shutil.which("nats-server", path="/usr/sbin:/usr/local/bin:/usr/bin")
        assert program, "nats-server is missing: `tests/run prepare` installs it"
        with (self.world.root / f"serve-nats-{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen([program, "-c", str(file)], stdout=log, stderr=log, env=self.world.env)
        self.world.started.append(self.process)
        until_blocking("nats-server takes connections", lambda: accepts_connections(self.port))
        return self

    def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def lose_everything(self) -> None:
        """Ends it, and has it come back with an empty disk."""
        self.kill()
        shutil.rmtree(self.folder)
        self.start()


@dataclass
class Machine:
    """A running `quarterdeck worker`, on a machine in miniature of its own."""

    world: World
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        """Everything it has printed so far."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def start_machine(world: World, name: str, *flags: str) -> Machine:
    """Starts a worker and waits until it takes tasks."""
    log = world.root / f"serve-worker-{name}.log"
    with log.open("ab") as stream:
        process = world.start("worker", "--name", name, *flags, stdout=stream, stderr=stream)
    machine = Machine(world, process, log)

    def takes_tasks() -> bool:
        assert process.poll() is None, f"the worker ended with {process.returncode}:\n{machine.said}"
        return "takes tasks" in machine.said

    until_blocking(f"the worker {name} takes tasks", takes_tasks)
    return machine
