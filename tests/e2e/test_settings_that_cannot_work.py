"""An operator's mistakes: in the configuration, on the command line, with signals."""

from __future__ import annotations

import os
import pty
import re
import resource
import signal
import socket
from pathlib import Path

import pytest

from agent import agent_on_http, agent_on_stdio
from waiting import until_blocking
from world import World, accepts_connections, free_port


@pytest.mark.parametrize("named_by", ["flag", "environment"])
def test_a_configuration_that_was_named_and_is_not_there_is_refused(world: World, named_by: str) -> None:
    """A slip in a unit file must not start a host with less strict defaults."""
    missing = str(world.root / "nope.toml")
    flags, env = (["--config", missing], {}) if named_by == "flag" else ([], {"QUARTERDECK_CONFIG": missing})
    for command in (["serve"], ["check", "true"], ["doctor"]):
        refused = world.quarterdeck(*flags, *command, env=env)
        assert refused.returncode == 1 and missing in refused.stderr, refused


def test_a_variable_that_is_empty_is_as_good_as_none(world: World) -> None:
    empty = {"QUARTERDECK_CONFIG": "", "MCP_TERMINAL_BACKEND": "", "QUARTERDECK_AGENT": ""}
    ran = world.quarterdeck("run", "echo hi", env=empty)
    assert (ran.stdout, ran.returncode) == ("hi\n", 0), ran
    assert world.quarterdeck("--config", "", "check", "ls").returncode not in (0, 10, 20), "a person wrote that"


def test_doctor_looks_at_the_configuration_that_is_in_use(world: World) -> None:
    other = world.root / "other.toml"
    other.write_text('[gate]\nmode = "warn"\n')
    assert str(other) in world.quarterdeck("--config", str(other), "doctor").stdout


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ('listen = "nonsense"', "listen"),
        ("[sessions]\ncolumns = 70000", "sessions.columns"),
        ("[sessions]\nmax = 0", "sessions.max"),
        ('[gate]\nmode = "x"', "gate.mode"),
        ("[policies]\nmemory_mib = 0", "policies.memory_mib"),
        ('[policies]\nrequired = "guard"', "policies.required"),
        ('[rate_limits]\napply_to = ["x"]', "rate_limits.apply_to"),
        ('[log]\nlevel = "x"', "log.level"),
    ],
)
def test_a_refusal_names_the_setting_its_value_and_the_file(world: World, text: str, setting: str) -> None:
    world.configure(text)
    refused = world.quarterdeck("serve")
    value = text.partition(" = ")[2]
    assert refused.returncode == 1, refused
    for said in (f"{setting} is {value}", str(world.config_dir / "config.toml")):
        assert said in refused.stderr, refused.stderr


def test_what_is_doubtful_is_said_by_doctor_and_at_the_start(world: World) -> None:
    world.configure('[sessions]\nshell = "/nope"\n[recovery]\nstrategy = "nope"\n')
    port = free_port()
    env = {"QUARTERDECK_LISTEN": f"0.0.0.0:{port}", "QUARTERDECK_NOPE": "1"}
    examined = world.quarterdeck("doctor", env=env)
    doubts = ["sessions.shell", "recovery.strategy", "other machines can reach", "QUARTERDECK_NOPE"]
    assert examined.returncode == 1
    assert [doubt for doubt in doubts if doubt not in examined.stdout] == []

    world.start("serve", env=env)
    until_blocking("the host listens", lambda: accepts_connections(port))
    logged = lambda: world.quarterdeck("logs").stdout  # noqa: E731
    until_blocking("its log says so, too", lambda: all(doubt in logged() for doubt in doubts))


async def test_a_host_that_serves_lives_on_after_signals_that_are_not_for_it(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        for sent in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            host.process.send_signal(sent)
            assert (await agent.run("echo on"))["output"] == "on\n"
    until_blocking("the operator reads why", lambda: "SIGHUP changes nothing" in world.quarterdeck("logs").stdout)
    assert host.stop() == 0


def test_a_host_ends_with_the_terminal_that_it_was_started_from(world: World) -> None:
    port = free_port()
    arguments = [str(world.binary), "serve", "--listen", f"127.0.0.1:{port}"]
    child, terminal = pty.fork()
    if child == 0:
        os.execve(arguments[0], arguments, world.env)
    until_blocking("the host listens", lambda: accepts_connections(port))
    os.kill(child, signal.SIGHUP)
    log = world.state_dir / "log"
    until_blocking("it has heard", lambda: any("SIGHUP" in file.read_text() for file in log.iterdir()))
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        pass
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not Path(world.runtime / "quarterdeck" / "host.sock").exists()


async def test_sessions_are_refused_before_the_host_runs_out_of_files(world: World) -> None:
    """A host without a free descriptor would take no connection any more."""
    few = 260
    own = resource.getrlimit(resource.RLIMIT_NOFILE)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))

    port = free_port()
    world.start("serve", "--listen", f"127.0.0.1:{port}", preexec_fn=limit)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == own
    until_blocking("the host listens", lambda: accepts_connections(port))
    async with agent_on_stdio(world) as agent:
        opened = 0
        while not (outcome := await agent.call("session_create")).is_error:
            opened += 1
        assert opened == (few - 200) // 3 and "close" in outcome.text, outcome
    assert world.quarterdeck("top", "--once").returncode == 0
    until_blocking("the log tells", lambda: "sessions.max is 1000" in world.quarterdeck("logs").stdout)


def test_a_log_says_when_the_host_began_and_ended(world: World) -> None:
    host = world.serve()
    host.stop()
    lines = world.quarterdeck("logs").stdout.splitlines()
    assert f":{host.port}" in lines[0] and "has ended" in lines[-1]
    assert (world.state_dir / "log").stat().st_mode & 0o077 == 0
    assert [lock for lock in world.state_dir.glob("*.lock") if lock.stat().st_mode & 0o077] == []


def test_what_is_no_backup_is_not_quoted(world: World) -> None:
    refused = world.quarterdeck("restore", "/etc/passwd")
    assert refused.returncode == 1 and "quarterdeck backup" in refused.stderr and "root:" not in refused.stderr


def test_a_folder_for_sockets_in_tmp_goes_with_its_host(world: World) -> None:
    far = {"XDG_RUNTIME_DIR": "", "XDG_STATE_HOME": str(world.root / "very-long" / ("x" * 90))}
    before = set(Path("/tmp").glob("quarterdeck-*"))
    port = free_port()
    host = world.start("serve", "--listen", f"127.0.0.1:{port}", env=far)
    until_blocking("the host listens", lambda: accepts_connections(port))
    found = world.quarterdeck("doctor", env=far).stdout
    folder = Path(re.search(r"sockets in (/tmp/quarterdeck-\S+)", found)[1])
    assert folder.is_dir() and folder not in before
    host.terminate()
    assert host.wait(timeout=20) == 0
    assert not folder.exists()
