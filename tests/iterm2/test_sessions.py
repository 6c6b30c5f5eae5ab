"""Sessions: what is typed, shown, read, named, restarted and closed."""

from __future__ import annotations

import asyncio

import iterm2

from story import first_session, screen, shows, soon, story, until


@story
async def test_a_script_runs_a_command_and_reads_what_it_printed(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    await session.async_send_text("echo $((6 * 7))\n")
    lines = await shows(session, "42")
    assert lines[0] in ("~ # echo $((6 * 7))", "~ $ echo $((6 * 7))")


@story
async def test_styles_and_wide_characters_are_told_cell_by_cell(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    await session.async_inject(
        b"\x1b[2J\x1b[H\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3;4mrgb\x1b[0m \xe6\x97\xa5x\xf0\x9f\x98\x80"
    )
    contents = await session.async_get_screen_contents()
    line = contents.line(0)
    assert line.string == "red rgb 日x😀"
    red = line.style_at(0)
    assert red.bold
    assert red.fg_color.is_standard
    assert red.fg_color.standard == 1
    assert line.style_at(3).fg_color.is_alternate
    rgb = line.style_at(4)
    assert rgb.underline
    assert (rgb.fg_color.rgb.red, rgb.fg_color.rgb.green, rgb.fg_color.rgb.blue) == (1, 2, 3)
    # A wide character is in its first cell alone. (Behind an emoji the client counts wrongly,
    # because cells count UTF-16 units and it does not.)
    assert [line.string_at(at) for at in range(7, 12)] == [" ", "日", "", "x", "😀"]


@story
async def test_a_script_reads_the_scrollback_by_line_numbers(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    await session.async_send_text("seq 1 200; echo done\n")
    await shows(session, "done")
    info = await session.async_get_line_info()
    assert info.mutable_area_height == 25
    assert info.overflow == 0
    assert info.scrollback_buffer_height > 150
    lines = await session.async_get_contents(1, 100)
    assert [line.string for line in lines] == [str(number) for number in range(1, 101)]


@story
async def test_the_screen_streamer_tells_each_change(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    async with session.get_screen_streamer() as streamer:
        for number in range(5):
            # The client listens while somebody waits, and misses what changes in between.
            change = asyncio.ensure_future(streamer.async_get())
            await asyncio.sleep(0)
            await session.async_send_text(f"echo seen-{number}\n")
            contents = await soon(change)
            assert contents is not None
            assert contents.line(0).string.strip()
            await shows(session, f"seen-{number}")


@story
async def test_a_session_is_named_and_its_name_is_in_the_layout(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    await session.async_set_name("build")
    await app.async_refresh()
    assert app.get_session_by_id(session.session_id).name == "build"
    assert await session.async_get_variable("name") == "build"


@story
async def test_a_restarted_session_goes_by_another_id(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    before = await session.async_get_variable("pid")
    await session.async_restart()

    async def other() -> iterm2.Session | None:
        await app.async_refresh()
        current = app.current_terminal_window.current_tab.sessions[0]
        return current if current.session_id != session.session_id else None

    restarted = await until("a session with another id", other)
    assert await restarted.async_get_variable("pid") != before
    try:
        await restarted.async_restart(only_if_exited=True)
        raise AssertionError("a running session was restarted")
    except iterm2.RPCException as refusal:
        assert str(refusal) == "SESSION_NOT_RESTARTABLE"


@story
async def test_a_closed_session_is_unknown_afterwards(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    second = await session.async_split_pane()
    await second.async_close(force=True)
    for refused, message in (
        (second.async_get_screen_contents(), "SESSION_NOT_FOUND"),
        (second.async_get_variable("name"), "SESSION_NOT_FOUND"),
        (second.async_inject(b"x"), "SESSION_NOT_FOUND"),
        (second.async_close(force=True), "NOT_FOUND"),
        (second.async_get_profile(), "SESSION_NOT_FOUND"),
    ):
        try:
            await refused
            raise AssertionError(f"a closed session answered, in place of {message}")
        except iterm2.RPCException as refusal:
            assert str(refusal) == message


@story
async def test_a_resized_session_tells_its_program(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    await session.async_set_grid_size(iterm2.Size(100, 30))
    await session.async_send_text("stty size\n")
    await shows(session, "30 100")
    await app.async_refresh()
    assert (session.grid_size.width, session.grid_size.height) == (100, 30)


@story
async def test_a_buried_session_runs_on_and_comes_back(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    await session.async_split_pane()
    await session.async_set_buried(True)
    await app.async_refresh()
    assert [buried.session_id for buried in app.buried_sessions] == [session.session_id]
    await session.async_set_buried(False)
    await app.async_refresh()
    assert app.buried_sessions == []
    assert app.get_session_by_id(session.session_id) is not None


@story
async def test_a_selection_is_set_read_and_turned_into_text(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    await session.async_inject(b"\x1b[2J\x1b[Hone two three")
    lines = await screen(session)
    assert lines[0] == "one two three"
    # Clearing the screen moves what it showed into the history.
    line = (await session.async_get_line_info()).first_visible_line_number
    range_ = iterm2.WindowedCoordRange(iterm2.CoordRange(iterm2.Point(4, line), iterm2.Point(7, line)))
    wanted = iterm2.Selection([iterm2.SubSelection(range_, iterm2.SelectionMode.CHARACTER, False)])
    await session.async_set_selection(wanted)
    selection = await session.async_get_selection()
    assert (await session.async_get_selection_text(selection)).rstrip("\n") == "two"
