"""Somebody writes a policy of any kind: holds it to cases, times it, builds it."""

from __future__ import annotations

import shutil
from pathlib import Path

from approvers import built
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


def test_a_project_s_cases_are_found(world: World) -> None:
    folder = project(world, "rust")
    assert "cases.toml" in world.quarterdeck("plugin", "new", "other").stdout
    unbuilt = world.quarterdeck("plugin", "test", "no-push")
    assert unbuilt.returncode == 1 and "plugin build" in unbuilt.stderr, unbuilt
    (folder / "dist").mkdir()
    (folder / "dist" / "no-push.wasm").write_bytes(built("approver-git-push"))
    (folder / "cases.toml").write_text('[[case]]\ncommand = "git push origin main"\ntier = "dangerous"\n')
    tested = world.quarterdeck("plugin", "test", "no-push")
    assert tested.returncode == 0 and "1 of 1 cases" in tested.stdout, tested
    (folder / "cases.toml").unlink()
    lost = world.quarterdeck("plugin", "test", "no-push")
    assert lost.returncode == 1 and "--cases" in lost.stderr, lost


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


def project(world: World, lang: str) -> Path:
    folder = world.home / "no-push"
    made = world.quarterdeck("plugin", "new", "no-push", "--lang", lang)
    assert made.returncode == 0 and folder.is_dir(), made
    return folder


def tool(world: World, name: str, script: str) -> None:
    """Puts a build tool first in the search path."""
    path = world.decoys / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_project_is_built_with_its_own_tools_and_checked(world: World) -> None:
    folder = project(world, "js")
    tool(world, "node", "echo v22.1.0")
    built_by_npm = world.root / "built.wasm"
    built_by_npm.write_bytes(built("approver-git-push"))
    tool(world, "npm", f"mkdir -p dist && cp {built_by_npm} dist/no-push.wasm && echo npm did: $*")

    without_packages = world.quarterdeck("plugin", "build", "no-push")
    assert without_packages.returncode == 1 and "npm install" in without_packages.stderr

    (folder / "node_modules" / ".bin").mkdir(parents=True)
    without_builder = world.quarterdeck("plugin", "build", "no-push")
    assert without_builder.returncode == 1 and "quarterdeck-build is missing" in without_builder.stderr

    (folder / "node_modules" / ".bin" / "quarterdeck-build").touch()
    made = world.quarterdeck("plugin", "build", "no-push")
    assert made.returncode == 0 and "npm did: run build" in made.stderr, made
    assert "a sound approver" in made.stdout and str(folder / "dist" / "no-push.wasm") in made.stdout

    built_by_npm.write_bytes(b"no component")
    broken = world.quarterdeck("plugin", "build", "no-push")
    assert broken.returncode == 1 and "refused" in broken.stdout

    tool(world, "npm", "echo the bundler is unhappy; exit 1")
    failed = world.quarterdeck("plugin", "build", "no-push")
    assert failed.returncode == 1 and "the bundler is unhappy" in failed.stderr and "npm run build" in failed.stderr


def test_a_missing_tool_is_named_with_where_to_get_it(world: World) -> None:
    for lang, missing, remedy in [
        ("rust", "cargo", "rustup.rs"),
        ("js", "node", "nodejs.org"),
        ("python", "python3", "python.org"),
        ("c", "make", "packages"),
    ]:
        folder = project(world, lang)
        refused = world.quarterdeck("plugin", "build", "no-push", env={"PATH": str(world.decoys)})
        assert refused.returncode == 1 and f"{missing} is missing" in refused.stderr and remedy in refused.stderr
        shutil.rmtree(folder)
    # A compiler that is there, and not all that it needs: it repeats what it cannot find.
    project(world, "c")
    tool(world, "clang-19", 'for last; do :; done; echo "${last#*=}"')
    refused = world.quarterdeck("plugin", "build", "no-push")
    assert refused.returncode == 1 and "wasm-ld is missing" in refused.stderr and "apt install lld-19" in refused.stderr
    nothing = world.quarterdeck("plugin", "build")
    assert nothing.returncode == 1 and "plugin new" in nothing.stderr
