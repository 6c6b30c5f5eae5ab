"""How a stream begins and ends: what a client can rely on beside the documents'
messages."""

from __future__ import annotations

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from stream import Listener, listening
from world import ServingHost, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def host(world: World) -> ServingHost:
    return world.serve()


async def close_code_of(listener: Listener) -> int | None:
    """How the host ends a stream."""
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            await listener.hear()
    return ended.value.rcvd.code if ended.value.rcvd else None


async def test_whoever_leaves_is_let_go(host: ServingHost) -> None:
    async with listening(host) as listener:
        await listener.hear()
        await listener.socket.close(1000, "thank you")
        assert (listener.socket.close_code, listener.socket.close_reason) == (1000, "thank you")


async def test_a_host_that_stops_says_so(host: ServingHost) -> None:
    async with listening(host) as listener:
        await listener.hear()
        host.process.terminate()
        assert await close_code_of(listener) == 1001


async def test_whoever_is_sent_away_is_told_why(world: World) -> None:
    world.configure("[streams]\nrequire_token = true\n")
    host = world.serve()
    async with listening(host) as stranger:
        await stranger.say({"command": "get_status"})
        assert await close_code_of(stranger) == 1008
    async with listening(host, f"/events?token={host.token}") as talker:
        await talker.hear()
        await talker.say("x" * 100_000)
        assert await close_code_of(talker) == 1009


async def test_an_address_of_a_stream_that_is_called_as_a_page(host: ServingHost) -> None:
    async with httpx2.AsyncClient() as http:
        for path in ("/events", "/monitor"):
            answer = await http.get(f"http://127.0.0.1:{host.port}{path}")
            assert answer.status_code == 426 and answer.headers["upgrade"] == "websocket"
            assert "this is a WebSocket" in answer.text
