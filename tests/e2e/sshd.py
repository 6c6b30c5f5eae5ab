"""A real sshd on this machine's loopback, with keys of its own and a user to log in as."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from waiting import until_blocking
from world import World, accepts_connections, children, free_port

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication yes
PubkeyAuthentication yes
PermitUserEnvironment no
PrintMotd no
PrintLastLog no
"""


@dataclass
class RemoteMachine:
    """The server, its user, and what is needed to log in."""

    world: World
    folder: Path
    user: str
    password: str
    port: int
    server: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        """A private key that the server knows."""
        return self.folder / "client_key"

    @property
    def target(self) -> dict[str, str | int]:
        return {"host": "127.0.0.1", "port": self.port, "username": self.user}

    def log_in_to(self, shell: str) -> None:
        """Gives the user another shell."""
        subprocess.run([*AS_ROOT, "usermod", "-s", shell, self.user], check=True)

    def make_host_key(self) -> None:
        (self.folder / "host_key").unlink(missing_ok=True)
        keygen(self.folder / "host_key")

    def start(self) -> None:
        log = self.folder / "sshd.log"
        self.server = subprocess.Popen(
            [*AS_ROOT, sshd(), "-D", "-e", "-f", str(self.folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log.open("ab"),
            env=self.world.env,
        )
        until_blocking("sshd takes connections", lambda: accepts_connections(self.port))

    def drop_connections(self) -> None:
        """Cuts off everybody who is logged in; the server goes on."""
        for connection in children(self.server.pid):
            for process in [*children(connection), connection]:
                subprocess.run([*AS_ROOT, "kill", "-KILL", str(process)], stderr=subprocess.DEVNULL, check=False)

    def stop(self) -> None:
        self.drop_connections()
        subprocess.run([*AS_ROOT, "kill", str(self.server.pid)], check=False)
        self.server.wait(timeout=10)


def sshd() -> str:
    path = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert path, "sshd is missing: `tests/run prepare` installs it"
    return path


def keygen(file: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)


@contextmanager
def remote_machine(world: World) -> Iterator[RemoteMachine]:
    """Starts the server and makes its user; both are gone afterwards."""
    # Not in the world, whose folders nobody else may enter: the server reads its
    # list of keys as the user who logs in.
    folder = Path(tempfile.mkdtemp(prefix="qd-sshd-"))
    folder.chmod(0o755)
    machine = RemoteMachine(
        world, folder, user=f"qd{secrets.token_hex(4)}", password=secrets.token_hex(12), port=free_port()
    )
    machine.make_host_key()
    keygen(machine.key)
    shutil.copy(f"{machine.key}.pub", folder / "authorized_keys")
    (folder / "sshd_config").write_text(CONFIG.format(port=machine.port, folder=folder))
    subprocess.run([*AS_ROOT, "mkdir", "-p", "/run/sshd"], check=True)
    subprocess.run([*AS_ROOT, "useradd", "-m", "-s", "/bin/bash", machine.user], check=True)
    try:
        entry = f"{machine.user}:{machine.password}".encode()
        subprocess.run([*AS_ROOT, "chpasswd"], input=entry, check=True)
        machine.start()
        yield machine
    finally:
        with contextlib.suppress(Exception):
            machine.stop()
        subprocess.run([*AS_ROOT, "userdel", "-f", "-r", machine.user], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)
