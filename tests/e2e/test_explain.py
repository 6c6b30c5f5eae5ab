"""Why was that refused? A person asks what each policy said, now and of what is past."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent import agent_on_http, agent_on_stdio
from approvers import built, drop, drop_scripted
from test_swap_a_rule import loaded
from test_trying_before_trusting import judged
from world import World

PUSH = "git push --force-with-lease origin main"
BUNDLED = Path(__file__).resolve().parents[2] / "plugins" / "dist"


def explained(world: World, *arguments: str) -> dict[str, Any]:
    """What `quarterdeck explain` says, as a program reads it."""
    answer = world.quarterdeck("explain", "--json", *arguments)
    assert answer.returncode == 0, answer
    return json.loads(answer.stdout)


def by_policy(explanation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {statement["policy"]: statement for statement in explanation["statements"]}


def test_each_policy_is_quoted_and_the_piece_underlined(world: World) -> None:
    drop(world, "approver-git-push", built("approver-git-push"))
    drop_scripted(world, "next", limits='mode = "shadow"', match="main", tier="review", reason="Main is ours.")

    said = by_policy(explained(world, "git", "push", "--force-with-lease", "origin", "main"))
    assert set(said) == {"safety-tiers", "approver-git-push", "next"}
    assert [name for name, statement in said.items() if statement["decides"]] == ["approver-git-push"]
    assert said["next"]["shadow"] and said["next"]["answer"]["reason"] == "Main is ours."
    push = said["approver-git-push"]["answer"]
    assert push["tier"] == "dangerous" and push["rule"] and push["reason"]
    force = said["safety-tiers"]["answer"]
    assert force["tier"] == "review" and force["suggestion"], "the others are quoted too"
    assert all(statement["tookMicros"] > 0 and statement["digest"] for statement in said.values())

    shown = world.quarterdeck("explain", PUSH).stdout
    assert "decides" in shown and "a shadow, not obeyed" in shown
    lines = shown.splitlines()
    marks = next(at for at, line in enumerate(lines) if line.strip().startswith("^"))
    start, end = force["span"]["start"], force["span"]["end"]
    assert lines[marks] == "    " + " " * start + "^" * (end - start) and PUSH in lines[marks - 1]


def test_every_command_is_shown_as_it_would_run(world: World) -> None:
    """Behind sudo, quotes and encodings: what each part resolves to, and the rule that fired on it."""
    said = explained(world, "cd src && a=rm; env X=1 sh -c \"$a -rf '/'\"")
    commands = [(step["depth"], step["command"], step["rule"]) for step in said["commands"]]
    assert commands[0] == (0, ["cd", "src"], "shell/builtins")
    assert any(command == ["rm", "-rf", "/"] and rule == "files/rm-root" for _, command, rule in commands)
    depths = [depth for depth, command, _ in commands if command[0] in ("env", "sh", "rm")]
    assert depths == sorted(depths) and len(set(depths)) == 3, "what runs another stands above it"

    shown = world.quarterdeck("rule", "explain", "echo cm0gLXJmIC8= | base64 -d | sh").stdout
    assert "what would run" in shown and "rm -rf /  dangerous files/rm-root" in shown


def test_a_project_is_a_whole_repository(world: World) -> None:
    """In a folder of a repository, its other folders are the project too."""
    sub = world.home / "shop" / "web"
    sub.mkdir(parents=True)
    (world.home / "shop" / ".git").mkdir()
    said = explained(world, "--cwd", str(sub), "cp", "a", "../README.md")
    told = said["request"]["attributes"] + said["request"]["session"]["attributes"]
    assert ["project", str(world.home / "shop")] in told
    assert by_policy(said)["safety-tiers"]["answer"]["tier"] == "safe"


async def test_the_running_host_is_asked_where_there_is_one(world: World) -> None:
    host = world.serve("--gate", "enforce")
    async with agent_on_http(host) as agent:
        drop(world, "approver-git-push", built("approver-git-push"))
        policy = await loaded(agent, "approver-git-push")
    statement = by_policy(explained(world, PUSH))["approver-git-push"]
    assert statement["generation"] == policy["generation"], "the host's own generation answered"
    kept = judged(world, PUSH)
    assert kept["decision"] == "only-asked" and kept["caller"]["transport"] == "cli"


async def test_a_row_of_the_log_is_explained_and_asked_again_elsewhere(world: World) -> None:
    drop(world, "approver-git-push", built("approver-git-push"))
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session(workingDirectory=str(world.home), name="build")
        await agent.run("echo before", sessionId=session)
        assert (await agent.call("session_run", command=PUSH, sessionId=session)).is_error
    row = judged(world, PUSH)["sequence"]

    saved = world.root / "request.json"
    past = explained(world, "--audit", str(row), "--save", str(saved))
    assert past["row"] == row and "refused" in past["notes"][0]
    assert past["request"]["session"]["id"] == session and past["request"]["session"]["cwd"] == str(world.home)
    assert past["request"]["session"]["prompt"] == "at-prompt" and past["request"]["recent"] == ["echo before"]
    assert by_policy(past)["approver-git-push"]["decides"]
    shown = world.quarterdeck("explain", "--audit", str(row)).stdout
    assert "^" in shown and "build" in shown

    # The rule was taken out meanwhile: today's policies say something else.
    (world.plugins_dir / "approver-git-push.wasm").unlink()
    again = explained(world, "--replay", str(saved))
    assert again["request"] == past["request"]
    assert set(by_policy(again)) == {"safety-tiers"}

    missing = world.quarterdeck("explain", "--audit", "99999")
    assert missing.returncode == 1 and "no row 99999" in missing.stderr


def test_an_incident_and_a_screen_are_put_to_their_policies(world: World) -> None:
    for name in ("restart", "cargo"):
        drop(world, name, (BUNDLED / f"{name}.wasm").read_bytes())
    incident = world.root / "incident.json"
    incident.write_text(json.dumps({"cause": "exited", "exit-status": 1, "max-attempts": 3}))
    decision = by_policy(explained(world, "--incident", str(incident)))["restart"]["answer"]
    assert decision["action"] == "restart" and decision["reason"]
    assert decision["reason"] in world.quarterdeck("explain", "--incident", str(incident)).stdout

    screen = world.root / "screen.json"
    text = "   Compiling libc v0.2\n    Building [====>      ] 40/100: serde\r"
    screen.write_text(json.dumps({"chunks": [[{"command-start": "cargo build"}, {"text": text}]]}))
    saved = world.root / "saved.json"
    chunks = by_policy(explained(world, "--screen", str(screen), "--save", str(saved)))["cargo"]["answer"]
    assert any(update["percent"] == 40 for chunk in chunks for update in chunk), chunks
    assert by_policy(explained(world, "--replay", str(saved)))["cargo"]["answer"] == chunks

    incident.write_text(json.dumps({"cause": "bad luck"}))
    wrong = world.quarterdeck("explain", "--incident", str(incident))
    assert wrong.returncode == 1 and "bad luck" in wrong.stderr and "incident.json" in wrong.stderr
