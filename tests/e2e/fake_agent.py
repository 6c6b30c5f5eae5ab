"""The fake agent program in a world, under the names of the agents that it stands in for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent import Agent
from approvers import place
from waiting import until
from world import World

ALLOWED = """\
[config]
allow = ["claude *", "codex *"]
[config.typed]
claude = "safe"
codex = "safe"
"""
"""A person's yes to agents being started here, and to prompts being typed into them."""


def agents_may_be_driven(world: World) -> None:
    """Puts the fake agent on the search path as `claude` and `codex`, with a person's
    leave to start them and to prompt them."""
    program = world.binary.parent / "fake-agent"
    assert program.exists(), f"{program} is missing: build it with `tests/run build`"
    for name in ("claude", "codex"):
        (world.decoys / name).symlink_to(program)
    world.plugins_dir.mkdir(parents=True, exist_ok=True)
    place(world.plugins_dir / "safety-tiers.toml", ALLOWED.encode())


@dataclass
class FakeAgent:
    """A fake agent that runs in a session."""

    client: Agent
    session: str
    log: Path

    async def prompt(self, text: str, **arguments: Any) -> dict[str, Any]:
        """Hands it a prompt; the receipt."""
        return await self.client.do("agent_prompt", session=self.session, prompt=text, **arguments)

    async def state(self) -> dict[str, Any]:
        """What the host believes that it does."""
        return (await self.client.do("agent_states", sessions=[self.session]))["agents"][0]

    async def becomes(self, activity: str, deadline: float = 30) -> dict[str, Any]:
        """Waits until the host believes that it does this."""

        async def does() -> dict[str, Any] | None:
            state = await self.state()
            return state if state["activity"] == activity else None

        return await until(f"the agent is {activity}", does, deadline)

    @property
    def told(self) -> list[dict[str, Any]]:
        """What it was told, in order."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    @property
    def prompts(self) -> list[str]:
        """The prompts that were submitted, in order."""
        return [line["prompt"] for line in self.told if "prompt" in line]


async def start_agent(client: Agent, world: World, name: str = "claude", flags: str = "", **session: Any) -> FakeAgent:
    """Opens a session and starts a fake agent there; it may be starting still."""
    log = world.root / f"told-{len(list(world.root.glob('told-*')))}.jsonl"
    log.touch()
    opened = await client.open_session(command=f"{name} --log {log} {flags}", **session)
    return FakeAgent(client, opened, log)
