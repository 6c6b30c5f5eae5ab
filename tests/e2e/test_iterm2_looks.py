"""What a person sees in iTerm2, and an agent of it: teams' colours, profiles, and what panes show."""

from __future__ import annotations

import json

from agent import agent_on_http
from iterm2_world import SUPPORT, StandIn
from iterm_mcp import orchestrator
from waiting import until
from world import World

# True colour, a palette's, styles, a wide, a combined and a joined character.
SHOWN = (
    r"\033[38;2;18;52;86mtrue\033[0m \033[48;2;200;100;50mbehind\033[0m \033[38;5;99mpalette\033[0m "
    r"\033[1;3;4mstyled\033[0m e\xcc\x81 \xe6\x97\xa5\xe6\x9c\xac | \xf0\x9f\x91\x8d |"
)


async def test_a_pane_that_is_there_is_pictured_like_any_other(world: World, iterm2: StandIn) -> None:
    """iTerm2 tells cells, a device bytes: both come to the same screen."""
    layers = ["text", "styles", "fgColors", "bgColors"]
    pictured = []
    async with agent_on_http(world.serve("--backend", "iterm2", "--tools", "native,screens")) as agent:
        (there,) = [one["sessionId"] for one in (await agent.do("session_list"))["sessions"]]
        sessions = [there, await agent.open_session(), await agent.open_session(backend="pty")]
        for session in sessions:
            await agent.wait_for(session, pattern=r"[$#] ?$")
            await agent.type(session, f"clear; printf '{SHOWN}\\n'", enter=True)

            async def first_row(session: str = session) -> dict | None:
                shot = await agent.do("session_screenshot", sessionId=session, layers=layers)
                if not shot["text"] or not shot["text"][0].startswith("true behind"):
                    return None
                colors = {}
                for layer in ("fgColors", "bgColors"):
                    row = shot[layer][0]
                    colors[layer] = [shot["colorPalette"].get(cell) for cell in row[:60]]
                return {"text": shot["text"][0].rstrip(), "styles": shot["styles"][0][:60], **colors}

            pictured.append(await until(f"{session} shows it", first_row))
    by_cells, by_relay, by_device = pictured
    assert by_device["text"].endswith("e\u0301 日本 | 👍 |")
    assert by_device["fgColors"][0] == "#123456" and by_device["bgColors"][5] == "#c86432"
    assert by_relay == by_device
    assert by_cells == by_device


async def test_a_team_has_its_colour_and_a_split_its_profile(world: World, iterm2: StandIn) -> None:
    folder = world.home / SUPPORT / "DynamicProfiles"
    async with orchestrator(world, "--backend", "iterm2") as agent:
        one, _ = await agent.sessions("one", "two")
        sessions = [{"name": "three", "agent": "ada", "team": "web"}, {"name": "four", "agent": "bob", "team": "ops"}]
        await agent.call("create_sessions", sessions=sessions, layout="HORIZONTAL_SPLIT")
        written = json.loads((folder / "iterm-mcp-profiles.json").read_text())["Profiles"]
        assert {"MCP Team: ops", "MCP Team: web"} == {profile["Name"] for profile in written}
        assert {"MCP Team: ops", "MCP Team: web"} <= set(iterm2.official("profiles")), "iTerm2 takes the file"
        looks = [iterm2.official("look", pane) for pane in iterm2.official("panes")]
        for profile in written:
            color = [round(profile["Tab Color"][f"{part} Component"] * 255) for part in ("Red", "Green", "Blue")]
            assert {"tab": color, "badge": profile["Badge Text"]}.items() <= next(
                look.items() for look in looks if look["badge"] == profile["Badge Text"]
            )
        split = {"target": {"session_id": one}, "direction": "below", "name": "five"}
        await agent.call("split_session", **split, profile="MCP Team: web")
        assert "MCP Team: web" in {iterm2.official("look", pane)["profile"] for pane in iterm2.official("panes")}
        unknown = await agent.try_to("split_session", **split, profile="Nobody's")
        assert unknown.is_error and "INVALID_PROFILE_NAME" in unknown.text, unknown
