"""What a browser has opened while it was signed in ends when it signs out, and each page's
secret is its own."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import anyio
import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from agent import agent_on_http
from world import ServingHost, World

PATIENCE = 20.0


@dataclass
class Browser:
    """One that is signed in, without a window."""

    host: ServingHost
    cookie: str
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": self.cookie, "Origin": f"http://127.0.0.1:{self.host.port}"}

    def opens(self, path: str):
        return connect(f"ws://127.0.0.1:{self.host.port}{path}", additional_headers=self.headers)

    def signs_out(self) -> None:
        left = httpx2.post(
            f"http://127.0.0.1:{self.host.port}/sign-out", data={"csrf": self.csrf}, headers=self.headers
        )
        assert left.status_code == 303


def signed_in(host: ServingHost) -> Browser:
    address = f"http://127.0.0.1:{host.port}"
    came = httpx2.post(f"{address}/sign-in", data={"token": host.token}, headers={"Origin": address})
    assert came.status_code == 303, came.text
    cookie = came.headers["set-cookie"].split(";")[0]
    page = httpx2.get(address, headers={"Cookie": cookie, "Accept": "text/html"}).text
    secret = re.search(r'csrf"[^>]*?"([0-9a-f]{64})"', page)
    assert secret, page
    return Browser(host, cookie, secret[1])


async def ends(socket) -> None:
    """Reads until the host has closed it."""
    with anyio.fail_after(PATIENCE):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            return


async def test_screens_and_streams_end_with_the_sign_in(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        leaves, stays = signed_in(host), signed_in(host)
        screen = f"/dashboard/screen/{session}"
        async with leaves.opens(screen) as shown, leaves.opens("/events") as heard, stays.opens(screen) as other:
            assert "screen" in json.loads(await shown.recv())
            leaves.signs_out()
            await ends(shown)
            await ends(heard)
            assert "screen" in json.loads(await other.recv()), "somebody else's goes on"
            await other.send(json.dumps({"csrf": stays.csrf, "key": "enter"}))


async def test_a_page_types_with_its_own_secret_only(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        one, two = signed_in(host), signed_in(host)
        async with one.opens(f"/dashboard/screen/{session}") as socket:
            await socket.send(json.dumps({"csrf": two.csrf, "line": "echo typed by another"}))
            with anyio.fail_after(PATIENCE):
                while "refused" not in (said := json.loads(await socket.recv())):
                    pass
            assert said["refused"]["code"] == "INVALID_PARAMETERS"
        assert "typed by another" not in await agent.screen(session)
