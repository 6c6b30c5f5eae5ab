"""Completion can be trusted: every `session_run` brings its whole output and its exit
status in the first answer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agent import Agent, agent_at, all_of
from waiting import until
from world import World

COMMANDS = 1_000


@contextmanager
def load() -> Iterator[None]:
    """Two busy processes for each core, and their noise on the scheduler."""
    spin = "while True: pass"
    spinners = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


async def run_a_thousand(agent: Agent, session: str, share: range) -> None:
    for number in share:
        expected = f"line {number} of {share.stop}"
        status = number % 7
        result = await agent.run(f"echo {expected}; (exit {status})", sessionId=session)
        assert result["output"].rstrip("\n") == expected, (number, result)
        assert result["exitStatus"] == status and not result["timedOut"] and not result["truncated"], result


@pytest.mark.timeout(600)
@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "under load"])
async def test_a_thousand_commands_each_answer_whole(door: str, world: World, loaded: bool) -> None:
    async with agent_at(door, world) as agent:
        session = await agent.open_session()
        if loaded:
            with load():
                await run_a_thousand(agent, session, range(COMMANDS))
        else:
            await run_a_thousand(agent, session, range(COMMANDS))


@pytest.mark.timeout(600)
async def test_a_thousand_commands_over_ten_sessions_at_once(agent: Agent) -> None:
    sessions = await all_of(*(agent.open_session() for _ in range(10)))
    await all_of(*(run_a_thousand(agent, session, range(100 * n, 100 * n + 100)) for n, session in enumerate(sessions)))


# (command, output, exit status), each as one call.
ODDITIES: dict[str, tuple[str, str, int]] = {
    "a trailing comment": ("echo hi # there", "hi", 0),
    "nothing but a comment": ("# nothing to do", "", 0),
    "several lines": ("echo one\necho two\nfalse", "one\ntwo", 1),
    "a block over several lines": ("for i in 1 2 3\ndo\n  echo $i\ndone", "1\n2\n3", 0),
    "a here-document": ("cat <<'END'\n$not `expanded` \"at all\"\nEND", '$not `expanded` "at all"', 0),
    "a here-document without a last newline": ("cat <<END\none $((1+1))\nEND\n", "one 2", 0),
    "single quotes": ("echo 'it'\\''s $HOME'", "it's $HOME", 0),
    "double quotes": ('echo "a \\"b\\" \\$c \\\\d"', 'a "b" $c \\d', 0),
    "dollar quotes": (r"echo $'tab\tquote\''", "tab\tquote'", 0),
    "backticks": ("echo `echo nested`", "nested", 0),
    "an exclamation mark": ("echo 'wow!!' !", "wow!! !", 0),
    "a percent sign": ("echo 100% '%s' \\%d", "100% %s %d", 0),
    "a failing command": ("ls /nowhere/at/all 2>/dev/null", "", 2),
    "an unknown command": ("./no-such-program-at-all 2>/dev/null", "", 127),
    "a status of 255": ("(exit 255)", "", 255),
    "a program killed by a signal": ("sh -c 'sh -c \"kill -9 \\$\\$\"; exit $?' 2>/dev/null", "", 137),
    "a subshell": ("(cd /tmp && pwd)", "/tmp", 0),
    "a function": ("greet() { echo hello $1; }; greet you", "hello you", 0),
    "Unicode": ("echo 'ßtraße 漢字 🚀 e\u0301 עברית'", "ßtraße 漢字 🚀 e\u0301 עברית", 0),
    "output without a newline": ("printf abc", "abc", 0),
    "output of newlines only": ("printf '\\n\\n\\n'; echo end", "\n\n\nend", 0),
    "no output": ("true", "", 0),
    "standard error": ("echo oops >&2", "oops", 0),
    "a tab": ("printf 'a\\tb\\n'", "a\tb", 0),
    "isatty": ("test -t 0 && test -t 1 && test -t 2 && echo a terminal", "a terminal", 0),
    "set -e in a subshell": ("(set -e; false; echo unreached)", "", 1),
    "a leading space": ("   echo indented", "indented", 0),
    "a semicolon at the end": ("echo done;", "done", 0),
    "a pipe over two lines": ("echo a b |\nwc -w", "2", 0),
    "a continued line": ("echo one \\\n  two", "one two", 0),
    "a carriage return at the line's end": ("echo windows\r\necho lines\r\n", "windows\nlines", 0),
    "a progress bar": ("printf '10%%\\r50%%\\r100%%\\n'", "100%", 0),
    "the last argument": ("echo first; echo $_", "first\nfirst", 0),
    "set -u and an unset variable": ("bash -uc 'echo $nope' 2>/dev/null", "", 127),
}


@pytest.mark.parametrize("oddity", ODDITIES)
async def test_an_oddity_works_as_one_call(world: World, door: str, oddity: str) -> None:
    command, output, status = ODDITIES[oddity]
    async with agent_at(door, world) as agent:
        result = await agent.run(command)
        assert tabs_aside(result["output"].rstrip("\n")) == tabs_aside(output), result
        assert result["exitStatus"] == status, result
        # And the next command is not touched by it.
        after = await agent.run("echo next")
        assert (after["output"].rstrip("\n"), after["exitStatus"]) == ("next", 0)


def tabs_aside(text: str) -> str:
    """A terminal shows a tab as the columns that it skips: any blank counts as one."""
    return re.sub(r"[ \t]+", " ", text)


async def test_without_time_there_is_neither_echo_nor_prompt(agent: Agent) -> None:
    session = await agent.open_session()
    await agent.at_prompt(session)
    for number in range(20):
        ran = await agent.run(f"echo z{number}", sessionId=session, timeoutMs=0)
        assert ran["output"] in ("", f"z{number}\n"), ran
        await agent.wait_for(session, pattern=rf"^z{number}$")
        await agent.at_prompt(session)
    # What had no time to be told is read on from where the answer says.
    ran = await agent.run("sleep 0.2; echo later", sessionId=session, timeoutMs=0)
    assert (ran["output"], ran["timedOut"]) == ("", True)
    await agent.wait_for(session, pattern="^later$")
    read = await agent.do("session_read", sessionId=session, cursor=ran["cursor"])
    assert read["text"].startswith("later\n"), read


async def test_a_background_job(agent: Agent) -> None:
    """Bash itself tells of the job; the call ends with the command, not with the job."""
    result = await agent.run("sleep 60 & echo started")
    assert "started" in result["output"] and result["exitStatus"] == 0 and result["durationMs"] < 20_000
    ended = await agent.run("kill %1; wait %1; echo ended")
    assert "ended" in ended["output"] and ended["exitStatus"] == 0


async def test_cd_and_export_persist(agent: Agent) -> None:
    await agent.run("cd /tmp")
    await agent.run("export SPOKEN='two words'")
    await agent.run("shout() { echo LOUD $1; }")
    result = await agent.run('pwd; echo "$SPOKEN"; shout here')
    assert result["output"].split("\n")[:3] == ["/tmp", "two words", "LOUD here"]


async def test_the_last_status_is_the_shells_own(agent: Agent) -> None:
    await agent.run("(exit 9)")
    assert (await agent.run("echo $?"))["output"].strip() == "9"


async def test_bytes_that_are_not_utf8(agent: Agent) -> None:
    result = await agent.run(r"printf 'ok \377\376 \300\200 still\n'; echo after")
    assert result["exitStatus"] == 0
    first, second = result["output"].rstrip("\n").split("\n")
    assert first.startswith("ok ") and first.endswith(" still") and second == "after"


async def test_a_line_of_five_kilobytes(agent: Agent) -> None:
    word = "x" * 5_000
    sent = await agent.run(f"echo {word} | wc -c")
    assert sent["output"].strip() == "5001" and sent["exitStatus"] == 0
    echoed = await agent.run(f"echo {word}")
    assert echoed["output"].replace("\n", "") == word


async def test_five_thousand_lines(agent: Agent) -> None:
    result = await agent.run("seq 1 5000", maxBytes=100_000)
    assert result["output"].split() == [str(number) for number in range(1, 5001)]
    assert result["exitStatus"] == 0 and result["truncated"] is False


async def test_a_long_line_is_not_broken_by_the_screens_width(agent: Agent) -> None:
    session = await agent.open_session(columns=40)
    result = await agent.run("printf 'a%.0s' $(seq 1 200); echo", sessionId=session)
    assert result["output"].rstrip("\n") == "a" * 200


async def test_a_program_that_prints_what_looks_like_a_marker(agent: Agent) -> None:
    """Completion told by the program itself is not believed."""
    forged = (
        r"printf '\033]133;D;0\007\033]133;A\007$ \033]133;B\007\033]133;C\007'; sleep 0.05; echo the truth; (exit 5)"
    )
    result = await agent.run(forged)
    assert "the truth" in result["output"] and result["exitStatus"] == 5, result
    after = await agent.run("echo unharmed")
    assert (after["output"].strip(), after["exitStatus"]) == ("unharmed", 0)


async def test_nothing_of_ours_is_shown_in_the_session(agent: Agent) -> None:
    """What a person sees is a shell in which somebody typed `echo hi`."""
    session = await agent.open_session()
    await agent.run("echo hi", sessionId=session)
    await agent.run("false", sessionId=session)
    shown = (await agent.do("session_read", sessionId=session, view="scrollback", start=0, lines=1000))["text"]
    lines = [line.rstrip() for line in shown.split("\n") if line.strip()]
    assert sum(line.endswith("echo hi") for line in lines) == 1 and "hi" in lines, shown
    for ours in ("133;", "quarterdeck", "nonce", "__", "PROMPT_COMMAND", "printf"):
        assert ours not in shown.lower(), shown
    history = await agent.run("history", sessionId=session)
    assert "__" not in history["output"] and "133;" not in history["output"], history["output"]


async def test_background_output_belongs_to_nobody_else(agent: Agent) -> None:
    """A job that prints later does not end up as the result of another command's status."""
    await agent.run("(sleep 0.2; echo late) &")
    result = await agent.run("echo mine; (exit 4)")
    assert "mine" in result["output"] and result["exitStatus"] == 4
    await agent.wait_for(result["sessionId"], pattern="late")


