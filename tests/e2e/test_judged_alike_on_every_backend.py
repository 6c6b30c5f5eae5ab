"""What a shell's own editor makes of keys is judged as it would run, whatever carries the session."""

from __future__ import annotations

import pytest

from agent import agent_on_http
from iterm2_world import StandIn
from world import World

ENTER, ESCAPE = {"key": "enter"}, {"key": "escape"}

LINES = {
    "vi: a letter put before the rest": ["m -rf ~", ESCAPE, "0", "ir", ENTER],
    "vi: a word changed": [ESCAPE, "ddi", "echo hi", ESCAPE, "0", "cwrm -rf ~;", ENTER],
    "a line of the past, changed": [{"key": "up"}, {"key": "ctrl-a"}, "rm -rf ~ #", ENTER],
    "nested: typed": ["rm -rf ~", ENTER],
    "nested: a letter put before the rest": [{"key": "ctrl-u"}, "m -rf ~", {"key": "ctrl-a"}, "r", ENTER],
}


@pytest.mark.parametrize("backend", ["pty", "tmux", "iterm2"])
async def test_what_a_line_editor_makes_of_keys_is_judged(world: World, iterm2: StandIn, backend: str) -> None:
    async with agent_on_http(world.serve("--backend", backend)) as agent:
        session = await agent.open_session()
        await agent.run("echo harmless", sessionId=session)
        await agent.run("set -o vi", sessionId=session)
        for what, keys in LINES.items():
            if what.startswith("a line of the past"):
                await agent.type(session, {"key": "ctrl-c"})
                await agent.run("set -o emacs", sessionId=session)
            elif what == "nested: typed":
                await agent.type(session, {"key": "ctrl-c"})
                await agent.type(session, "bash --norc --noprofile", enter=True)
                await agent.wait_for(session, pattern=r"bash-[0-9.]+[#$]")
            refused = await agent.call("session_type", sessionId=session, input=keys)
            assert refused.code == "PERMISSION_DENIED", f"{what}: {refused}"
        bound = await agent.call("session_run", sessionId=session, command=r"""bind '"\C-t":"rm -rf ~\n"'""")
        assert bound.is_error, bound
        await agent.type(session, {"key": "ctrl-u"}, "echo nested-$((1+1))", ENTER)
        await agent.wait_for(session, pattern="(?m)^nested-2$")
        assert world.victim.exists() and world.ran("rm") == []
