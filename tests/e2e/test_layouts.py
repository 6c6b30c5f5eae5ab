"""An agent opens several sessions that share a screen; a person sees them together."""

from __future__ import annotations

import subprocess

import pytest

from agent import Agent, agent_on_http
from waiting import until
from world import World


def socket(world: World) -> str:
    """A tmux server of this world's own."""
    return f"quarterdeck-test-{world.mark}"


def tmux(world: World, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["tmux", "-L", socket(world), *arguments], env=world.env, capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout.splitlines()


def serve(world: World, backend: str) -> object:
    world.configure(f'[sessions]\ntmux_socket = "{socket(world)}"\n')
    return world.serve("--backend", backend, "--tools", "native,screens")


async def session_count(agent: Agent) -> int:
    return len((await agent.do("session_list"))["sessions"])


async def test_a_quad_on_tmux_is_one_window_that_a_person_can_look_at(world: World) -> None:
    async with agent_on_http(serve(world, "tmux")) as agent:
        panes = [{"name": "API", "command": "echo api is up"}, {"name": "Tests"}, {"name": "Logs"}]
        opened = await agent.do("session_layout", layout="quad", panes=panes, columns=121, rows=41)
        sessions = opened["sessions"]
        places = {one["place"]: one["name"] for one in sessions}
        assert places["above left"] == "API" and places["above right"] == "Tests" and places["below left"] == "Logs"
        assert len(places) == 4

        windows = tmux(world, "list-windows", "-t", "quarterdeck", "-F", "#{window_panes}")
        assert sorted(windows) == ["1", "4"], "the anchor, and one window with four panes"
        corners = tmux(
            world, "list-panes", "-s", "-t", "quarterdeck", "-F", "#{@quarterdeck-id} #{pane_left},#{pane_top}"
        )
        at = dict(line.split() for line in corners if not line.startswith(" "))
        by_place = {one["place"]: at[one["sessionId"]] for one in sessions}
        assert by_place == {"above left": "0,0", "above right": "61,0", "below left": "0,21", "below right": "61,21"}

        api = next(one["sessionId"] for one in sessions if one["name"] == "API")
        await agent.wait_for(api, pattern="(?m)^api is up$")
        for one in sessions:

            async def knows(session: str = one["sessionId"]) -> bool:
                return (await agent.run("stty size", sessionId=session))["output"] == "20 60\n"

            # tmux tells a program of its size a quarter of a second late.
            await until("every program knows how much room it has", knows)
        await agent.do("session_close", sessionId=api)

        async def grown() -> bool:
            beside = next(one["sessionId"] for one in sessions if one["place"] == "above right")
            return (await agent.run("stty size", sessionId=beside))["output"] == "20 121\n"

        await until("the neighbour has the room of the one that was closed", grown)


async def test_a_tree_of_splits_is_told_on_pty_and_shown_on_tmux(world: World) -> None:
    tree = {
        "sideBySide": [
            {"pane": {"name": "editor"}},
            {"stacked": [{"pane": {"name": "one"}}, {"pane": {"name": "two"}}, {"pane": {"name": "three"}}]},
        ]
    }
    async with agent_on_http(serve(world, "pty")) as agent:
        for backend in ("pty", "tmux"):
            opened = await agent.do("session_layout", tree=tree, backend=backend)
            places = {one["name"]: one["place"] for one in opened["sessions"]}
            assert places == {
                "editor": "left",
                "one": "right above above",
                "two": "right above below",
                "three": "right below",
            }
            for one in opened["sessions"]:
                ran = await agent.run(f"echo {one['name']}", sessionId=one["sessionId"])
                assert ran["output"] == one["name"] + "\n"
        listed = (await agent.do("session_list"))["sessions"]
        assert sorted(one["backend"] for one in listed) == ["pty"] * 4 + ["tmux"] * 4


async def test_the_layouts_of_iterm_mcp_share_a_window_too(world: World) -> None:
    world.configure(f'[sessions]\ntmux_socket = "{socket(world)}"\n')
    async with agent_on_http(world.serve("--backend", "tmux", "--tools", "iterm-mcp")) as agent:
        names = ["API", "Tests", "Logs", "Shell"]
        panes = [{"name": name, "agent": name.lower()} for name in names]
        created = (await agent.do("create_sessions", sessions=panes, layout="QUAD"))["sessions"]
        assert [one["name"] for one in created] == names
        await agent.do("create_sessions", sessions=[{"name": "One"}, {"name": "Another"}], layout="SINGLE")
        split = await agent.do("split_session", target={"agent": "api"}, direction="left", name="Beside")
        windows = tmux(world, "list-windows", "-t", "quarterdeck", "-F", "#{window_panes}")
        assert sorted(windows) == ["1", "1", "1", "5"], "the anchor, two of their own, and the quad with a split"
        corners = tmux(
            world, "list-panes", "-s", "-t", "quarterdeck", "-F", "#{@quarterdeck-id} #{pane_at_left}#{pane_at_top}"
        )
        at = dict(line.split() for line in corners if not line.startswith(" "))
        places = [at[one["session_id"]] for one in created]
        assert places == ["01", "01", "10", "00"] and at[split["session_id"]] == "11", places


async def test_the_gate_judges_every_panes_command(world: World) -> None:
    async with agent_on_http(serve(world, "tmux")) as agent:
        panes = [{"name": "good", "command": "echo fine"}, {"name": "bad", "command": "rm -rf ~"}]
        outcome = await agent.call("session_layout", layout="horizontal_split", panes=panes)
        good, bad = sorted(outcome.content["sessions"], key=lambda one: one["place"])
        assert good["verdict"]["tier"] == "safe" and "error" not in good
        assert bad["error"]["code"] == "PERMISSION_DENIED" and "verdict" not in bad
        assert "PERMISSION_DENIED" in outcome.text
        assert world.victim.exists()
        await agent.wait_for(good["sessionId"], pattern="(?m)^fine$")
        ran = await agent.run("echo nothing typed", sessionId=bad["sessionId"])
        assert ran["output"] == "nothing typed\n", "its session is there to be used"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"layout": "single", "panes": [{}, {}]}, "has 1 panes, and 2 were described"),
        ({"layout": "quad", "tree": {"pane": {}}}, "name a layout, with its panes, or describe a tree"),
        ({"tree": {"stacked": [{"pane": {}}]}}, "at least two parts"),
        ({"tree": {"stacked": [{"pane": {}}] * 17}}, "at most 16"),
        ({"layout": "quad", "columns": 9, "rows": 1}, "no space for new pane"),
    ],
)
async def test_what_cannot_be_laid_out_leaves_nothing_behind(world: World, arguments: dict, said: str) -> None:
    async with agent_on_http(serve(world, "tmux")) as agent:
        outcome = await agent.call("session_layout", **arguments)
        assert outcome.is_error and said in outcome.text, outcome.text
        assert await session_count(agent) == 0
