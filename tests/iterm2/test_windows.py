"""Windows, tabs, panes and the application that holds them."""

from __future__ import annotations

import iterm2

from story import first_session, shows, story, until


@story
async def test_a_script_lays_out_a_window(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    right = await session.async_split_pane(vertical=True)
    below = await right.async_split_pane(vertical=False)
    left = await session.async_split_pane(vertical=True, before=True)
    tab = app.current_terminal_window.current_tab
    assert tab.root.vertical
    assert [pane.session_id for pane in tab.sessions] == [pane.session_id for pane in (left, session, right, below)]
    assert len(tab.root.children) == 3, "panes divided the same way are siblings"
    assert sum(pane.grid_size.height for pane in (right, below)) == 24, "one row is the divider's"


@story
async def test_a_pane_that_is_too_small_cannot_be_split(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    try:
        for _ in range(20):
            await session.async_split_pane()
        raise AssertionError("a pane was divided for ever")
    except iterm2.SplitPaneException as refusal:
        assert str(refusal) == "CANNOT_SPLIT"


@story
async def test_windows_and_tabs_are_opened_with_commands_and_closed(connection: iterm2.Connection) -> None:
    app, _ = await first_session(connection)
    window = await iterm2.Window.async_create(connection, command="/bin/sh -c 'echo from a window; exec cat'")
    assert window is not None
    await shows(window.current_tab.current_session, "from a window")
    tab = await window.async_create_tab(command="/bin/sh -c 'echo from a tab; exec cat'", index=0)
    assert tab is not None
    await shows(tab.current_session, "from a tab")
    assert [known.tab_id for known in window.tabs][0] == tab.tab_id
    await tab.async_close(force=True)
    await window.async_close(force=True)
    await app.async_refresh()
    assert app.get_window_by_id(window.window_id) is None
    assert len(app.terminal_windows) == 1


@story
async def test_a_tab_at_an_index_that_is_not_there_is_refused_and_opened(connection: iterm2.Connection) -> None:
    app, _ = await first_session(connection)
    window = app.current_terminal_window
    try:
        await window.async_create_tab(index=7)
        raise AssertionError("the index was taken")
    except iterm2.CreateTabException as refusal:
        assert str(refusal) == "INVALID_TAB_INDEX"
    await app.async_refresh()
    assert len(window.tabs) == 2


@story
async def test_what_is_activated_has_the_focus(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    window = app.current_terminal_window
    first = window.current_tab
    other = await session.async_split_pane(vertical=True)
    second = await window.async_create_tab()
    await app.async_refresh()
    assert window.current_tab.tab_id == second.tab_id
    async with iterm2.FocusMonitor(connection) as monitor:
        await session.async_activate()
        update = await monitor.async_get_next_update()
        assert update.selected_tab_changed or update.active_session_changed
    await app.async_refresh()
    assert window.current_tab.tab_id == first.tab_id
    assert first.current_session.session_id == session.session_id
    direction = iterm2.NavigationDirection.RIGHT
    assert await first.async_select_pane_in_direction(direction) == other.session_id


@story
async def test_tabs_are_put_into_another_order(connection: iterm2.Connection) -> None:
    app, _ = await first_session(connection)
    window = app.current_terminal_window
    await window.async_create_tab()
    await window.async_create_tab()
    wanted = list(reversed(window.tabs))
    await window.async_set_tabs(wanted)

    async def ordered() -> bool:
        await app.async_refresh()
        return [tab.tab_id for tab in window.tabs] == [tab.tab_id for tab in wanted]

    await until("the tabs in the other order", ordered)


@story
async def test_a_window_has_a_frame_and_goes_to_full_screen(connection: iterm2.Connection) -> None:
    app, _ = await first_session(connection)
    window = app.current_terminal_window
    frame = await window.async_get_frame()
    frame.origin = iterm2.Point(50, 60)
    await window.async_set_frame(frame)
    assert (await window.async_get_frame()).origin.x == 50
    assert not await window.async_get_fullscreen()
    await window.async_set_fullscreen(True)
    assert await window.async_get_fullscreen()


@story
async def test_the_sizes_of_panes_are_set_together(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    right = await session.async_split_pane(vertical=True)
    tab = app.current_terminal_window.current_tab
    session.preferred_size = iterm2.Size(20, 25)
    right.preferred_size = iterm2.Size(59, 25)
    await tab.async_update_layout()
    await app.async_refresh()
    assert (session.grid_size.width, right.grid_size.width) == (20, 59)


@story
async def test_tabs_and_windows_have_titles(connection: iterm2.Connection) -> None:
    app, _ = await first_session(connection)
    window = app.current_terminal_window
    await window.current_tab.async_set_title("work")
    assert await window.current_tab.async_get_variable("titleOverride") == "work"
    await window.async_set_title("desk")
    assert await window.async_get_variable("titleOverride") == "desk"


@story
async def test_what_is_not_covered_is_refused_in_words(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    for refused in (
        session.async_screenshot(),
        session.async_run_coprocess("cat"),
        iterm2.Arrangement.async_list(connection),
        app.current_terminal_window.async_save_window_as_arrangement("x"),
    ):
        try:
            await refused
            raise AssertionError("what is not covered was not refused")
        except iterm2.RPCException as refusal:
            assert "known here" in str(refusal) or "no function" in str(refusal)


@story
async def test_sessions_and_tabs_move_with_what_runs_in_them(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    other = await session.async_split_pane(vertical=True)
    await other.async_send_text("moved=yes\n")

    def tab_of(pane: iterm2.Session) -> iterm2.Tab:
        tabs = [tab for window in app.terminal_windows for tab in window.tabs]
        return next(tab for tab in tabs if pane.session_id in [one.session_id for one in tab.sessions])

    async def apart() -> bool:
        return len(tab_of(other).sessions) == 1

    tab = await other.async_move_to_new_tab()
    await until("it is in a tab of its own", apart)
    assert tab_of(other).tab_id == tab
    try:
        await other.async_move_to_new_tab()
        raise AssertionError("it moved from a tab that it has for itself")
    except iterm2.RPCException as refusal:
        assert "FAILED" in str(refusal)
    window = await tab_of(other).async_move_to_window()
    assert [pane.session_id for pane in window.tabs[0].sessions] == [other.session_id]
    await app.async_move_session(other, session, False, True)

    async def above() -> bool:
        return [pane.session_id for pane in tab_of(session).sessions] == [other.session_id, session.session_id]

    await until("it is above the first one", above)
    assert app.get_window_by_id(window.window_id) is None
    opened = await other.async_move_to_new_window()

    async def in_it() -> bool:
        window = app.get_window_by_id(opened)
        return window is not None and tab_of(other) in window.tabs

    await until("it is in the window that was opened for it", in_it)
    await other.async_send_text("echo moved=$moved\n")
    await shows(other, "moved=yes")