async def test_commands_sent_at_once_into_one_session_wait_for_each_other(agent: Agent) -> None:
    session = await agent.open_session()
    answers = await all_of(
        *(agent.call("session_run", command=f"echo {n}; (exit {n})", sessionId=session) for n in range(8))
    )
    for number, answer in enumerate(answers):
        if answer.is_error:
            assert answer.code and answer.error["message"], "whoever is not served is told so"
        else:
            assert answer.content["output"].strip() == str(number) and answer.content["exitStatus"] == number


@pytest.mark.parametrize("shell", ["zsh", "fish"])
async def test_other_shells_answer_whole_too(world: World, shell: str) -> None:
    world.shell = shutil.which(shell) or shell
    async with agent_at("stdio", world) as agent:
        for number in range(100):
            result = await agent.run(f"echo {number}; sh -c 'exit {number % 5}'")
            assert result["output"].strip() == str(number) and result["exitStatus"] == number % 5, result
        several = await agent.run("echo one\necho two # said\nsh -c 'exit 3'")
        assert several["output"].split() == ["one", "two"] and several["exitStatus"] == 3


async def test_a_shell_in_the_place_of_the_shell_is_no_timeout(agent: Agent) -> None:
    session = await agent.open_session()
    replaced = await agent.run("exec bash --norc", sessionId=session, timeoutMs=10_000)
    assert not replaced["timedOut"] and replaced["durationMs"] < 10_000, replaced
    assert (await agent.run("echo $((40 + 2))", sessionId=session))["output"].count("42"), replaced


