"""Profiles, sessions that are typed into together, transactions, and the way in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import iterm2

from stand_in import SUPPORT, StandIn
from story import first_session, shows, story, until


@story
async def test_a_session_has_its_own_copy_of_its_profile(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    changes = iterm2.LocalWriteOnlyProfile()
    changes.set_badge_text("busy")
    changes.set_use_tab_color(True)
    changes.set_tab_color(iterm2.Color(255, 0, 0))
    await session.async_set_profile_properties(changes)
    profile = await session.async_get_profile()
    assert profile.badge_text == "busy"
    assert profile.tab_color.red == 255
    others = await iterm2.PartialProfile.async_query(connection, properties=None)
    assert {other.badge_text for other in others} == {""}
    await session.async_inject(b"\x1b]6;1;bg;green;brightness;255\x07\x1b]1337;SetBadgeFormat=ZG9uZQ==\x07")
    profile = await session.async_get_profile()
    assert (profile.tab_color.green, profile.badge_text) == (255, "done")


@story
async def test_a_session_takes_the_colours_of_a_preset(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    assert "Light Background" in await iterm2.ColorPreset.async_get_list(connection)
    preset = await iterm2.ColorPreset.async_get(connection, "Light Background")
    await (await session.async_get_profile()).async_set_color_preset(preset)
    profile = await session.async_get_profile()
    assert (profile.background_color.red, profile.foreground_color.red) == (255, 0)
    try:
        await iterm2.ColorPreset.async_get(connection, "no such preset")
        raise AssertionError("it was found")
    except iterm2.colorpresets.ListPresetsException as refusal:
        assert str(refusal) == "PRESET_NOT_FOUND"


@story
async def test_profiles_are_listed_changed_and_made_the_default(connection: iterm2.Connection) -> None:
    profiles = await iterm2.PartialProfile.async_query(connection)
    light = next(profile for profile in profiles if profile.name == "Light")
    full = await light.async_get_full_profile()
    await full.async_set_badge_text("everywhere")
    assert (await light.async_get_full_profile()).badge_text == "everywhere"
    await light.async_make_default()
    assert (await iterm2.PartialProfile.async_get_default(connection)).guid == light.guid
    window = await iterm2.Window.async_create(connection)
    assert window is not None
    app = await iterm2.async_get_app(connection)
    opened = app.get_window_by_id(window.window_id).tabs[0].sessions[0]
    assert (await opened.async_get_profile()).badge_text == "everywhere"


@story
async def test_a_dynamic_profile_comes_from_a_file(connection: iterm2.Connection) -> None:
    app, _ = await first_session(connection)
    folder = Path(os.environ["HOME"]) / SUPPORT / "DynamicProfiles"
    folder.mkdir()
    profile = {"Name": "agent", "Guid": "agent-1", "Custom Command": "Yes", "Command": "/bin/sh -c 'echo dyn; cat'"}
    draft = folder.parent / "agent.json"
    draft.write_text(json.dumps({"Profiles": [profile]}))
    draft.rename(folder / "agent.json")
    tab = await app.current_terminal_window.async_create_tab(profile="agent")
    await shows(tab.current_session, "dyn")
    try:
        await app.current_terminal_window.async_create_tab(profile="nobody")
        raise AssertionError("a tab was opened with a profile that is not there")
    except iterm2.CreateTabException as refusal:
        assert str(refusal) == "INVALID_PROFILE_NAME"


@story
async def test_sessions_in_one_domain_are_typed_into_together(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    second = await session.async_split_pane()
    domain = iterm2.broadcast.BroadcastDomain()
    domain.add_session(session)
    domain.add_session(second)
    await iterm2.async_set_broadcast_domains(connection, [domain])
    await session.async_send_text("echo both\n")
    await shows(second, "both")
    await session.async_send_text("echo alone\n", suppress_broadcast=True)
    await shows(session, "alone")
    await app.async_refresh_broadcast_domains()
    assert [len(known.sessions) for known in app.broadcast_domains] == [2]
    try:
        await iterm2.async_set_broadcast_domains(connection, [domain, domain])
        raise AssertionError("domains that overlap were taken")
    except iterm2.RPCException as refusal:
        assert str(refusal) == "BROADCAST_DOMAINS_NOT_DISJOINT"


@story
async def test_nothing_moves_during_a_transaction(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    async with iterm2.Transaction(connection):
        before = (await session.async_get_screen_contents()).cursor_coord.y
        await session.async_send_text("echo later; touch ran\n")

        async def ran() -> bool:
            return (Path(os.environ["HOME"]) / "ran").exists()

        await until("the program to run", ran)
        assert (await session.async_get_screen_contents()).cursor_coord.y == before
        started = await iterm2.rpc.async_start_transaction(connection)
        assert started.transaction_response.status == 2, "ALREADY_IN_TRANSACTION"
    await shows(session, "later")


def test_a_cookie_lets_in_once(stand_in: StandIn) -> None:
    script = "import iterm2\nasync def main(c): print('in')\niterm2.run_until_complete(main)"
    environment = stand_in.client_environment()

    def come() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=30
        )

    assert come().stdout == "in\n"
    again = come()
    assert again.returncode != 0
    # Refused with 401, the client asks macOS for another cookie, which is not here.
    assert "401" in again.stderr or "osascript" in again.stderr


def test_an_old_client_is_told_to_upgrade(stand_in: StandIn) -> None:
    script = "import iterm2\nasync def main(c): print('in')\niterm2.run_until_complete(main)"
    stand_in.control("too-old on")
    refused = subprocess.run(
        [sys.executable, "-c", script],
        env=stand_in.client_environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "too old" in refused.stdout
