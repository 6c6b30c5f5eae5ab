"""The server under test as a process, and the door through which faults are asked for."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUPPORT = Path("Library/Application Support/iTerm2")


def control(line: str) -> str:
    """Says a line at the control door of the server below this process's home."""
    return _say(Path(os.environ["HOME"]), line)


def _say(home: Path, line: str) -> str:
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(str(home / SUPPORT / "private" / "control"))
        door.sendall(f"{line}\n".encode())
        answer = door.makefile().readline().strip()
    assert not answer.startswith("error:"), f"{line}: {answer}"
    return answer


@dataclass
class StandIn:
    """A running server."""

    home: Path

    @staticmethod
    @contextlib.contextmanager
    def started(binary: Path, home: Path, *arguments: str) -> Iterator[StandIn]:
        """A server that ends with the block, because its standard input does."""
        command = [str(binary), "--home", str(home), *arguments]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline().strip() == "ready"
            yield StandIn(home)
            process.stdin.close()
            assert process.wait(timeout=30) == 0

    def control(self, line: str) -> str:
        """Says a line at the control door."""
        return _say(self.home, line)

    def client_environment(self) -> dict[str, str]:
        """What the official client needs to find the server and come in, once."""
        return os.environ | {"HOME": str(self.home), "ITERM2_COOKIE": self.control("cookie"), "ITERM2_KEY": "story"}
