"""The command line: one command through the gate, a verdict without running it, and
what helps a person to find their way."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import tomllib

import pytest

from agent import agent_on_http
from approvers import built, drop, drop_scripted, labelled
from waiting import until_blocking
from world import World

ESCAPE = re.compile(r"\x1b")


def test_run_prints_the_output_and_exits_with_the_commands_status(world: World) -> None:
    ran = world.quarterdeck("run", "echo out; (exit 7)")
    assert (ran.stdout, ran.returncode) == ("out\n", 7)
    assert world.quarterdeck("run", "true").returncode == 0
    assert world.quarterdeck("run", "cd /tmp && pwd").stdout == "/tmp\n"


def test_run_prints_everything(world: World) -> None:
    ran = world.quarterdeck("run", "seq 1 20000")
    assert ran.stdout.split() == [str(number) for number in range(1, 20_001)]
    assert ran.returncode == 0


def test_run_ends_what_is_not_over_in_time(world: World) -> None:
    ran = world.quarterdeck("run", "--timeout", "2", "echo begun; sleep 60")
    assert ran.returncode == 124, ran.stderr
    assert ran.stdout.startswith("begun") and "not over after 2 s" in ran.stderr


def test_run_is_quiet_where_nobody_reads_on(world: World) -> None:
    into_head = f"{world.binary} run 'seq 1 200000; (exit 3)' | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", into_head], env=world.env, capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("1\n3\n", "")


def test_run_prints_nothing_of_the_shells_own_end(world: World) -> None:
    for command, printed, status in [("exit 3", "", 3), ("echo out; exit", "out\n", 0), ("echo exit", "exit\n", 0)]:
        ran = world.quarterdeck("run", command)
        assert (ran.stdout, ran.returncode) == (printed, status), command


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_run_exits_as_the_signal_says_that_ended_it(world: World, told: signal.Signals) -> None:
    begun = world.home / "begun"
    run = world.start("run", f"touch {begun}; sleep 4321")
    until_blocking("the command runs", begun.exists)
    run.send_signal(told)
    assert run.wait(timeout=20) == 128 + told


def test_a_cache_that_cannot_be_written_to_stops_nothing(world: World) -> None:
    world.home.joinpath("no-folder").write_text("")
    env = {"XDG_CACHE_HOME": str(world.home / "no-folder")}
    ran = world.quarterdeck("run", "echo all the same", env=env)
    assert (ran.stdout, ran.returncode) == ("all the same\n", 0), ran.stderr
    assert world.quarterdeck("check", "ls", env=env).returncode == 0


def test_the_audit_log_before_there_is_one(world: World) -> None:
    for command in (["list"], ["export"], ["shadows"], ["verify"]):
        said = world.quarterdeck("audit", *command)
        assert said.returncode == 1 and "a host makes it when it starts" in said.stderr, said


def test_install_knows_the_home_folder_without_its_variable(world: World) -> None:
    shown = world.quarterdeck("install", "claude-code", "--dry-run", env={"HOME": ""})
    assert shown.returncode == 0, shown.stderr


def test_run_passes_a_pipe_on_to_the_command(world: World) -> None:
    ran = world.quarterdeck("run", "cat # all of it", input="hi\nthere\n")
    assert (ran.stdout, ran.returncode) == ("hi\nthere\n", 0), ran
    much = "".join(f"{number}\n" for number in range(50_000))
    assert world.quarterdeck("run", "wc -l", input=much).stdout.strip() == "50000"
    assert world.quarterdeck("run", "echo unread; (exit 3)", input=much).returncode == 3
    read = world.quarterdeck("run", "read -r line; echo \"<$line>\"; cat <<'.'\nof its own\n.", input="first\nsecond\n")
    assert read.stdout == "<first>\nof its own\n", read


def test_run_reads_a_file_from_where_it_stands(world: World) -> None:
    lines = world.home / "lines"
    lines.write_text("one\ntwo\n")
    with lines.open() as file:
        file.seek(4)
        ran = subprocess.run(
            [world.binary, "run", "cat"], env=world.env, cwd=world.home, stdin=file, capture_output=True, text=True
        )
    assert (ran.stdout, ran.returncode) == ("two\n", 0), ran


def test_run_with_nothing_to_read_comes_to_its_end(world: World) -> None:
    ran = world.quarterdeck("run", "cat; echo over")
    assert (ran.stdout, ran.returncode) == ("over\n", 0), ran


def test_what_a_shell_reads_is_no_way_past_the_gate(world: World) -> None:
    assert world.quarterdeck("run", "bash").returncode == 0, "there is nothing to read"
    for program in ("bash", "sh -s", "xargs rm -rf"):
        ran = world.quarterdeck("run", program, input=f"rm -rf {world.victim}\n")
        assert ran.returncode == 126 and "not run" in ran.stderr, ran
    assert world.ran("rm") == [] and world.victim.exists()


def test_an_allow_rule_holds_for_run_without_input(world: World) -> None:
    drop_scripted(world, "house-rule", match="ship it", tier="review", reason="The house rule.")
    assert world.quarterdeck("run", "echo ship it").returncode == 126
    assert world.quarterdeck("rule", "allow", "echo ship it").returncode == 0
    ran = world.quarterdeck("run", "echo ship it")
    assert (ran.stdout, ran.returncode) == ("ship it\n", 0), ran


def test_run_tells_the_signal_that_ended_its_shell(world: World) -> None:
    ran = world.quarterdeck("run", "kill -9 $$")
    assert ran.returncode == 128 + 9 and "SIGKILL" in ran.stderr, ran


@pytest.mark.parametrize(("tier", "status"), [("safe", 0), ("review", 10), ("dangerous", 20)])
def test_check_tells_the_tier_by_its_exit_status(world: World, tier: str, status: int) -> None:
    drop_scripted(world, "house-rule", match="ship it", tier=tier, reason="The house rule.")
    checked = world.quarterdeck("check", "echo ship it")
    assert checked.returncode == status, checked
    assert tier in checked.stdout
    verdict = json.loads(world.quarterdeck("check", "echo ship it", "--json").stdout)
    assert verdict["tier"] == tier
    assert {"tier", "reason", "rule", "policy", "generation", "certainty"} <= verdict.keys()


def test_check_runs_nothing(world: World) -> None:
    checked = world.quarterdeck("check", "rm -rf ~")
    assert checked.returncode == 20 and world.ran("rm") == [] and world.victim.exists()
    empty = world.quarterdeck("check", " ")
    assert empty.returncode not in (0, 10, 20) and "command is empty" in empty.stderr


def test_check_asks_the_same_rules_as_every_other_door(world: World) -> None:
    drop(world, "approver-git-push", built("approver-git-push"))
    assert world.quarterdeck("check", "git push").returncode == 20
    assert world.quarterdeck("check", "git status").returncode == 0


async def test_plugin_list_tells_what_policy_list_tells(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        by_tool = {name: policy["digest"] for name, policy in (await agent.policies()).items()}
    listed = json.loads(world.quarterdeck("plugin", "list", "--json").stdout)
    entries = listed["policies"] if isinstance(listed, dict) else listed
    assert {entry["name"]: entry["digest"] for entry in entries} == by_tool
    table = world.quarterdeck("plugin", "list")
    assert table.returncode == 0 and "safety-tiers" in table.stdout


async def test_policy_list_says_who_made_a_policy(world: World) -> None:
    component = labelled(built("scripted-approver"), version="3.2.1", authors="Ada <ada@example.org>")
    drop(world, "guard", component)
    async with agent_on_http(world.serve()) as agent:
        guard = (await agent.policies())["guard"]
        told = await agent.call("policy_list")
    made = {key: guard.get(key) for key in ("version", "authors", "size")}
    assert made == {"version": "3.2.1", "authors": "Ada <ada@example.org>", "size": len(component)}
    assert "guard 3.2.1 (approver" in told.text


def test_doctor_says_what_was_found_and_what_to_do(world: World) -> None:
    looked = world.quarterdeck("doctor")
    for found in ("bash", "tmux", "iTerm2", "safety-tiers", str(world.plugins_dir), str(world.state_dir)):
        assert found.lower() in looked.stdout.lower(), f"doctor says nothing about {found}:\n{looked.stdout}"
    looked = world.quarterdeck("doctor", env={"QUARTERDECK_SESSIONS_COLUMNS": "100"})
    assert "QUARTERDECK_SESSIONS_COLUMNS" in looked.stdout and "all defaults" not in looked.stdout


def test_config_prints_an_annotated_default_that_can_be_used(world: World) -> None:
    printed = world.quarterdeck("config")
    assert printed.returncode == 0 and printed.stdout.count("#") > 10
    tomllib.loads(printed.stdout)
    world.configure(printed.stdout)
    assert world.quarterdeck("run", "echo configured").stdout == "configured\n"


def test_every_commented_default_is_a_setting_that_exists(world: World) -> None:
    """Uncommenting the defaults changes nothing and is not an error."""
    printed = world.quarterdeck("config").stdout
    uncommented = re.sub(r"(?m)^# ?(?=[a-z_]+ = |\[)", "", printed)
    tomllib.loads(uncommented)
    world.configure(uncommented)
    ran = world.quarterdeck("run", "echo configured")
    assert ran.stdout == "configured\n", ran


def test_a_mistake_in_the_configuration_is_pointed_at(world: World) -> None:
    world.configure('[gate]\nmode = "enforced"\n')
    failed = world.quarterdeck("run", "echo hello")
    assert failed.returncode != 0 and failed.stdout == ""
    assert "config.toml" in failed.stderr and "enforced" in failed.stderr and "enforce" in failed.stderr
    world.configure("[gate]\nmood = 1\n")
    failed = world.quarterdeck("run", "echo hello")
    assert failed.returncode != 0 and "mood" in failed.stderr, "a misspelt setting is not passed over"


def test_flags_go_before_the_environment_and_that_before_the_file(world: World) -> None:
    from_file, from_env, from_flag = (world.root / name for name in ("file", "env", "flag"))
    for directory, word in ((from_file, "apple"), (from_env, "pear"), (from_flag, "plum")):
        directory.mkdir()
        (directory / "rule.toml").write_text(f'[config]\nmatch = "{word}"\n')
        (directory / "rule.wasm").write_bytes(built("scripted-approver"))
    printed = world.quarterdeck("config").stdout
    key = re.search(r"(?m)^#? ?(plugins_dir|plugins-dir|directory)\b", printed)
    assert key, f"the default file does not name the plugins directory:\n{printed}"

    def refused(word: str, *flags: str, env: dict[str, str] | None = None) -> bool:
        return world.quarterdeck("check", f"echo {word}", *flags, env=env).returncode == 20

    assert refused("pear", env={"QUARTERDECK_PLUGINS_DIR": str(from_env)})
    assert not refused("apple", env={"QUARTERDECK_PLUGINS_DIR": str(from_env)})
    assert refused("plum", "--plugins-dir", str(from_flag), env={"QUARTERDECK_PLUGINS_DIR": str(from_env)})


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_load_in_their_shell(world: World, shell: str) -> None:
    script = world.quarterdeck("completions", shell)
    assert script.returncode == 0 and "quarterdeck" in script.stdout
    path = shutil.which(shell)
    assert path, f"{shell} is not installed; tests/run prepare installs it"
    parsed = subprocess.run(
        [path, "-n"], input=script.stdout, text=True, capture_output=True, env=world.env, check=False
    )
    assert parsed.returncode == 0, parsed.stderr


def test_version_and_help(world: World) -> None:
    version = world.quarterdeck("--version")
    assert re.fullmatch(r"quarterdeck \d+\.\d+\.\d+\S*\n", version.stdout) and version.returncode == 0
    shown = world.quarterdeck("--help")
    for command in ("serve", "mcp", "run", "check", "approve", "plugin", "doctor", "completions", "config"):
        assert re.search(rf"(?m)^\s+{command}\b", shown.stdout), f"--help does not tell of {command}"
        assert world.quarterdeck(command, "--help").returncode == 0


def test_a_mistyped_command_is_helped(world: World) -> None:
    failed = world.quarterdeck("serv")
    assert failed.returncode == 2 and "serve" in failed.stderr and failed.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["doctor"], ["plugin", "list"], ["check", "rm -rf ~"], ["config"], ["run", "echo plain"], ["serv"]],
    ids=" ".join,
)
def test_no_colours_into_a_pipe(world: World, arguments: list[str]) -> None:
    piped = world.quarterdeck(*arguments)
    assert not ESCAPE.search(piped.stdout) and not ESCAPE.search(piped.stderr), piped


def test_the_serve_banner_has_no_colours_in_a_file(world: World) -> None:
    assert not ESCAPE.search(world.serve().banner)


def test_commands_work_with_no_home_to_write_to(world: World) -> None:
    """A read-only or missing home is told of, not panicked about."""
    failed = world.quarterdeck(
        "check", "echo x", env={"XDG_STATE_HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere"}
    )
    assert "panicked" not in failed.stderr
    assert failed.returncode in (0, 1, 2) and (failed.returncode == 0 or "/proc/nowhere" in failed.stderr)


def test_closed_output_ends_quietly(world: World) -> None:
    shown = subprocess.run(
        ["sh", "-c", f"{world.binary} config | head -1"], env=world.env, capture_output=True, text=True, check=False
    )
    assert "panicked" not in shown.stderr and shown.returncode == 0
