"""What a script can wait for."""

from __future__ import annotations

import asyncio

import iterm2

from stand_in import control
from story import first_session, shows, soon, story, until


@story
async def test_the_prompt_monitor_tells_a_command_from_prompt_to_exit_status(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    mode = iterm2.PromptMonitor.Mode
    modes = [mode.PROMPT, mode.COMMAND_START, mode.COMMAND_END]
    async with iterm2.PromptMonitor(connection, session.session_id, modes) as monitor:
        await session.async_send_text("cd /; (exit 3)\n")
        began, command, prompt_id = await soon(monitor.async_get(include_id=True))
        assert (began, command) == (mode.COMMAND_START, "cd /; (exit 3)")
        assert await soon(monitor.async_get(include_id=True)) == (mode.COMMAND_END, 3, prompt_id)
        prompted, prompt = await soon(monitor.async_get())
        assert prompted == mode.PROMPT
        assert prompt.working_directory == "/"
        assert prompt.state == iterm2.PromptState.EDITING
    finished = await iterm2.async_get_prompt_by_id(connection, session.session_id, prompt_id)
    assert finished is not None
    assert finished.command == "cd /; (exit 3)"
    assert finished.state == iterm2.PromptState.FINISHED
    assert prompt_id in await iterm2.async_list_prompts(connection, session.session_id)


@story
async def test_the_keystroke_monitor_tells_what_a_person_presses(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    async with iterm2.KeystrokeMonitor(connection, session.session_id, advanced=True) as monitor:
        control(f"press {session.session_id} xy")
        pressed = [await soon(monitor.async_get()) for _ in range(2)]
    assert [key.characters for key in pressed] == ["x", "y"]
    assert [key.keycode for key in pressed] == [iterm2.Keycode.ANSI_X, iterm2.Keycode.ANSI_Y]
    assert {key.action for key in pressed} == {iterm2.Keystroke.Action.KEY_DOWN}


@story
async def test_filtered_keystrokes_are_told_and_not_typed(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    await session.async_send_text("cat\n")

    async def reads() -> bool:
        return await session.async_get_variable("jobName") == "cat"

    await until("cat has the terminal", reads)
    pattern = iterm2.KeystrokePattern()
    pattern.characters = ["q"]
    async with (
        iterm2.KeystrokeFilter(connection, [pattern], session.session_id),
        iterm2.KeystrokeMonitor(connection, session.session_id) as monitor,
    ):
        control(f"press {session.session_id} aqb")
        assert [(await soon(monitor.async_get())).characters for _ in range(3)] == ["a", "q", "b"]
        await session.async_send_text("!")
        await shows(session, "ab!")


@story
async def test_a_filter_that_has_ended_leaves_keys_alone(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    await session.async_send_text("stty -echo; cat\n")

    async def reads() -> bool:
        return await session.async_get_variable("jobName") == "cat"

    await until("cat has the terminal", reads)
    pattern = iterm2.KeystrokePattern()
    pattern.characters = ["q"]
    for scope in (session.session_id, None):
        async with iterm2.KeystrokeFilter(connection, [pattern], scope):
            control(f"press {session.session_id} aqb")
        control(f"press {session.session_id} aqb")
    await session.async_send_text("!\n")
    await shows(session, "abaqbabaqb!")


@story
async def test_the_variable_monitor_watches_all_or_the_active_one(connection: iterm2.Connection) -> None:
    app, first = await first_session(connection)
    second = await first.async_split_pane(vertical=True)
    window = app.current_terminal_window
    scopes = iterm2.VariableScopes
    async with iterm2.VariableMonitor(connection, scopes.SESSION, "user.task", "all") as monitor:
        for number, session in enumerate([first, second]):
            await session.async_set_variable("user.task", number)
            assert await soon(monitor.async_get()) == number
        third = await second.async_split_pane(vertical=False)
        await third.async_set_variable("user.task", "of one that came later")
        assert await soon(monitor.async_get()) == "of one that came later"
    for identifier in ("all", "active"):
        async with iterm2.VariableMonitor(connection, scopes.WINDOW, "user.mood", identifier) as monitor:
            await window.async_set_variable("user.mood", identifier)
            assert await soon(monitor.async_get()) == identifier
    async with iterm2.VariableMonitor(connection, scopes.SESSION, "id", "active") as monitor:
        await first.async_activate()
        assert await soon(monitor.async_get()) == first.session_id


@story
async def test_variables_refer_to_what_is_around(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    window = app.current_terminal_window
    tab = window.current_tab
    await app.async_set_variable("user.mood", "fine")
    assert await session.async_get_variable("tab.id") == tab.tab_id
    assert await session.async_get_variable("tab.window.id") == window.window_id
    assert await session.async_get_variable("iterm2.user.mood") == "fine"
    assert await window.async_get_variable("currentTab.currentSession.id") == session.session_id
    assert await session.async_get_variable("tab.nothing") is None
    frame = await window.async_get_frame()
    origin, size = frame.origin, frame.size
    assert await window.async_get_variable("frame") == [origin.x, origin.y, size.width, size.height]


@story
async def test_the_variable_monitor_tells_what_programs_and_scripts_set(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    scope = iterm2.VariableScopes.SESSION
    async with iterm2.VariableMonitor(connection, scope, "user.task", session.session_id) as monitor:
        await session.async_set_variable("user.task", {"step": 1})
        assert await soon(monitor.async_get()) == {"step": 1}
        await session.async_send_text("printf '\\e]1337;SetUserVar=task=%s\\a' $(printf two | base64)\n")
        assert await soon(monitor.async_get()) == "two"
    async with iterm2.VariableMonitor(connection, scope, "jobName", session.session_id) as monitor:
        await session.async_send_text("cat\n")
        assert await soon(monitor.async_get()) == "cat"


@story
async def test_variables_have_rules(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    assert await session.async_get_variable("user.nothing") is None
    everything = await session.async_get_variable("*")
    assert everything["columns"] == 80
    assert everything["termid"].endswith(session.session_id)
    await app.async_set_variable("user.mood", "fine")
    assert await app.async_get_variable("user.mood") == "fine"
    tab = app.current_terminal_window.current_tab
    await tab.async_set_variable("user.mood", "tabby")
    assert await tab.async_get_variable("user.mood") == "tabby"
    for name in ("mood", "user.a.b", "user."):
        try:
            await session.async_set_variable(name, 1)
            raise AssertionError(f"{name} was set")
        except iterm2.RPCException as refusal:
            assert str(refusal) == "INVALID_NAME"


@story
async def test_a_program_sends_a_script_a_message_of_its_own(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    monitor = iterm2.CustomControlSequenceMonitor(connection, "secret", r"^open (.+)$", session.session_id)
    async with monitor:
        await session.async_send_text("printf '\\e]1337;Custom=id=%s:open %s\\a' other a secret 'b;c'\n")
        match = await soon(monitor.async_get())
    assert match.group(1) == "b;c"


@story
async def test_sessions_that_begin_and_end_are_told(connection: iterm2.Connection) -> None:
    _, session = await first_session(connection)
    async with (
        iterm2.NewSessionMonitor(connection) as new,
        iterm2.SessionTerminationMonitor(connection) as ended,
        iterm2.LayoutChangeMonitor(connection) as layout,
    ):
        second = await session.async_split_pane()
        assert await soon(new.async_get()) == second.session_id
        await soon(layout.async_get())
        await second.async_send_text("exit\n")
        assert await soon(ended.async_get()) == second.session_id
        third = await session.async_split_pane()
        await third.async_close(force=True)
        assert await soon(ended.async_get()) == third.session_id


@story
async def test_something_is_done_once_for_each_session(connection: iterm2.Connection) -> None:
    app, session = await first_session(connection)
    greeted: asyncio.Queue[str] = asyncio.Queue()
    greet = iterm2.EachSessionOnceMonitor.async_foreach_session_create_task(app, greeted.put)
    task = asyncio.ensure_future(greet)
    assert await soon(greeted.get()) == session.session_id
    second = await session.async_split_pane()
    assert await soon(greeted.get()) == second.session_id
    task.cancel()
