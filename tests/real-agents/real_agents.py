"""Real coding agents: where they are, how they are told of the model, and how their first
questions are answered."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent import Agent
from approvers import place
from fake_model import FakeModel
from waiting import until
from world import World

KEY = "sk-fake-0123456789abcdefghij"


@dataclass(frozen=True)
class RealAgent:
    """A program, and what it has to find."""

    program: str
    """Its name, as rules for screens know it."""
    installed_as: str
    """Its name for `quarterdeck install`."""
    files: Callable[[str, Path], dict[str, Any]]
    """Files in its home, from the model's address and the project."""
    env: Callable[[str], dict[str, str]] = lambda _: {}
    """Variables, from the model's address."""
    flags: str = ""
    first: tuple[str, ...] = ()
    """The options that answer what it asks at its first start, below those that it offers."""
    asks: bool = True
    """Whether it puts the hook's question to its person."""


def claude_files(_: str, __: Path) -> dict[str, Any]:
    approved = {"approved": [KEY[-20:]], "rejected": []}
    return {".claude.json": {"hasCompletedOnboarding": True, "theme": "dark", "customApiKeyResponses": approved}}


def codex_files(url: str, project: Path) -> dict[str, Any]:
    return {
        ".codex/config.toml": f"""model = "gpt-5"
model_provider = "fake"
check_for_update_on_startup = false
sandbox_mode = "danger-full-access"
[model_providers.fake]
name = "Fake"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "FAKE_KEY"
[projects."{project}"]
trust_level = "trusted"
"""
    }


def gemini_files(_: str, __: Path) -> dict[str, Any]:
    security = {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}}
    return {".gemini/settings.json": {"security": security, "general": {"disableAutoUpdate": True}}}


def copilot_files(_: str, project: Path) -> dict[str, Any]:
    return {".copilot/config.json": {"trusted_folders": [str(project)]}}


AGENTS = {
    "claude": RealAgent(
        "claude",
        "claude-code",
        claude_files,
        lambda url: {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "ENABLE_TOOL_SEARCH": "false",
        },
        flags="--permission-mode default --allowedTools mcp__quarterdeck",
        first=("Yes, I trust this folder",),
    ),
    "codex": RealAgent(
        "codex",
        "codex",
        codex_files,
        lambda _: {"FAKE_KEY": KEY},
        first=("Trust all and continue",),
        asks=False,
    ),
    "copilot": RealAgent(
        "copilot",
        "copilot",
        copilot_files,
        lambda url: {
            "COPILOT_OFFLINE": "true",
            "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
            "COPILOT_PROVIDER_API_KEY": KEY,
            "COPILOT_MODEL": "gpt-5",
            "COPILOT_AUTO_UPDATE": "false",
        },
        flags="--allow-tool quarterdeck",
    ),
    "gemini": RealAgent(
        "gemini",
        "gemini",
        gemini_files,
        lambda url: {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url},
        flags="-m gemini-2.5-pro --allowed-mcp-server-names quarterdeck --allowed-tools run_shell_command",
        asks=False,
    ),
}


@dataclass
class Scene:
    """One agent in its world."""

    agent: RealAgent
    world: World
    model: FakeModel
    session: str = ""
    client: Agent | None = field(default=None)

    @classmethod
    def of(cls, agent: RealAgent, world: World, model: FakeModel) -> Scene:
        """Sets its files and the search path up, and installs Quarterdeck."""
        scene = cls(agent, world, model)
        subprocess.run(["git", "init", "--quiet", str(scene.project)], check=True)
        world.extra_env.update(agent.env(model.url))
        for name, content in agent.files(model.url, scene.project).items():
            path = world.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        programs = Path(os.environ["REAL_AGENTS"]) / agent.program / "node_modules/.bin"
        (world.decoys / agent.program).symlink_to(programs / agent.program)
        world.plugins_dir.mkdir(parents=True)
        allowed = (
            f'[config]\nallow = ["{agent.program}", "{agent.program} *"]\n[config.typed]\n{agent.program} = "safe"\n'
        )
        place(world.plugins_dir / "safety-tiers.toml", allowed.encode())
        installed = world.quarterdeck("install", agent.installed_as, timeout=120)
        assert installed.returncode == 0, installed
        return scene

    @property
    def project(self) -> Path:
        return self.world.home / "project"

    async def start(self, client: Agent) -> None:
        """Starts it in a session, and answers what it asks at first."""
        self.client = client
        command = f"{self.agent.program} {self.agent.flags}".strip()
        self.session = await client.open_session(
            workingDirectory=str(self.project), command=command, rows=40, columns=120
        )
        for option in self.agent.first:
            await self.shows(re.escape(option))
            assert (await self.becomes("asking-permission"))["evidence"] == "screen"
            await self.choose(client, option)
        await self.becomes("idle")

    async def choose(self, client: Agent, option: str) -> None:
        """Answers a menu by the option below the one that it offers. Claude Code draws it a
        second time while it starts, and forgets what was chosen: it has to come to rest."""
        for key, shown in (("down", rf"[❯›] (\d+\. )?{re.escape(option)}"), ("enter", "")):
            await client.wait_for(self.session, quietMs=2_000)
            await client.type(self.session, {"key": key})
            await self.shows(shown)

    async def prompt(self, text: str) -> dict[str, Any]:
        """Hands it a prompt, which has to be submitted, in one piece."""
        receipt = await self.client.do("agent_prompt", session=self.session, prompt=text, readyMs=60_000)
        assert receipt["stage"] in ("submitted", "started"), f"{receipt}\n{await self.screen()}"
        return receipt

    async def state(self) -> dict[str, Any]:
        return (await self.client.do("agent_states", sessions=[self.session]))["agents"][0]

    async def becomes(self, activity: str, deadline: float = 90) -> dict[str, Any]:
        """Waits until the host believes that it does this."""

        async def does() -> dict[str, Any] | None:
            state = await self.state()
            return state if state["activity"] == activity else None

        state = await self.until(f"is {activity}", does, deadline)
        await self.screen(activity)
        return state

    async def shows(self, pattern: str, deadline: float = 90) -> None:
        """Waits until its screen shows this."""

        async def does() -> bool:
            return bool(re.search(pattern, await self.screen()))

        await self.until(f"shows {pattern}", does, deadline)

    async def until(self, what: str, does: Callable[[], Awaitable[Any]], deadline: float) -> Any:
        """Waits for it; a failure tells what the screen shows."""
        try:
            return await until(f"{self.agent.program} {what}", does, deadline)
        except AssertionError as late:
            late.add_note(await self.screen())
            raise

    async def screen(self, label: str | None = None) -> str:
        """What a person would see; with a label it is kept where `SCREENS` says."""
        text = await self.client.screen(self.session)
        if label and (folder := os.environ.get("SCREENS")):
            kept = Path(folder) / f"{self.agent.program}-{label}.txt"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(text)
        return text
