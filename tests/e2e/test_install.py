"""Installing into agents' configurations: everything else stays, and it comes out again."""

from __future__ import annotations

import json
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from hooks import CLAUDE_CODE, like_claude
from world import World

CLAUDE_SETTINGS = """{
  "permissions": { "allow": ["Bash(ls:*)"],   "deny": [] },
  "hooks": {
    "PreToolUse": [
      { "matcher": "Write", "hooks": [{ "type": "command", "command": "lint.sh" }] }
    ]
  },
  "model": "opus"
}
"""

CODEX_CONFIG = """# mine
model = "o5"   # the fast one

[mcp_servers.other]
command = "other"
args = ["--x"]

[profiles.work]
model = "o5-pro"
"""

VSCODE_MCP = """{
\t// servers of mine
\t"servers": {
\t\t"other": { "type": "http", "url": "https://example.org/mcp" }, // keep
\t},
\t"inputs": [],
}
"""

FILES: dict[str, dict[str, str]] = {
    "claude-code": {
        "home/.claude.json": '{"numStartups": 12, "projects": {"/work": {"history": ["one", "two"]}}}',
        "home/.claude/settings.json": CLAUDE_SETTINGS,
    },
    "claude-desktop": {"config/Claude/claude_desktop_config.json": '{\n  "mcpServers": {}\n}\n'},
    "cursor": {
        "home/.cursor/mcp.json": '{"mcpServers": {"other": {"command": "x"}}}\n',
        "home/.cursor/hooks.json": '{\n  "version": 1,\n  "hooks": {}\n}\n',
    },
    "vscode": {"config/Code/User/mcp.json": VSCODE_MCP},
    "codex": {"home/.codex/config.toml": CODEX_CONFIG, "home/.codex/hooks.json": '{"hooks": {}}\n'},
    "gemini": {"home/.gemini/settings.json": '{\n    "theme": "GitHub" // bright\n}\n'},
    "copilot": {"home/.copilot/mcp-config.json": '{ "mcpServers": { } }', "home/.copilot/hooks/quarterdeck.json": ""},
    "opencode": {
        "config/opencode/opencode.json": '{\n  "theme": "system"\n}\n',
        "config/opencode/plugin/quarterdeck.js": "",
    },
}


@pytest.fixture(params=FILES, ids=str)
def coding_agent(request: pytest.FixtureRequest) -> str:
    return request.param


def files(world: World, coding_agent: str) -> dict[Path, str]:
    """The agent's files with what stands in them; one that begins empty is not there."""
    return {world.root / name: text for name, text in FILES[coding_agent].items()}


def write(world: World, coding_agent: str) -> None:
    for path, text in files(world, coding_agent).items():
        if text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)


def content(world: World, coding_agent: str) -> dict[Path, str | None]:
    return {path: path.read_text() if path.exists() else None for path in files(world, coding_agent)}


def done(command: subprocess.CompletedProcess[str]) -> str:
    assert command.returncode == 0, command
    return command.stdout


def test_it_goes_in_twice_as_once_and_comes_out_to_the_byte(coding_agent: str, world: World) -> None:
    write(world, coding_agent)
    before = content(world, coding_agent)

    shown = done(world.quarterdeck("install", coding_agent, "--dry-run"))
    assert "+" in shown and "dry run" in shown
    assert content(world, coding_agent) == before, "a dry run changes nothing"

    assert str(world.binary) in done(world.quarterdeck("install", coding_agent))
    installed = content(world, coding_agent)
    for path, text in installed.items():
        assert text and str(world.binary) in text
        if before[path]:
            assert path.with_name(f"{path.name}.before-quarterdeck").read_text() == before[path]
            assert path.stat().st_mode & 0o777 == 0o600, "what was private stays private"
    assert "nothing to change" in done(world.quarterdeck("install", coding_agent))
    assert content(world, coding_agent) == installed

    done(world.quarterdeck("uninstall", coding_agent))
    assert content(world, coding_agent) == before
    assert not list(world.root.rglob("*.before-quarterdeck"))
    assert "nothing to change" in done(world.quarterdeck("uninstall", coding_agent))


def test_it_goes_into_nothing_and_leaves_nothing(coding_agent: str, world: World) -> None:
    done(world.quarterdeck("install", coding_agent))
    assert all(content(world, coding_agent).values())
    done(world.quarterdeck("uninstall", coding_agent))
    assert not any(content(world, coding_agent).values())


def test_what_was_changed_since_stays(coding_agent: str, world: World) -> None:
    """The backup is for a file that nobody has touched; anything later is the user's."""
    write(world, coding_agent)
    done(world.quarterdeck("install", coding_agent))
    for path in files(world, coding_agent):
        if path.suffix == ".toml":
            path.write_text(path.read_text() + '\n[later]\nby = "me"\n')
        elif path.suffix == ".js":
            path.write_text(path.read_text() + "// later\n")  # a script of ours is ours, and goes
        else:
            path.write_text(path.read_text().replace("{", '{"later": "me", ', 1))
    done(world.quarterdeck("uninstall", coding_agent))
    for path, text in content(world, coding_agent).items():
        if path.suffix == ".js":
            assert text is None
            continue
        assert text and "later" in text and "quarterdeck" not in text, f"{path}: {text}"


