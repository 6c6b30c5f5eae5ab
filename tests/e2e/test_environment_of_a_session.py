"""What a session's environment is set to passes the gate, like the command that would set it."""

from __future__ import annotations

import pytest

from agent import agent_on_stdio
from approvers import drop_scripted
from test_swap_a_rule import loaded
from world import World


async def test_a_harmless_setting_reaches_the_shell(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session(env={"GREETING": "it's here; $(true)"})
        ran = await agent.run('echo "$GREETING"', sessionId=session)
        assert ran["output"].strip() == "it's here; $(true)"


async def test_programs_of_somebodys_folder_need_a_yes(world: World) -> None:
    imposter = world.home / "imposters" / "ls"
    imposter.parent.mkdir()
    imposter.write_text("#!/bin/sh\necho I am no ls\n")
    imposter.chmod(0o755)
    path = {"PATH": f"{imposter.parent}:/usr/bin:/bin"}
    async with agent_on_stdio(world) as agent:
        asked = await agent.call("session_create", env=path)
        assert asked.code == "CONFIRMATION_REQUIRED", asked
        assert f"PATH={imposter.parent}" in asked.error["details"]["command"]
        assert not (await agent.do("session_list"))["sessions"], "nothing was opened"

        approved = world.quarterdeck("approve", asked.error["details"]["confirmationId"])
        assert approved.returncode == 0, approved
        session = await agent.open_session(env=path)
        assert (await agent.run("ls", sessionId=session))["output"].strip() == "I am no ls"


async def test_start_up_files_of_anybodys_folder_need_a_yes(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        asked = await agent.call("session_create", env={"HOME": "/tmp/somebody"})
        assert asked.code == "CONFIRMATION_REQUIRED", asked


async def test_an_approver_of_ones_own_decides_about_it(world: World) -> None:
    drop_scripted(world, "no-tokens", match="API_TOKEN", tier="dangerous", reason="No tokens in shells.")
    async with agent_on_stdio(world) as agent:
        await loaded(agent, "no-tokens")
        refused = await agent.call("session_create", env={"API_TOKEN": "abc"})
        assert refused.is_error and "No tokens in shells." in refused.text


@pytest.mark.parametrize("variable", ["PROMPT_COMMAND", "LD_PRELOAD", "BASH_ENV", "QUARTERDECK_SESSION"])
async def test_what_changes_the_shell_itself_is_refused_outright(world: World, variable: str) -> None:
    async with agent_on_stdio(world) as agent:
        refused = await agent.call("session_create", env={variable: "x"})
        assert refused.code == "INVALID_PARAMETERS" and variable in refused.text
