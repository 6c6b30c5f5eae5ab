"""Records what real programs write to a terminal of 80 columns and 24 rows.

    unshare --pid --fork --mount-proc --uts sh -c 'hostname recorder && python3 record.py'

writes programs/*.raw anew, with nothing of the machine in them but its size.
Each program is left running when its recording ends, so that its screen is the last
thing recorded. Questions about the cursor are left out: the test asks one itself.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

QUIET = 0.7
"""Seconds without output after which a program is taken to wait for a key."""

TEXT = "".join(
    f"{number:4} The quick brown fox jumps over the lazy dog. {'=' * (number % 30)}\n" for number in range(1, 200)
)

CODE = """def greet(name: str) -> str:
\tif name == "world":  # a tab above
\t\treturn "Grüße, 世界 🌍"
\treturn f"hello {name}"
"""

PROGRAMS: dict[str, tuple[list[str], list[bytes]]] = {
    "vim-open": (["vim", "-u", "NONE", "-N", "text"], []),
    "vim-syntax": (["vim", "-u", "NONE", "-N", "-c", "syntax on", "-c", "set number list", "code.py"], []),
    "vim-edit": (["vim", "-u", "NONE", "-N", "text"], [b"5GdwAadded\x1b", b"10Gdd", b"ggOfirst line\x1b", b"3J"]),
    "vim-split": (["vim", "-u", "NONE", "-N", "text"], [b":vsplit code.py\r", b":split\r", b"\x17\x17G"]),
    "vim-search": (["vim", "-u", "NONE", "-N", "-c", "set hlsearch", "text"], [b"/fox\r", b"nnn", b"50Gzt"]),
    "vim-scroll": (["vim", "-u", "NONE", "-N", "text"], [b"\x06", b"\x06", b"\x05\x05\x05", b"\x15"]),
    "vim-unicode": (["vim", "-u", "NONE", "-N", "code.py"], ["GoΩ 日本語 e\u0301 😀\x1b".encode(), b"kJ"]),
    "vim-help": (["vim", "-u", "NONE", "-N", "-c", "help | only"], [b"\x04"]),
    "vim-left": (["sh", "-c", "echo before; vim -u NONE -N text; echo after; exec cat"], [b":q\r"]),
    "less-open": (["less", "text"], []),
    "less-down": (["less", "text"], [b" ", b"jjj", b"u"]),
    "less-search": (["less", "text"], [b"/150\r", b"k"]),
    "less-numbers": (["less", "-N", "-S", "text"], [b" ", b"\x1b[C"]),
    "less-end-and-left": (["sh", "-c", "echo before; less text; echo after; exec cat"], [b"G", b"q"]),
    "less-unicode": (["less", "code.py"], []),
    "top": (["top", "-d", "100"], []),
    "top-sorted-bold": (["top", "-d", "100"], [b"zxb"]),
    "man": (["man", "-P", "less -s", "ls"], [b" "]),
    "tmux-inside": (["tmux", "-L", "corpus", "-f", "/dev/null", "new-session", "sh"], [b"ls\r"]),
    "tmux-inside-split": (
        ["tmux", "-L", "corpus", "-f", "/dev/null", "new-session", "sh"],
        [b"\x02%", b"seq 50\r", b'\x02"', b"echo here\r"],
    ),
    "bash-editing": (
        ["bash", "--norc", "--noprofile"],
        [
            b"echo one two three",
            b"\x01\x1b[C\x1b[C\x0b",
            b"\x19\x19",
            b"\x15echo a line that is longer than the screen is wide, so that it goes on in the next row",
            b"\x01\x04\x04x",
        ],
    ),
    "bash-completion-list": (["bash", "--norc", "--noprofile"], [b"ls /usr/\t\t"]),
    "fish": (["fish", "--no-config", "--private"], [b"echo hel", b"\x1b[D\x1b[Dx\r"]),
    "zsh": (["zsh", "-f"], [b"PS1='%B%~%b %# '; RPS1='right'\r", b"echo one two"]),
    "git-log-graph": (["sh", "-c", "git -c color.ui=always log --graph --oneline --all | head -20; exec cat"], []),
    "python-prompt": (["python3", "-q"], [b"for i in range(3): print(i)\r\r", b"help('len')\r", b"q"]),
    "seq-fast": (["sh", "-c", "seq 5000; exec cat"], []),
}


def prepare(folder: Path) -> None:
    (folder / "text").write_text(TEXT)
    (folder / "code.py").write_text(CODE)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    when = {**os.environ, "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
    subprocess.run([*git, "init", "-q", "-b", "main"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], cwd=folder, env=when, check=True)
    for branch in ("side", "main", "other"):
        subprocess.run([*git, "checkout", "-q", "-B", branch, "main"], cwd=folder, check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", f"On {branch}"], cwd=folder, env=when, check=True)


def record(command: list[str], keys: list[bytes], folder: Path) -> bytes:
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "LESS": "",
            "PS1": "$ ",
        }
        os.execvpe(command[0], command, environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    recorded = bytearray()

    def until_quiet() -> None:
        while select.select([terminal], [], [], QUIET)[0]:
            try:
                recorded.extend(os.read(terminal, 65536))
            except OSError:
                return

    until_quiet()
    for press in keys:
        os.write(terminal, press)
        until_quiet()
    os.kill(process, signal.SIGKILL)
    os.close(terminal)
    os.waitpid(process, 0)
    return bytes(recorded).replace(b"\x1b[6n", b"")


def main() -> None:
    programs = Path(__file__).parent / "programs"
    programs.mkdir(exist_ok=True)
    chosen = sys.argv[1:] or list(PROGRAMS)
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder))
            began = time.monotonic()
            recording = record(*PROGRAMS[name], Path(folder))
            (programs / f"{name}.raw").write_bytes(recording)
            print(f"{name}: {len(recording)} bytes in {time.monotonic() - began:.1f} s")
    subprocess.run(["tmux", "-L", "corpus", "kill-server"], check=False, capture_output=True)


if __name__ == "__main__":
    main()
