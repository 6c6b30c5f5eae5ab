"""The table of what the documents promise is held to the host and to the tests."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from grpc_client import PROTO
from official_clients import OfficialClient
from world import World

HERE = Path(__file__).parent
TABLE = HERE.parent / "FEATURES.md"


def rows() -> list[tuple[str, str, list[str]]]:
    """What, its kind, and the tests that drive it."""
    cells = [line.strip("|").split("|") for line in TABLE.read_text().splitlines() if line.startswith("|")]
    table = [(what.strip(), kind.strip(), re.findall(r"`([^`]+)`", tests)) for what, kind, tests in cells]
    return [row for row in table if row[1] not in ("kind", "---")]


def of_kind(kind: str) -> set[str]:
    return {what.strip("`") for what, its_kind, _ in rows() if its_kind == kind}


def test_no_row_is_empty_and_every_test_exists() -> None:
    missing = []
    for what, kind, tests in rows():
        assert what and kind and tests, f"{what!r} is driven by nothing"
        for test in tests:
            file, name = test.split("::")
            source = HERE / file
            if not source.exists() or not re.search(rf"^(async )?def {name}\(", source.read_text(), re.MULTILINE):
                missing.append((what, test))
    assert not missing


@pytest.mark.parametrize("official_client", ["python-stdio"], indirect=True)
async def test_everything_that_the_host_lists_is_in_the_table(official_client: OfficialClient) -> None:
    async with official_client.with_tools("native") as agent:
        await agent.do("tool_families", add=(await agent.do("tool_families"))["others"])
        listed = {tool.name for tool in (await agent.client.list_tools()).tools}
        assert listed == of_kind("tool")
        prompts = {prompt.name for prompt in (await agent.client.list_prompts()).prompts}
        assert prompts == of_kind("prompt")
        resources = {str(resource.uri) for resource in (await agent.client.list_resources()).resources}
        templates = (await agent.client.list_resource_templates()).resource_templates
        assert resources | {template.uri_template for template in templates} == of_kind("resource")


def test_every_rpc_and_event_is_in_the_table(world: World) -> None:
    service = (PROTO / "iterm_mcp.proto").read_text()
    assert set(re.findall(r"rpc (\w+)", service)) == of_kind("RPC")
    printed = world.quarterdeck("events", "--schema")
    catalogue = set(re.findall(r'"const": *"([a-z]+\.[a-z]+)"', printed.stdout))
    assert catalogue and json.loads(printed.stdout)
    # The greeting is no event of the catalogue, but an answer.
    assert of_kind("event") - {"system.status"} == catalogue
