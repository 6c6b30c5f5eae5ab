"""The SDKs pass their own tests, and the examples keep what their READMEs promise: one
rule in four languages answers one file of cases alike."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from author import Author
from conftest import LANGUAGES
from world import World

REPOSITORY = Path(__file__).resolve().parents[2]
OWN_TESTS = {
    "rust": "",  # `tests/run rust` runs them with the workspace's
    "js": "node --test",
    "python": ".venv/bin/python -m unittest --quiet",
    "c": "make --silent test",
}
EXAMPLES = ("approver-force-push", "distributor-affinity", "progress-parser-steps", "recovery-patient")


@pytest.fixture(scope="session")
def checkout(author: Author) -> Path:
    """A copy of what an author needs of this repository, as a checkout would be."""
    copy = author.desk / "checkout"
    leftovers = shutil.ignore_patterns("node_modules", "target", "dist", ".venv", "__pycache__")
    for part in ("wit", "sdk", "examples"):
        shutil.copytree(REPOSITORY / part, copy / part, symlinks=True, ignore=leftovers)
    return copy


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_is_built_and_holds_its_cases(
    language: str, example: str, author: Author, checkout: Path, world: World
) -> None:
    folder = checkout / "examples" / example / language
    author.installs(world, language, folder)
    if OWN_TESTS[language]:
        author.does(world, OWN_TESTS[language], folder)
    built = author.does(world, "quarterdeck plugin build", folder)
    assert "a sound " in built and "wasi:" not in built, built
    assert not {"true", "false"} & set(built.split()), f"a tool's stand-in shows: {built}"
    # For `tests/bench/policies`.
    (component,) = (path for path in (folder / "dist").glob("*.wasm") if not path.name.endswith(".module.wasm"))
    shutil.copy(component, Path(os.environ["QUARTERDECK_SDK_COMPONENTS"]) / f"{example}.{language}.wasm")
    cases = checkout / "examples" / example / "cases.toml"
    told = author.does(world, f"quarterdeck plugin test --cases {cases}", folder)
    count = cases.read_text().count("[[case]]") + cases.read_text().count("[[refused]]")
    assert f"{count} of {count} cases" in told, told


@pytest.mark.parametrize("language", ["js", "python"])
def test_the_sdk_passes_its_own_tests(language: str, author: Author, checkout: Path, world: World) -> None:
    folder = checkout / "sdk" / language
    author.installs(world, language, folder)
    author.does(world, OWN_TESTS[language], folder)