async def test_a_pattern_is_waited_for_in_output_and_not_in_the_command(agent: Agent, world: World) -> None:
    session, go_on = await agent.open_session(), world.home / "go-on"
    command = f"until test -e {go_on}; do sleep 0.05; done; echo BUILD_OK"
    await agent.run(command, sessionId=session, timeoutMs=300)
    early = await agent.do("session_wait", sessionId=session, until={"pattern": "BUILD_OK"}, timeoutMs=500)
    assert not early["met"], early
    go_on.touch()
    await agent.wait_for(session, pattern="\nBUILD_OK")

    go_on.unlink()
    typed = await agent.type(session, command, enter=True)
    cursor = typed.content["cursor"]
    waiting = {"sessionId": session, "until": {"pattern": "BUILD_OK"}, "timeoutMs": 500}
    assert not (await agent.do("session_wait", cursor=cursor, **waiting))["met"]
    go_on.touch()
    await agent.wait_for(session, pattern="BUILD_OK")


async def test_a_tab_is_a_tab_to_a_shell_that_only_starts(agent: Agent, world: World) -> None:
    """Until its editor is there the terminal takes tabs for text, and the editor then for keys."""
    session = await agent.open_session()
    (world.home / "secret-key").write_text("nobody's business\n")
    (world.home / "slow").write_text("sleep 1\n")
    await agent.run(f"cd {world.home}; exec bash --rcfile slow", sessionId=session, timeoutMs=10_000)
    looked = await agent.run("cat sec\tx", sessionId=session)
    assert "nobody's business" not in looked["output"], looked
    assert "cat: sec" in looked["output"], looked


@pytest.mark.parametrize("shell", ["bash --norc", "zsh -f", "fish", "dash"])
async def test_a_tab_is_a_tab_in_a_shell_that_tells_nothing(agent: Agent, world: World, shell: str) -> None:
    """Its line editor would complete the name of a secret, and the gate judged something else."""
    session = await agent.open_session()
    (world.home / "secret-key").write_text("nobody's business\n")
    await agent.run(f"cd {world.home}; exec {shell}", sessionId=session, timeoutMs=10_000)
    looked = await agent.run("cat sec\tx", sessionId=session)
    assert "nobody's business" not in looked["output"], looked
    made = await agent.run("cat >mk <<'E'\nall:\n\ttrue\nE", sessionId=session)
    if not shell.startswith("fish"):
        await until("the file is made", lambda: (world.home / "mk").exists())
        assert (world.home / "mk").read_text() == "all:\n\ttrue\n", made
