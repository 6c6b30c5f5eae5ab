"""Somebody writes a policy of any kind: holds it to cases, times it, builds it."""

from __future__ import annotations

from pathlib import Path

from world import World

REPOSITORY = Path(__file__).resolve().parents[2]
BUNDLED = REPOSITORY / "plugins" / "dist"


def test_a_policy_of_each_kind_is_held_to_its_cases(world: World) -> None:
    for name in ("dependency", "cargo", "graceful"):
        cases = REPOSITORY / "plugins" / name / "tests" / "cases.toml"
        tested = world.quarterdeck("plugin", "test", str(BUNDLED / f"{name}.wasm"), "--cases", str(cases))
        count = cases.read_text().count("[[case]]")
        assert tested.returncode == 0 and f"{count} of {count} cases" in tested.stdout, tested


def test_each_wrong_answer_is_shown_beside_the_right_one(world: World) -> None:
    def difference(policy: str, cases: str) -> list[str]:
        path = world.root / "cases.toml"
        path.write_text(cases)
        tested = world.quarterdeck("plugin", "test", str(BUNDLED / f"{policy}.wasm"), "--cases", str(path))
        assert tested.returncode == 1 and "0 of 1 cases" in tested.stdout, tested
        return tested.stdout.splitlines()[:-1]

    assert difference(
        "round-robin",
        """
        kind = "distributor"
        [[case]]
        name = "they take turns"
        [[case.batch]]
        tasks = [{ id = "1" }, { id = "2" }]
        workers = [{ id = "a" }, { id = "b" }]
        assign = ["1 → a", "2 → a"]
        """,
    ) == ["they take turns", "    1 → a", "  - 2 → a", "  + 2 → b"]
    assert difference(
        "generic",
        """
        kind = "progress-parser"
        [[case]]
        name = "half"
        output = "step 2 of 4\\n"
        expect = [{ status = "completed", completed = 2, total = 4, percent = 50.0 }]
        """,
    )[:2] == ["half", "  - completed 2/4 50.0%"]
    assert difference(
        "restart",
        """
        kind = "recovery"
        [[case]]
        name = "it hangs"
        incident = { cause = "hung" }
        expect = { action = "reset" }
        """,
    )[:2] == ["it hangs", "  - reset"]


def test_cases_for_another_kind_are_told_from_wrong_answers(world: World) -> None:
    cases = REPOSITORY / "plugins" / "restart" / "tests" / "cases.toml"
    tested = world.quarterdeck("plugin", "test", str(BUNDLED / "cargo.wasm"), "--cases", str(cases))
    assert tested.returncode == 1
    assert "the cases are for a recovery, but this is a progress-parser" in tested.stderr


def test_a_case_file_without_cases_passes_nothing(world: World) -> None:
    cases = world.root / "cases.toml"
    cases.write_text('kind = "distributor"\n')
    tested = world.quarterdeck("plugin", "test", str(BUNDLED / "priority.wasm"), "--cases", str(cases))
    assert tested.returncode == 1 and "holds no cases" in tested.stderr


def test_a_policy_of_each_kind_is_timed(world: World) -> None:
    for name, work in [
        ("round-robin", "1,000 tasks on 100 workers"),
        ("downloads", "MB/s"),
        ("failover", "an incident"),
    ]:
        timed = world.quarterdeck("plugin", "bench", str(BUNDLED / f"{name}.wasm"))
        assert timed.returncode == 0 and work in timed.stdout and "a call takes" in timed.stdout, timed

    request = world.root / "request.toml"
    request.write_text('cause = "hung"\nattempts = 2\n')
    timed = world.quarterdeck("plugin", "bench", str(BUNDLED / "failover.wasm"), "--request", str(request))
    assert timed.returncode == 0 and str(request) in timed.stdout, timed
    request.write_text('cause = "bad luck"\n')
    refused = world.quarterdeck("plugin", "bench", str(BUNDLED / "failover.wasm"), "--request", str(request))
    assert refused.returncode == 1 and "bad luck" in refused.stderr