def test_a_file_that_is_not_understood_is_left_alone(coding_agent: str, world: World) -> None:
    """And so are the agent's other files."""
    write(world, coding_agent)
    last = list(files(world, coding_agent))[-1]
    last.parent.mkdir(parents=True, exist_ok=True)
    last.write_text("= {")
    before = content(world, coding_agent)
    refused = world.quarterdeck("install", coding_agent)
    assert refused.returncode != 0 and str(last) in refused.stderr
    assert content(world, coding_agent) == before


def test_the_rest_of_a_file_is_kept_as_people_wrote_it(world: World) -> None:
    for coding_agent in ("claude-code", "codex", "vscode"):
        write(world, coding_agent)
        done(world.quarterdeck("install", coding_agent))
    settings = (world.home / ".claude/settings.json").read_text()
    assert '"permissions": { "allow": ["Bash(ls:*)"],   "deny": [] }' in settings
    assert '{ "matcher": "Write", "hooks": [{ "type": "command", "command": "lint.sh" }] }' in settings
    servers = (world.root / "config/Code/User/mcp.json").read_text()
    assert "// servers of mine" in servers and "// keep" in servers
    config = (world.home / ".codex/config.toml").read_text()
    assert 'model = "o5"   # the fast one' in config
    server = tomllib.loads(config)["mcp_servers"]["quarterdeck"]
    assert (server["command"], server["args"]) == (str(world.binary), ["mcp"])
    assert {"XDG_RUNTIME_DIR", "XDG_STATE_HOME", "QUARTERDECK_AGENT"} <= set(server["env_vars"])


def test_what_claude_code_was_given_works(world: World) -> None:
    """The installed hook, run as Claude Code runs it."""
    done(world.quarterdeck("install", "claude-code"))
    world.serve()
    settings = json.loads((world.home / ".claude/settings.json").read_text())
    (group,) = settings["hooks"]["PreToolUse"]
    assert "Bash" in group["matcher"].split("|")
    (hook,) = group["hooks"]
    answer = subprocess.run(
        ["/bin/sh", "-c", hook["command"]],
        input=json.dumps(like_claude("rm -rf ~", "/tmp")),
        env=world.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert CLAUDE_CODE.decision(answer) == "deny"
    server = json.loads((world.home / ".claude.json").read_text())["mcpServers"]["quarterdeck"]
    command = shlex.join([server["command"], *server["args"], "--help"])
    assert subprocess.run(["/bin/sh", "-c", command], env=world.env, capture_output=True, check=False).returncode == 0


def test_an_unknown_agent_is_answered_with_those_that_there_are(world: World) -> None:
    refused = world.quarterdeck("install", "emacs")
    assert refused.returncode != 0 and "claude-code" in refused.stderr


@pytest.mark.parametrize(
    ("agent", "file", "text", "switch"),
    [
        ("codex", ".codex/config.toml", "[features]\nhooks = false\n", "features.hooks = false"),
        ("claude-code", ".claude/settings.json", '{"disableAllHooks": true}', "disableAllHooks = true"),
        ("gemini", ".gemini/settings.json", '{"hooksConfig": {"enabled": false}}', "hooksConfig.enabled = false"),
    ],
)
def test_hooks_that_are_switched_off_are_told_of(world: World, agent: str, file: str, text: str, switch: str) -> None:
    settings = world.home / file
    settings.parent.mkdir()
    settings.write_text(text)
    for _ in range(2):
        installed = world.quarterdeck("install", agent)
        assert installed.returncode == 0 and switch in installed.stderr and str(settings) in installed.stderr
    assert switch not in world.quarterdeck("install", agent, "--no-hook").stderr


def test_an_agent_is_given_the_configuration_that_was_named(world: World) -> None:
    """Its shell tool is judged by what the person has named, not by the defaults."""
    (world.home / "my settings.toml").write_text('[gate]\nmode = "warn"\n')
    assert world.quarterdeck("--config", "my settings.toml", "install", "claude-code").returncode == 0
    server = json.loads((world.home / ".claude.json").read_text())["mcpServers"]["quarterdeck"]
    named = str(world.home / "my settings.toml")
    assert server["args"] == ["--config", named, "mcp"]
    settings = json.loads((world.home / ".claude/settings.json").read_text())
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert shlex.split(command) == [str(world.binary), "--config", named, "hook", "claude-code"]
    event = json.dumps(like_claude("rm -rf ~", str(world.home)))
    answered = subprocess.run(shlex.split(command), input=event, env=world.env, capture_output=True, text=True)
    assert '"allow"' in answered.stdout, answered
    assert world.quarterdeck("uninstall", "claude-code").returncode == 0
    assert not (world.home / ".claude.json").exists() or "quarterdeck" not in (world.home / ".claude.json").read_text()
