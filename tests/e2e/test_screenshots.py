"""An agent looks at a full screen closely, and pays only for what it asks for."""

from __future__ import annotations

import base64
import json
import struct
from xml.etree import ElementTree

from mcp import Client, StdioServerParameters, stdio_client

from agent import Agent
from waiting import until
from world import World


async def test_layers_then_only_what_has_changed_then_a_picture(world: World) -> None:
    parameters = StdioServerParameters(
        command=str(world.binary), args=["mcp", "--tools", "native,screens"], env=world.env, cwd=world.home
    )
    async with Client(stdio_client(parameters), mode="legacy", cache=None) as client:
        agent = Agent(client, "stdio")
        assert "session_screenshot" in [tool.name for tool in (await client.list_tools()).tools]
        session = await agent.open_session(columns=60, rows=12)
        await agent.run(r"printf 'one\n\033[1;32mtwo\033[0m\n<three>\n'", sessionId=session)
        await agent.at_prompt(session)

        first = await agent.do("session_screenshot", sessionId=session, layers=["text", "styles", "fgColors"])
        row = first["text"].index("two")
        assert first["styles"][row].startswith("bbb.") and first["rows"] == list(range(12))
        assert first["colorPalette"][first["fgColors"][row][0]] == "#25bc24"

        nothing = await agent.do("session_screenshot", sessionId=session, diff=True)
        assert nothing["rows"] == [] and nothing["text"] == []
        await agent.type(session, "new")

        async def changed() -> list[str]:
            return (await agent.do("session_screenshot", sessionId=session, diff=True))["text"]

        [line] = await until("the typed text is shown", changed)
        assert line.endswith("new"), "one row of twelve"

        whole = await agent.call("session_screenshot", sessionId=session, svg=True)
        picture = ElementTree.fromstring(whole.content["svg"])
        texts = ["".join(element.itertext()) for element in picture.iter("{http://www.w3.org/2000/svg}text")]
        assert "two" in texts and any("<three>" in text for text in texts), texts
        shown = await client.call_tool("session_screenshot", {"sessionId": session, "png": True})
        [image] = [block for block in shown.content if block.type == "image"]
        file = base64.b64decode(image.data)
        assert image.mime_type == "image/png" and file.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", file[16:24])
        assert (width, height) == (60 * 9, 12 * 18), "nine by eighteen pixels for each cell"
        small = await agent.call("session_screenshot", sessionId=session, aroundCursor=0, compact=True)
        assert len(small.text) < len(json.dumps(first)), "and only what it asks for"
