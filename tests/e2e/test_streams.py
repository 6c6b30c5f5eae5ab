"""Streams of events: a monitor beside the agents, as clients of claude-mpm and of
enhanced-iterm-mcp know it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
from datetime import datetime

import anyio
import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent import agent_on_http
from approvers import allow
from stream import Listener, listening
from waiting import until
from world import ServingHost, World, accepts_connections, free_port, resident_bytes

pytestmark = pytest.mark.anyio


@pytest.fixture
def host(world: World) -> ServingHost:
    return world.serve()


def is_a_time(text: str) -> bool:
    return text.endswith("Z") and datetime.fromisoformat(text) is not None


# What a monitor sees.


async def test_the_greeting_is_system_status(host: ServingHost) -> None:
    async with listening(host) as listener:
        greeting = await listener.hear()
        assert greeting["type"] == "system.status" and is_a_time(greeting["timestamp"])
        status = greeting["data"]
        assert status["claude_status"] == "stopped" and status["claude_pid"] is None
        assert status["connected_clients"] == 1 and is_a_time(status["session_start"])
        async with listening(host) as other:
            await other.hear()
            again = await listener.ask({"command": "get_status"}, "system.status")
            assert again["connected_clients"] == 2
            assert again["session_id"] == status["session_id"]


async def test_a_session_begins_and_ends(host: ServingHost) -> None:
    async with listening(host) as listener, agent_on_http(host) as agent:
        session = await agent.open_session(name="build")
        begun = await listener.hear_of("session.start", session_id=session)
        assert begun["data"]["name"] == "build" and begun["data"]["launch_method"] == "subprocess"
        assert begun["data"]["working_directory"] == str(host.world.home)
        assert is_a_time(begun["data"]["start_time"])
        await agent.do("session_close", sessionId=session)
        ended = await listener.hear_of("session.end", session_id=session)
        assert is_a_time(ended["data"]["end_time"]) and ended["data"]["duration_seconds"] > 0
        assert ended["sequence"] > begun["sequence"]


async def test_sessions_that_end_with_the_host_are_told_too(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        session = await agent.open_session(name="build")
    assert host.stop() == 0
    async with listening(world.serve()) as listener:
        history = await listener.ask({"command": "get_history", "params": {"event_types": ["session.*"]}}, "history")
        told = [(event["type"], event["data"]["session_id"]) for event in history["events"]]
        assert told == [("session.start", session), ("session.end", session)]


async def test_only_what_was_subscribed_to_comes(host: ServingHost) -> None:
    async with listening(host) as listener, agent_on_http(host) as agent:
        channels = ["session.*", "todo.*", "nonsense.*"]
        subscribed = await listener.ask({"command": "subscribe", "channels": channels}, "subscribed")
        assert subscribed["channels"] == channels
        assert subscribed["unknown"] == ["nonsense.*"]
        await agent.run("echo hello")
        await listener.hear_of("session.start")
        await listener.hears_nothing("gate.verdict")
        await listener.ask({"command": "subscribe", "channels": ["gate.*"]}, "subscribed")
        await agent.run("echo again")
        verdict = await listener.hear_of("gate.verdict", command="echo again")
        assert (verdict["data"]["tier"], verdict["data"]["decision"]) == ("safe", "allowed")


async def test_a_confirmation_is_told_until_it_is_answered(host: ServingHost) -> None:
    async with listening(host) as listener, agent_on_http(host) as agent:
        refused = await agent.call("session_run", command="npm publish")
        assert refused.code == "CONFIRMATION_REQUIRED", refused
        waiting = await listener.hear_of("gate.confirmation", state="waiting")
        confirmation = waiting["data"]["confirmation_id"]
        assert host.world.quarterdeck("approve", confirmation).returncode == 0
        approved = await listener.hear_of("gate.confirmation", confirmation_id=confirmation, state="approved")
        assert "user" in approved["data"]["by"]


async def test_a_coding_agent_is_seen_working(world: World, host: ServingHost) -> None:
    """A stand-in for claude that prints two lines and ends badly."""
    allow(world, "claude")
    world.stand_in("claude", then="echo 'I have read the code'; read answer; exit 3")
    async with listening(host) as listener, agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        await agent.type(session, "claude", enter=True)
        starting = await listener.hear_of("claude.status", status="starting", session_id=session)
        assert starting["data"]["program"] == "claude" and starting["data"]["pid"] > 0
        await listener.hear_of("claude.status", status="running")
        output = await listener.hear_of("claude.output", session_id=session)
        said = output["data"]["content"]
        while "I have read the code" not in said:
            said += (await listener.hear_of("claude.output"))["data"]["content"]
        assert output["data"]["stream"] == "stdout" and "\x1b" not in said
        status = await listener.ask({"command": "get_status"}, "system.status")
        assert (status["claude_status"], status["claude_pid"]) == ("running", starting["data"]["pid"])
        await agent.type(session, {"key": "enter"})
        gone = await listener.hear_of("claude.status", status="error")
        assert "3" in gone["data"]["message"]
        status = await listener.ask({"command": "get_status"}, "system.status")
        assert status["claude_status"] == "stopped"


async def test_policies_that_are_swapped_are_told(host: ServingHost) -> None:
    async with listening(host) as listener:
        await listener.ask({"command": "subscribe", "channels": ["policy.*", "system.error"], "since": 0}, "subscribed")
        loaded = await listener.hear_of("policy.swapped")
        assert "safety-tiers" in [policy["name"] for policy in loaded["data"]["loaded"]]
        host.world.plugins_dir.mkdir(exist_ok=True)
        (host.world.plugins_dir / "broken.wasm").write_bytes(b"not a component")
        error = await listener.hear_of("system.error", component="policies")
        assert "broken" in error["data"]["error"] and error["data"]["severity"] == "warning"


async def test_every_event_is_as_the_catalogue_says(world: World, host: ServingHost) -> None:
    import jsonschema

    printed = world.quarterdeck("events", "--schema")
    catalogue = jsonschema.Draft202012Validator(json.loads(printed.stdout))
    async with listening(host) as listener, agent_on_http(host) as agent:
        await agent.run("echo one")
        await agent.call("session_run", command="rm -rf ~")
        await agent.do("session_close", sessionId=await agent.open_session())
        history = await listener.ask({"command": "get_history", "params": {}}, "history")
    kinds = {event["type"] for event in history["events"]}
    assert {"session.start", "session.end", "gate.verdict", "policy.swapped"} <= kinds
    for event in history["events"]:
        catalogue.validate(event)


# The past.


async def test_history_by_type_and_limit_oldest_first(host: ServingHost) -> None:
    async with listening(host) as listener, agent_on_http(host) as agent:
        for number in range(5):
            await agent.run(f"echo {number}")
        asked = {"command": "get_history", "params": {"event_types": ["gate.verdict"], "limit": 3}}
        history = await listener.ask(asked, "history")
        assert [event["data"]["command"] for event in history["events"]] == ["echo 2", "echo 3", "echo 4"]


async def test_a_history_is_asked_for_in_one_line_and_knows_its_types(host: ServingHost) -> None:
    async with agent_on_http(host) as agent, listening(host) as listener:
        for _ in range(2):
            await agent.open_session()
        asked = {"command": "get_history", "event_types": ["session.start", "sesion.end"], "limit": 1}
        history = await listener.ask(asked, "history")
        assert [event["type"] for event in history["events"]] == ["session.start"]
        assert history["unknown"] == ["sesion.end"]
        of_all = await listener.ask({"command": "get_history"}, "history")
        assert len(of_all["events"]) > 1 and "unknown" not in of_all


async def test_a_wrong_token_is_refused_also_where_none_is_wanted(host: ServingHost) -> None:
    async with listening(host) as listener:
        wrong = await listener.ask({"token": "wrong-token-wrong-token"}, "error")
        assert wrong["code"] == "PERMISSION_DENIED" and "not the token" in wrong["message"]
        await listener.ask({"token": host.token}, "authenticated")
        await listener.ask({"command": "get_status"}, "system.status")


async def test_what_was_missed_is_told_again_also_after_a_restart(world: World) -> None:
    host = world.serve()
    async with listening(host) as listener, agent_on_http(host) as agent:
        await agent.run("echo first")
        seen = await listener.hear_of("gate.verdict", command="echo first")
    async with agent_on_http(host) as agent:
        await agent.run("echo missed")
    assert host.stop() == 0

    again = world.serve()
    async with listening(again) as listener, agent_on_http(again) as agent:
        await listener.ask({"command": "subscribe", "channels": ["gate.*"], "since": seen["sequence"]}, "subscribed")
        missed = await listener.hear_of("gate.verdict")
        await agent.run("echo afterwards")
        afterwards = await listener.hear_of("gate.verdict")
        assert [event["data"]["command"] for event in (missed, afterwards)] == ["echo missed", "echo afterwards"]
        assert seen["sequence"] < missed["sequence"] < afterwards["sequence"]


# The monitor of enhanced-iterm-mcp.


async def test_whoever_wants_figures_more_often_gets_them(world: World) -> None:
    world.configure("[monitor]\ninterval_ms = 3600000\n")
    host = world.serve()
    async with agent_on_http(host) as agent, listening(host, "/monitor") as monitor:
        await monitor.ask({"subscribe": ["performance"], "interval": 500}, "subscribed")
        alone = await monitor.hear_of("performance.update")
        assert alone["data"]["sessions"] == []
        session = await agent.open_session()

        def tells_of_it(update: dict) -> bool:
            return [it["sessionId"] for it in update["data"]["sessions"]] == [session]

        while not tells_of_it(await monitor.hear_of("performance.update")):
            pass


async def test_the_monitor_answers_the_documents_message(host: ServingHost) -> None:
    async with listening(host, "/monitor") as monitor, agent_on_http(host) as agent:
        wish = {"subscribe": ["performance", "health", "progress"], "interval": 1000}
        subscribed = await monitor.ask(wish, "subscribed")
        assert (subscribed["channels"], subscribed["interval"]) == (wish["subscribe"], 1000)
        await agent.run("echo hello")
        await monitor.hears_nothing("gate.verdict")


# Who may listen.


async def test_a_web_page_hears_nothing(host: ServingHost) -> None:
    """Browsers let any page open a WebSocket to this machine, and say which page it is."""
    for origin in ("https://evil.example", "null", "http://localhost:8080"):
        for path in ("/events", f"/events?token={host.token}"):
            with pytest.raises(InvalidStatus) as refused:
                async with listening(host, path, origin=origin):
                    pass
            assert refused.value.response.status_code == 403


async def test_a_rebound_name_hears_nothing(host: ServingHost) -> None:
    with socket.create_connection(("127.0.0.1", host.port)) as caller:
        caller.sendall(
            b"GET /events HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 403 " in caller.recv(4096)


async def test_where_a_token_is_required_nothing_is_told_without(world: World) -> None:
    world.configure("[streams]\nrequire_token = true\n")
    host = world.serve()
    async with listening(host) as stranger:
        answer = await stranger.ask({"command": "get_status"}, "error")
        assert "token" in answer["message"]
        with pytest.raises(ConnectionClosed):
            await stranger.hear()
    with pytest.raises(InvalidStatus) as refused:
        async with listening(host, "/events?token=wrong"):
            pass
    assert refused.value.response.status_code == 401
    async with listening(host, f"/events?token={host.token}") as by_address:
        assert (await by_address.hear())["type"] == "system.status"
    headers = {"Authorization": f"Bearer {host.token}"}
    async with listening(host, additional_headers=headers) as by_header:
        assert (await by_header.hear())["type"] == "system.status"
    async with listening(host) as by_message:
        await by_message.ask({"token": host.token}, "authenticated")
        assert (await by_message.hear())["type"] == "system.status"
    async with listening(host, "/monitor") as by_message:
        await by_message.ask({"token": host.token, "subscribe": ["health"]}, "subscribed")


async def test_another_user_of_the_machine_hears_nothing_without_the_token(host: ServingHost) -> None:
    handshake = (
        f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    script = (
        "import socket, sys\n"
        f"caller = socket.create_connection(('127.0.0.1', {host.port}))\n"
        f"caller.sendall({handshake.encode()!r})\n"
        "caller.settimeout(15)\n"
        "heard = b''\n"
        "while b'\"token\\' not in heard and b'system.status' not in heard:\n"
        "    piece = caller.recv(4096)\n"
        "    if not piece: break\n"
        "    heard += piece\n"
        "print(heard.decode(errors='replace'))\n"
    ).replace("b'\"token\\'", "b'wants the token'")

    def heard_as(user: int | None) -> str:
        done = subprocess.run(
            ["python3", "-c", script], user=user, capture_output=True, text=True, timeout=40, check=False
        )
        return done.stdout

    assert "system.status" in await asyncio.to_thread(heard_as, None), "the host's own user is told"
    # Only root can act as somebody else; for others the unit tests have to do.
    for user in [65534] if os.geteuid() == 0 else []:
        other = await asyncio.to_thread(heard_as, user)
        assert "101" in other and "system.status" not in other and "wants the token" in other, other


# What clients get wrong.


async def test_mistakes_are_answered_and_survived(host: ServingHost) -> None:
    async with listening(host) as listener:
        for mistake, told in [
            ("{", "Invalid JSON"),
            ("[1, 2, 3]", "an array"),
            ('{"command": "dance"}', "dance"),
            ("{}", "command"),
            ('{"command": "subscribe", "channels": 7}', "channels"),
            (b"\x00\x01", "binary"),
        ]:
            answer = await listener.ask(mistake, "error")
            assert told in answer["message"], answer
        await listener.ask({"command": "get_status"}, "system.status")


async def test_a_message_without_end_is_not_taken(host: ServingHost) -> None:
    async with listening(host) as listener:
        await listener.hear()
        with pytest.raises(ConnectionClosed):
            await listener.say("x" * 1_000_000)
            while True:
                await listener.hear()
    async with listening(host) as listener:
        await listener.hear()


async def test_commands_that_come_too_fast_are_told_to_wait(host: ServingHost) -> None:
    async with listening(host) as listener:
        for _ in range(300):
            await listener.say({"command": "get_history", "params": {"limit": 1}})
        told = await listener.hear_of("error", code="RATE_LIMIT_EXCEEDED")
        assert told["data"]["retry_after_ms"] > 0
        await anyio.sleep(told["data"]["retry_after_ms"] / 1000 + 0.2)
        assert await listener.socket.ping() is not None


# The port of claude-mpm.


async def test_the_second_port_speaks_the_same_on_every_path(world: World) -> None:
    port = free_port()
    world.configure(f'[streams]\nlisten = "127.0.0.1:{port}"\n')
    process = world.start(
        "serve", "--listen", f"127.0.0.1:{free_port()}", env={"QUARTERDECK_STREAMS_LISTEN": f"127.0.0.1:{port}"}
    )
    await until("the second port takes connections", lambda: accepts_connections(port))
    for path in ("", "/", "/events", "/anything"):
        async with connect(f"ws://127.0.0.1:{port}{path}") as raw:
            assert (await Listener(raw).hear())["type"] == "system.status"
    assert process.poll() is None


async def test_a_taken_port_does_not_stop_the_host(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        world.configure("")
        listen = free_port()
        with (world.root / "taken.log").open("wb") as log:
            world.start(
                "serve",
                "--listen",
                f"127.0.0.1:{listen}",
                env={"QUARTERDECK_STREAMS_LISTEN": f"127.0.0.1:{port}"},
                stdout=log,
                stderr=log,
            )
        await until("the host takes connections", lambda: accepts_connections(listen))
        said = f"no streams on 127.0.0.1:{port}: another program listens there"
        await until("the host says so", lambda: said in (world.root / "taken.log").read_text())


# Slow and dead listeners.


async def test_slow_and_dead_listeners_cost_the_others_nothing(host: ServingHost) -> None:
    """Forty listeners that never read and some that hang up without a word, beside
    ten that follow: these lose nothing, and the host's memory is bounded."""
    verdicts = 400
    dead = [never_reading(host.port) for _ in range(40)]
    try:
        async with contextlib.AsyncExitStack() as stack:
            fast = [await stack.enter_async_context(listening(host)) for _ in range(10)]
            for listener in fast:
                await listener.ask({"command": "subscribe", "channels": ["gate.verdict"]}, "subscribed")
            before = resident_bytes(host.process.pid)
            agent = await stack.enter_async_context(agent_on_http(host))
            session = await agent.open_session()
            heard: list[list[dict]] = [[] for _ in fast]

            async def follow(number: int) -> None:
                while len(heard[number]) < verdicts:
                    heard[number].append(await fast[number].hear_of("gate.verdict", deadline=120))

            async with anyio.create_task_group() as group:
                for number in range(len(fast)):
                    group.start_soon(follow, number)
                for number in range(verdicts):
                    if number == verdicts // 2:
                        for caller in dead[:20]:
                            hang_up_rudely(caller)
                    # A long command, so that what is not read adds up.
                    command = f"echo {number} # {'x' * 3000}"
                    await agent.do("safety_approve", sessionId=session, command=command)
            for events in heard:
                numbers = [event["sequence"] for event in events]
                assert numbers == sorted(set(numbers)) and len(numbers) == verdicts
            grown = resident_bytes(host.process.pid) - before
            assert grown < 100 * 1024 * 1024, f"{grown >> 20} MiB more"
    finally:
        for caller in dead:
            caller.close()


