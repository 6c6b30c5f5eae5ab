"""Somebody who writes policies, and does what is printed, word for word."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from world import World

FROM_OUTSIDE = ("CARGO_TARGET_DIR", "CARGO", "RUSTC", "RUSTC_BOOTSTRAP", "POLICY_CARGO_FLAGS", "WASI_CC")
"""Where the tools of this machine are, and what was built with them before."""

PACKAGES = {"js": "node_modules", "python": ".venv"}
"""Where a project keeps the packages that it asks for."""


@dataclass
class Author:
    """Projects side by side. The first in a language installs its packages, as it is
    told to; the others use them too, because four times the same proves nothing."""

    binary: Path
    desk: Path
    installed: dict[str, Path] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        """Compiled policies of all worlds."""
        path = self.desk / "cache"
        path.mkdir(exist_ok=True)
        return path

    def env(self, world: World) -> dict[str, str]:
        """A world's environment, with the author's tools in it."""
        tools = self.desk / "bin"
        if not tools.exists():
            tools.mkdir()
            (tools / "quarterdeck").symlink_to(self.binary)
        carried = {
            key: value
            for key, value in os.environ.items()
            if key in FROM_OUTSIDE or key.startswith(("PIP_", "npm_config_", "CARGO_TARGET_WASM32"))
        }
        return {**world.env, **carried, "PATH": f"{tools}:{world.env['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}

    def does(self, world: World, command: str, folder: Path) -> str:
        """Runs a command line as it stands, which has to succeed; gives what it printed."""
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env=self.env(world),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"`{command}` failed in {folder}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def makes(self, world: World, name: str, language: str, kind: str, folder: Path) -> list[str]:
        """Makes a project in an empty folder; gives the steps that this prints."""
        folder.mkdir()
        printed = self.does(world, f"quarterdeck plugin new {name} --lang {language} --kind {kind}", folder)
        steps = [line.strip() for line in printed.splitlines() if line.startswith("    ")]
        assert steps[0] == f"cd {name}" and steps[-1].startswith("quarterdeck plugin add"), printed
        return steps

    def follows(self, world: World, steps: list[str], folder: Path, language: str) -> str:
        """Does one printed step after the other; gives what they printed."""
        folder = folder / steps[0].removeprefix("cd ")
        printed = ""
        for step in steps[1:]:
            command, _, remark = (part.strip() for part in step.partition("  #"))
            if not remark.startswith("once"):
                printed += self.does(world, command, folder)
            elif language in self.installed:
                self.borrow(language, folder)
            elif not command.startswith(("sudo ", "rustup ")):  # `tests/sdk/run prepare` has done those
                self.does(world, command, folder)
        if language in PACKAGES:
            self.installed.setdefault(language, folder)
        return printed

    def installs(self, world: World, language: str, folder: Path) -> None:
        """Has the packages that a project asks for in its folder."""
        if language not in PACKAGES:
            return
        if language not in self.installed:
            first = self.desk / f"{language}-packages"
            steps = self.makes(world, "first", language, "approver", first)
            once = [step for step in steps[1:] if step.endswith("# once")]
            self.follows(world, [steps[0], *once], first, language)
        self.borrow(language, folder)

    def borrow(self, language: str, folder: Path) -> None:
        """Uses the packages of the first project."""
        packages = folder / PACKAGES[language]
        if not packages.exists():
            packages.symlink_to(self.installed[language] / PACKAGES[language])
