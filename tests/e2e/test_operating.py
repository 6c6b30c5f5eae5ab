"""Operating it: a service, its log, a look from a terminal, backups, manual pages, a bundle."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from agent import agent_on_http, agent_on_stdio
from waiting import until, until_blocking
from world import World, free_port

REPOSITORY = Path(__file__).resolve().parents[2]


# As a service.


@pytest.fixture
def systemd(world: World) -> Path:
    """A stand-in for systemd: writes down what it is told."""
    world.stand_in("systemctl")
    return world.root / "config" / "systemd" / "user" / "quarterdeck.service"


def taken_by_systemd(world: World, unit: Path) -> tuple[int, str]:
    """What the real systemd says of a unit, which it reads without starting it."""
    command = ["systemd-analyze", "--user", "verify", str(unit)]
    said = subprocess.run(command, env=world.env, capture_output=True, text=True)
    return said.returncode, said.stderr


def test_a_service_is_installed_looked_after_and_removed(world: World, systemd: Path) -> None:
    shown = world.quarterdeck("service", "install", "--dry-run")
    assert shown.returncode == 0 and "ExecStart=" in shown.stdout
    assert not systemd.exists() and world.ran("systemctl") == []

    installed = world.quarterdeck("service", "install")
    assert installed.returncode == 0, installed.stderr
    unit = systemd.read_text()
    assert f'ExecStart="{world.binary}" "serve"' in unit and "WantedBy=default.target" in unit
    assert world.ran("systemctl") == ["--user daemon-reload", "--user enable --now quarterdeck.service"]
    assert taken_by_systemd(world, systemd) == (0, "")
    wrong = systemd.with_name("wrong.service")
    wrong.write_text(unit.replace("ExecStart", "ExecStrat"))
    assert "ExecStrat" in taken_by_systemd(world, wrong)[1], "it would say so"

    status = world.quarterdeck("service", "status")
    assert status.returncode == 3 and str(systemd) in status.stdout, "systemd says so, but no host answers"
    world.serve()
    status = world.quarterdeck("service", "status")
    assert status.returncode == 0 and "answers" in status.stdout

    removed = world.quarterdeck("service", "uninstall")
    assert removed.returncode == 0 and not systemd.exists()
    assert "--user disable --now quarterdeck.service" in world.ran("systemctl")
    assert world.quarterdeck("service", "uninstall").returncode == 0


def test_a_service_manager_that_refuses_is_quoted(world: World, systemd: Path) -> None:
    world.stand_in("systemctl", then="echo 'Failed to connect to bus' >&2; exit 1")
    refused = world.quarterdeck("service", "install")
    assert refused.returncode == 1 and "Failed to connect to bus" in refused.stderr
    assert "quarterdeck serve" in refused.stderr, "it says what to do"
    assert not systemd.exists(), "nothing is left half done"

    systemd.parent.mkdir(parents=True, exist_ok=True)
    systemd.write_text("[Service]\n")
    removed = world.quarterdeck("service", "uninstall")
    assert removed.returncode == 0 and not systemd.exists()


def test_a_service_starts_with_the_settings_that_it_was_installed_with(world: World, systemd: Path) -> None:
    """What the unit says is what starts: with the same flags, settings and folders."""
    (world.home / "my settings.toml").write_text('[sessions]\nshell = "/bin/sh"\n')
    plugins = world.root / "my $plugins"
    plugins.mkdir()
    flags = ["--config", "my settings.toml", "--plugins-dir", str(plugins), "--gate", "warn"]
    port = str(free_port())
    setting = {"QUARTERDECK_LISTEN": f"127.0.0.1:{port}", "QUARTERDECK_NOPE": "1"}
    installed = world.quarterdeck(*flags, "service", "install", env=setting)
    assert installed.returncode == 0, installed.stderr
    assert systemd.stat().st_mode & 0o077 == 0, "a setting may be a login"
    assert taken_by_systemd(world, systemd) == (0, "")

    unit = systemd.read_text().replace("%%", "%").replace("$$", "$")
    command = shlex.split(re.search("^ExecStart=(.*)$", unit, re.M)[1])
    variables = dict(shlex.split(line)[0].split("=", 1) for line in re.findall("^Environment=(.*)$", unit, re.M))
    assert "QUARTERDECK_NOPE" not in variables and variables["QUARTERDECK_LISTEN"] == setting["QUARTERDECK_LISTEN"]
    bare = {name: world.env[name] for name in ("PATH", "HOME", "XDG_RUNTIME_DIR", "TEST_WORLD_OF_QUARTERDECK")}
    log = world.root / "service.log"
    with log.open("wb") as stream:
        subprocess_of_unit = subprocess.Popen(command, env={**bare, **variables}, cwd="/", stdout=stream, stderr=stream)
    world.started.append(subprocess_of_unit)
    until_blocking("it serves", lambda: "Stop with" in log.read_text())
    assert f":{port}/mcp" in log.read_text() and "gate            warn" in log.read_text()
    assert str(world.state_dir) in log.read_text(), "in the same folders"


async def test_an_agent_installs_no_service(world: World, systemd: Path) -> None:
    world.configure('[gate]\nmode = "warn"\n')
    async with agent_on_http(world.serve()) as agent:
        ran = await agent.run(f"{world.binary} service install")
        assert ran["exitStatus"] == 1 and "inside a hosted session" in ran["output"]
        assert not systemd.exists()


# Its log.


def test_the_log_of_a_host_is_kept(world: World) -> None:
    nothing = world.quarterdeck("logs")
    assert nothing.returncode == 1 and "no logs" in nothing.stderr
    (world.plugins_dir).mkdir(parents=True)
    (world.plugins_dir / "broken.wasm").write_bytes(b"no component")
    host = world.serve()
    until_blocking("the host complains", lambda: "broken" in world.quarterdeck("logs").stdout)
    host.stop()
    lines = world.quarterdeck("logs").stdout.splitlines()
    assert lines and all(re.match(r"\d{4}-\d\d-\d\dT", line) for line in lines), lines
    assert world.quarterdeck("logs", "-n", "1").stdout.splitlines() == lines[-1:]
    (log,) = (world.state_dir / "log").iterdir()
    assert log.name.startswith("host.") and "\x1b" not in log.read_text()


def test_a_log_is_followed(world: World) -> None:
    world.serve()
    until_blocking("there is a log", lambda: world.quarterdeck("logs").returncode == 0)
    following = world.start("logs", "--follow", stdout=subprocess.PIPE)
    world.plugins_dir.mkdir(parents=True, exist_ok=True)
    (world.plugins_dir / "broken.wasm").write_bytes(b"no component")
    assert following.stdout is not None
    os.set_blocking(following.stdout.fileno(), False)
    seen = b""

    def complaint_is_seen() -> bool:
        nonlocal seen
        seen += following.stdout.read() or b""
        return b"broken" in seen

    until_blocking("the complaint is seen as it comes", complaint_is_seen)


# From a terminal.


async def test_top_shows_sessions_as_they_are(world: World) -> None:
    world.configure('[gate]\nmode = "warn"\n')
    host = world.serve()
    async with agent_on_http(host) as agent:
        busy = await agent.open_session(name="busy")
        await agent.type(busy, "while :; do :; done", enter=True)
        idle = await agent.open_session(name="idle")
        await agent.run("echo done", sessionId=idle)

        def glance() -> dict:
            return json.loads(world.quarterdeck("top", "--json").stdout)

        async def busy_is_seen() -> bool:
            sessions = {session["name"]: session for session in glance()["sessions"]}
            return sessions["busy"]["cpu"] > 20 and sessions["idle"]["lastCommand"] == "echo done"

        await until("the busy one is seen", busy_is_seen)
        lines = world.quarterdeck("top").stdout.splitlines()
        assert "2 sessions" in lines[0] and lines[2].startswith(busy) and lines[3].startswith(idle)

        # In a terminal it goes on, and takes keys.
        watching = await agent.open_session(name="watching", columns=120, rows=20)
        await agent.at_prompt(watching)
        await agent.type(watching, f"{world.binary} top --every 0.1", enter=True)
        await agent.wait_for(watching, pattern="3 sessions")
        shown = (await agent.screen(watching)).splitlines()
        assert any(line.startswith(busy) and "while :" in line for line in shown), shown
        await agent.do("session_close", sessionId=idle)
        await agent.wait_for(watching, pattern="2 sessions")
        await agent.type(watching, "q")
        await agent.at_prompt(watching)


def test_top_without_a_host_says_so(world: World) -> None:
    nobody = world.quarterdeck("top")
    assert nobody.returncode == 1 and "quarterdeck serve" in nobody.stderr


def test_top_of_a_host_without_sessions_shows_nothing_used(world: World) -> None:
    world.serve()
    shown = world.quarterdeck("top", "--once").stdout
    assert "0 sessions, 0.0 % of a core, 0 MB, 0 commands wait" in shown, shown


# What doctor finds.


def test_doctor_says_when_the_disk_is_short(world: World) -> None:
    assert " MB are free for " in world.quarterdeck("doctor").stdout
    world.configure("[monitor]\nfree_disk_mb = 1000000000\nhealth_seconds = 1\n")
    short = world.quarterdeck("doctor")
    assert short.returncode == 1 and re.search("wrong disk: .* make room", short.stdout), short.stdout
    # So does a host that runs, and top names the reason.
    world.serve()
    assert re.search("running host: answers .* is critical: .*MB are free", world.quarterdeck("doctor").stdout)
    assert re.search("! .*MB are free on the disk", world.quarterdeck("top", "--once").stdout)


def test_settings_that_others_may_write_are_refused(world: World) -> None:
    """Whoever writes them could switch the gate off."""
    world.configure("[gate]\nmode = 'off'\n")
    assert world.quarterdeck("doctor").returncode == 0
    file = world.config_dir / "config.toml"
    for open_to_all, mode in [(file, 0o666), (world.config_dir, 0o777)]:
        before = open_to_all.stat().st_mode
        open_to_all.chmod(mode)
        for command in (["doctor"], ["run", "rm -rf ~"], ["serve", "--listen", "127.0.0.1:0"]):
            refused = world.quarterdeck(*command)
            assert refused.returncode in (1, 125) and "others may write" in refused.stderr, refused
            assert f"chmod go-w {open_to_all}" in refused.stderr, refused
        open_to_all.chmod(before)
    assert world.ran("rm") == [] and world.victim.exists()
    assert world.quarterdeck("doctor").returncode == 0


# Commands that are soon over.


def test_a_command_beside_a_host_says_nothing_of_files(world: World) -> None:
    world.serve()
    ran = world.quarterdeck("run", "echo hi")
    assert (ran.stdout, ran.stderr) == ("hi\n", ""), ran


def test_a_status_that_nobody_knows_is_no_success(world: World) -> None:
    ran = world.quarterdeck("run", "false", env={"QUARTERDECK_SESSIONS_SHELL": "/bin/dash"})
    assert ran.returncode == 125 and "how it ended is unknown" in ran.stderr, ran


def test_what_cannot_be_printed_is_told_plainly(world: World) -> None:
    with open("/dev/full", "wb") as full:
        for command in (["config"], ["check", "ls"], ["plugin", "list"], ["doctor"]):
            failed = world.start(*command, stdout=full, stderr=subprocess.PIPE)
            assert failed.stderr is not None
            said = failed.stderr.read().decode()
            assert failed.wait(30) == 1 and "No space left" in said and "panicked" not in said, (command, said)


def test_whoever_has_read_enough_rows_ends_the_export(world: World) -> None:
    for number in range(3):
        assert world.quarterdeck("check", f"echo {number}").returncode == 0
    exporting = world.start("audit", "export", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert exporting.stdout is not None and exporting.stderr is not None
    exporting.stdout.close()
    assert exporting.wait(20) == 0 and exporting.stderr.read() == b""


# Backups.


async def test_a_backup_of_a_running_host_is_put_back(world: World) -> None:
    archive = world.root / "backup.tar"
    host = world.serve()
    async with agent_on_http(host) as agent:
        await agent.run("echo before the backup")
        backed_up = world.quarterdeck("backup", str(archive))
        assert backed_up.returncode == 0, backed_up.stderr
        assert archive.stat().st_mode & 0o077 == 0, "it quotes commands"
        await agent.run("echo after the backup")
    assert world.quarterdeck("backup", str(archive)).returncode == 1, "nothing is overwritten"
    running = world.quarterdeck("restore", str(archive))
    assert running.returncode == 1 and "stop it first" in running.stderr
    host.stop()

    restored = world.quarterdeck("restore", str(archive))
    assert restored.returncode == 0, restored.stderr
    listed = world.quarterdeck("audit", "list").stdout
    assert "before the backup" in listed and "after the backup" not in listed
    assert world.quarterdeck("audit", "verify").returncode == 0
    first = (world.state_dir / "audit.sqlite.before").read_bytes()
    # A second one keeps what the first one replaced.
    assert world.quarterdeck("restore", str(archive)).returncode == 0
    assert (world.state_dir / "audit.sqlite.before").read_bytes() == first
    assert (world.state_dir / "audit.sqlite.before-2").exists()
    async with agent_on_stdio(world) as agent:
        assert (await agent.run("echo on we go"))["exitStatus"] == 0


def test_a_damaged_backup_changes_nothing(world: World) -> None:
    world.quarterdeck("run", "true")
    before = world.audit_log.read_bytes()
    archive = world.root / "backup.tar"
    assert world.quarterdeck("backup", str(archive)).returncode == 0
    content = bytearray(archive.read_bytes())
    content[2_000:6_000] = b"\xff" * 4_000
    archive.write_bytes(content)
    refused = world.quarterdeck("restore", str(archive))
    assert refused.returncode == 1, refused
    assert world.audit_log.read_bytes() == before
    archive.write_text("not an archive at all")
    assert world.quarterdeck("restore", str(archive)).returncode == 1


def test_damaged_figures_of_the_past_keep_no_host_from_starting(world: World) -> None:
    assert world.quarterdeck("run", "true").returncode == 0
    noise = os.urandom(20_000)
    (world.state_dir / "metrics.sqlite").write_bytes(noise)
    host = world.serve()
    until_blocking("the log tells", lambda: "metrics.sqlite is damaged" in world.quarterdeck("logs").stdout)
    assert (world.state_dir / "metrics.sqlite.damaged-1").read_bytes() == noise
    host.stop()
    for kept in ("audit.sqlite", "store.sqlite"):
        file = world.state_dir / kept
        before = file.read_bytes()
        file.write_bytes(noise)
        refused = world.quarterdeck("serve", "--listen", "127.0.0.1:0")
        assert refused.returncode == 1 and str(file) in refused.stderr and "quarterdeck restore" in refused.stderr
        file.write_bytes(before)


# Manual pages, and a bundle for one click.


def test_there_is_a_manual_page_for_each_command(world: World) -> None:
    folder = world.root / "man"
    assert world.quarterdeck("man", str(folder)).returncode == 0
    pages = {page.name for page in folder.iterdir()}
    assert {"quarterdeck.1", "quarterdeck-serve.1", "quarterdeck-plugin-add.1", "quarterdeck-top.1"} <= pages
    assert "quarterdeck-relay.1" not in pages, "what only hosts call has none"
    assert ".TH quarterdeck" in (folder / "quarterdeck.1").read_text()


async def test_a_bundle_is_packed_and_speaks_mcp(world: World) -> None:
    packed = subprocess.run(
        [sys.executable, REPOSITORY / "packaging" / "pack", world.binary, world.root / "dist", "--owner", "someone"],
        capture_output=True,
        text=True,
    )
    assert packed.returncode == 0, packed.stderr
    (bundle,) = (world.root / "dist").glob("*.mcpb")
    unpacked = world.root / "unpacked"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(unpacked)
    manifest = json.loads((unpacked / "manifest.json").read_text())
    server = manifest["server"]
    assert manifest["manifest_version"] == "0.3" and server["type"] == "binary"
    program = unpacked / server["entry_point"]
    program.chmod(0o755)
    command = server["mcp_config"]["command"].replace("${__dirname}", str(unpacked))
    assert Path(command) == program
    parameters = StdioServerParameters(
        command=command, args=server["mcp_config"]["args"], env=world.env, cwd=world.home
    )
    async with Client(stdio_client(parameters)) as client:
        assert "session_run" in {tool.name for tool in (await client.list_tools()).tools}
    program.unlink()

    entry = json.loads((world.root / "dist" / "server.json").read_text())
    (package,) = entry["packages"]
    assert entry["name"] == "io.github.someone/quarterdeck" and len(entry["description"]) <= 100
    assert package["registryType"] == "mcpb" and package["transport"] == {"type": "stdio"}
    assert re.fullmatch("[0-9a-f]{64}", package["fileSha256"])
    assert entry["version"] == manifest["version"]


@pytest.mark.parametrize("backend", ["pty", "tmux"])
async def test_a_host_may_open_more_files_than_its_sessions(world: World, backend: str) -> None:
    """A thousand listeners need more than a login shell is given; programs that use
    `select` rely on the little that they are given."""
    # A server of this story's own: one that runs already has limits of its own.
    world.configure(f'[sessions]\ntmux_socket = "quarterdeck-test-{world.mark}"\n')
    few = 300
    own, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))  # inherited by what is started
    try:
        host = world.serve()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (own, most))
    assert resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE)[0] > few
    async with agent_on_http(host) as agent:
        session = await agent.open_session(backend=backend)
        assert (await agent.run("ulimit -n", sessionId=session))["output"] == f"{few}\n"