def never_reading(port: int) -> socket.socket:
    """Becomes a listener, and reads nothing of what it is told."""
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.connect(("127.0.0.1", port))
    caller.sendall(
        f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert b"101" in caller.recv(64)
    return caller


def hang_up_rudely(caller: socket.socket) -> None:
    """Resets the connection, as a machine that has lost its network."""
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    caller.close()


# Figures.


async def test_prometheus_gets_its_figures(host: ServingHost) -> None:
    async with agent_on_http(host) as agent:
        await agent.run("echo hello")
        await agent.call("session_run", command="rm -rf ~")
    address = f"http://127.0.0.1:{host.port}/metrics"
    async with httpx2.AsyncClient() as http:
        assert (await http.get(address)).status_code == 401
        answer = await http.get(address, headers={"Authorization": f"Bearer {host.token}"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    figures = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert float(figures['quarterdeck_verdicts_total{tier="safe",decision="allowed"}']) >= 1
    assert float(figures['quarterdeck_verdicts_total{tier="dangerous",decision="refused"}']) == 1
    assert float(figures['quarterdeck_events_total{type="session.start"}']) >= 1
    calls = [name for name in figures if name.startswith('quarterdeck_policy_calls_total{policy="safety-tiers"')]
    assert float(figures[calls[0]]) >= 2
