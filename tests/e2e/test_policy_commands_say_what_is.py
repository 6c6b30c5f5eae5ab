"""What the commands about policies and the gate leave nobody to guess: what a component
takes, which of its cases went wrong, whether a host would wait for it, what the gate does."""

from __future__ import annotations

import json
from pathlib import Path

from approvers import built, drop, drop_scripted, labelled
from waiting import until_blocking
from world import World

BUNDLED = Path(__file__).resolve().parents[2] / "plugins" / "dist"

SCHEMA = {
    "type": "object",
    "required": ["match"],
    "properties": {
        "match": {"type": "string", "description": "What is called dangerous"},
        "tier": {"enum": ["review", "dangerous"], "default": "dangerous"},
    },
}


def with_schema(world: World) -> Path:
    """A component that takes `match` and has to have it."""
    path = world.root / "wordy.wasm"
    component = built("scripted-approver")
    path.write_bytes(labelled(component, **{"quarterdeck-config-schema": json.dumps(SCHEMA)}))
    return path


def test_what_a_component_takes_is_shown(world: World) -> None:
    component = with_schema(world)
    shown = world.quarterdeck("plugin", "inspect", str(component)).stdout
    assert "match (string, required): What is called dangerous" in shown
    assert 'tier ("review" or "dangerous", "dangerous" without it)' in shown
    facts = json.loads(world.quarterdeck("plugin", "inspect", str(component), "--json").stdout)
    assert facts["component"]["configSchema"] == SCHEMA

    checked = world.quarterdeck("plugin", "check", str(component))
    assert checked.returncode == 1 and '"match" is a required property' in checked.stdout
    assert str(component.with_suffix(".toml")) in checked.stdout, "where it is written is said"


def test_one_case_that_is_not_configured_leaves_the_others(world: World) -> None:
    cases = world.root / "cases.toml"
    cases.write_text(
        "[[case]]\ncommand = 'echo a'\ntier = 'safe'\n"
        "[[case]]\ncommand = 'echo zap'\ntier = 'dangerous'\nconfig = { match = 'zap' }\n"
        "[[case]]\ncommand = 'echo zip'\ntier = 'review'\nconfig = { match = 'zip' }\n"
    )
    tested = world.quarterdeck("plugin", "test", str(with_schema(world)), "--cases", str(cases))
    assert tested.returncode == 1 and "1 of 3 cases" in tested.stdout, tested
    assert "refused without a `config` in the case" in tested.stdout
    assert '"echo a"' in tested.stdout and '"echo zip"' in tested.stdout


def test_the_sidecar_beside_a_component_comes_along(world: World) -> None:
    component = with_schema(world)
    refused = world.quarterdeck("plugin", "add", str(component))
    assert refused.returncode == 1 and "required property" in refused.stderr
    component.with_suffix(".toml").write_text('[config]\nmatch = "zap"\n')
    added = world.quarterdeck("plugin", "add", str(component))
    assert added.returncode == 0 and str(world.plugins_dir / "wordy.toml") in added.stdout, added
    assert world.quarterdeck("check", "echo zap").returncode == 20

    component.with_suffix(".toml").write_text('[config]\nmatch = "zip"\n')
    world.quarterdeck("plugin", "add", str(component))
    assert world.quarterdeck("check", "echo zap").returncode == 20, "the sidecar in the folder stays"


def test_bench_says_what_a_host_would_not_wait_for(world: World) -> None:
    component = world.root / "dealer.wasm"
    component.write_bytes((BUNDLED / "priority.wasm").read_bytes())
    roomy = world.quarterdeck("plugin", "bench", str(component))
    assert roomy.returncode == 0 and "1,000 tasks" in roomy.stdout, roomy
    # A thousand tasks take two milliseconds on the quickest machine.
    component.with_suffix(".toml").write_text("[limits]\ndeadline-ms = 1\n")
    short = world.quarterdeck("plugin", "bench", str(component))
    assert "such a call would be ended by a host, after 1 ms" in short.stdout, short


def test_doctor_says_what_does_not_rule(world: World) -> None:
    drop_scripted(world, "guard", match="zap")
    (world.plugins_dir / "guard.toml").write_text("enabled = false\n")
    looked = world.quarterdeck("doctor", "--gate", "off")
    assert "guard (disabled)" in looked.stdout and "gate: off: nothing is judged" in looked.stdout, looked
    assert "gate: enforce" in world.quarterdeck("doctor").stdout

    (world.plugins_dir / "nobody.toml").write_text("order = 1\n")
    looked = world.quarterdeck("doctor")
    told = [line for line in looked.stdout.splitlines() if "nobody" in line]
    assert looked.returncode == 1 and told and told[0].startswith("wrong"), looked


def test_a_degraded_host_is_not_called_well(world: World) -> None:
    world.serve()
    assert "wrong running host" not in world.quarterdeck("doctor").stdout
    drop(world, "guard", b"no component")

    def told() -> bool:
        return "wrong running host" in world.quarterdeck("doctor").stdout

    until_blocking("doctor says that the host is degraded", told)


def test_the_mode_of_the_gate_is_told_where_it_decides(world: World) -> None:
    drop_scripted(world, "guard", match="zap")
    world.serve("--gate", "warn")
    ran = world.quarterdeck("run", "echo zap")
    assert ran.returncode == 126 and "the gate of the running host is on `warn`" in ran.stderr, ran
    ran = world.quarterdeck("--gate", "warn", "run", "echo zap")
    assert ran.returncode == 0 and ran.stdout == "zap\n" and "dangerous, and run because" in ran.stderr, ran
    checked = world.quarterdeck("check", "echo zap")
    assert checked.returncode == 20 and "the gate is on `warn`" in checked.stdout, checked
    assert "with its gate on `warn`" in world.quarterdeck("doctor").stdout


def test_a_running_gate_that_refuses_is_not_got_round(world: World) -> None:
    drop_scripted(world, "guard", match="zap")
    world.serve()
    assert world.quarterdeck("--gate", "off", "run", "echo zap").returncode == 126


def test_a_policy_whose_name_has_a_blank_can_be_ended(world: World) -> None:
    drop_scripted(world, "my guard", match="zap")
    assert world.quarterdeck("check", "echo zap").returncode == 20
    assert world.quarterdeck("plugin", "disable", "my guard").returncode == 0
    assert world.quarterdeck("check", "echo zap").returncode == 0
    assert world.quarterdeck("plugin", "remove", "my guard").returncode == 0
    assert not (world.plugins_dir / "my guard.wasm").exists()
