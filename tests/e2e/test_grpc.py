"""A gRPC client of iterm-mcp talks to `quarterdeck serve`."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from grpc_client import generate
from waiting import until_blocking
from world import ServingHost, World, free_port, name_of

FIELDS = """
CascadeMessageRequest broadcast=1 teams=2 agents=3 skip_duplicates=4 execute=5
SessionMessage content=1 targets=2 condition=3 execute=4 use_encoding=5
WriteResult session_id=1 session_name=2 success=3 error=4 skipped=5 skipped_reason=6
SetActiveSessionRequest session_id=1 name=2 agent=3
Agent name=1 session_id=2 teams=3 created_at=4 metadata=5
"""
"""Some messages as existing clients have them compiled in."""


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModuleType, ModuleType]:
    return generate(tmp_path_factory.mktemp("proto"))


class Service:
    """The service at one address, as a few verbs."""

    def __init__(self, host: ServingHost, port: int, modules: tuple[ModuleType, ModuleType]) -> None:
        self.host = host
        self.port = port
        self.messages, stubs = modules
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = stubs.ITermServiceStub(self.channel)

    @property
    def token(self) -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {self.host.token}")]

    def call(self, method: str, message: str = "Empty", /, **fields: Any) -> Any:
        request = getattr(self.messages, message)(**fields)
        return getattr(self.stub, method)(request, metadata=self.token, timeout=60)

    def shows(self, text: str, **target: str) -> None:
        def shown() -> bool:
            read = self.call("ReadSessions", "ReadSessionsRequest", targets=[target], parallel=True)
            return any(text in output.content for output in read.outputs)

        until_blocking(f"{target} shows {text!r}", shown)


@pytest.fixture
def service(world: World, modules: tuple[ModuleType, ModuleType]) -> Iterator[Service]:
    port = free_port()
    world.configure(f'[grpc]\nenabled = true\nlisten = "127.0.0.1:{port}"\n')
    service = Service(world.serve(), port, modules)
    yield service
    service.channel.close()


def test_the_messages_are_the_clients(modules: tuple[ModuleType, ModuleType]) -> None:
    for line in FIELDS.strip().splitlines():
        name, *fields = line.split()
        descriptor = getattr(modules[0], name).DESCRIPTOR
        assert [f"{field.name}={field.number}" for field in descriptor.fields] == fields
    methods = modules[0].DESCRIPTOR.services_by_name["ITermService"].methods
    assert len(methods) == 18 and modules[0].DESCRIPTOR.package == "iterm_mcp"


def test_the_example_of_the_readme(service: Service) -> None:
    assert list(service.call("ListSessions").sessions) == []
    created = service.call(
        "CreateSessions",
        "CreateSessionsRequest",
        sessions=[
            {"name": "Agent1", "agent": "alice", "team": "frontend"},
            {"name": "Agent2", "agent": "bob", "team": "backend"},
        ],
        layout="HORIZONTAL_SPLIT",
    )
    assert [session.name for session in created.sessions] == ["Agent1", "Agent2"]
    written = service.call(
        "WriteToSessions",
        "WriteToSessionsRequest",
        messages=[{"content": "echo hello", "targets": [{"team": "frontend"}], "execute": True}],
        parallel=True,
    )
    assert (written.sent_count, written.error_count) == (1, 0)
    service.shows("\nhello", agent="alice")
    cascade = service.call(
        "SendCascadeMessage",
        "CascadeMessageRequest",
        broadcast="echo Status check",
        teams={"frontend": "echo Run tests"},
        agents={"alice": "echo Review PR 42"},
        execute=True,
        skip_duplicates=True,
    )
    assert {result.agent: result.message_type for result in cascade.results} == {"alice": "agent", "bob": "broadcast"}
    service.shows("\nReview PR 42", agent="alice")
    service.shows("\nStatus check", team="backend")


def test_the_other_methods(service: Service, world: World) -> None:
    created = service.call("CreateSessions", "CreateSessionsRequest", sessions=[{"name": "one"}, {"name": "two"}])
    first, second = (session.session_id for session in created.sessions)
    agent = service.call(
        "RegisterAgent", "RegisterAgentRequest", name="carol", session_id=first, teams=["ops"], metadata={"k": "v"}
    )
    assert (agent.session_id, list(agent.teams), dict(agent.metadata)) == (first, ["ops"], {"k": "v"})
    assert agent.created_at
    assert [it.name for it in service.call("ListAgents", "ListAgentsRequest", team="ops").agents] == ["carol"]
    team = service.call("CreateTeam", "CreateTeamRequest", name="night", parent_team="ops")
    assert (team.parent_team, team.member_count) == ("ops", 0)
    assigned = {"agent_name": "carol", "team_name": "night"}
    assert service.call("AssignAgentToTeam", "AgentTeamAssignment", **assigned).success
    assert not service.call("AssignAgentToTeam", "AgentTeamAssignment", **assigned).success
    assert {it.name: it.member_count for it in service.call("ListTeams").teams} == {"ops": 1, "night": 1}
    assert service.call("RemoveAgentFromTeam", "AgentTeamAssignment", **assigned).success
    assert service.call("RemoveTeam", "TeamIdentifier", name="night").success
    assert not service.call("RemoveTeam", "TeamIdentifier", name="night").success

    persistent = created.sessions[0].persistent_id
    assert str(UUID(persistent)) == persistent
    for identifier in [first, "one", persistent, "carol"]:
        status = service.call("CheckSessionStatus", "SessionIdentifier", identifier=identifier)
        assert (status.id, status.name, status.agent) == (first, "one", "carol")
    assert service.call("SetActiveSession", "SetActiveSessionRequest", agent="carol").success
    assert service.call("FocusSession", "SessionIdentifier", identifier="carol").success
    assert not service.call("FocusSession", "SessionIdentifier", identifier="nobody").success
    cooling = service.call("FocusSession", "SessionIdentifier", identifier=second)
    assert not cooling.success and "cooldown" in cooling.message
    service.call("WriteToSessions", "WriteToSessionsRequest", messages=[{"content": "cat", "execute": True}])

    def runs() -> bool:
        return service.call("CheckSessionStatus", "SessionIdentifier", identifier=first).is_processing

    until_blocking("the active session runs cat", runs)
    # Its shell says so before it is there: a Ctrl-C then is the shell's, which throws it away.
    until_blocking("cat is there", lambda: "cat" in map(name_of, world.processes()))
    pressed = service.call("SendControlCharacter", "ControlCharRequest", target={"name": "one"}, control_char="c")
    assert pressed.success
    until_blocking("cat has ended", lambda: not runs())
    played = service.call(
        "OrchestratePlaybook",
        "OrchestrateRequest",
        playbook={
            "layout": {"sessions": [{"name": "QA"}]},
            "commands": [{"messages": [{"content": "echo ready", "targets": [{"name": "QA"}], "execute": True}]}],
            "reads": {"targets": [{"name": "QA", "max_lines": 5}]},
        },
    )
    assert played.commands[0].name == "commands" and played.commands[0].write_result.sent_count == 1
    assert played.reads.total_sessions == 1
    assert service.call("RemoveAgent", "AgentIdentifier", name="carol").success
    assert len(service.call("ListSessions").sessions) == 3


def test_commands_pass_the_gate(service: Service, world: World) -> None:
    service.call("CreateSessions", "CreateSessionsRequest", sessions=[{"name": "one"}])
    for use_encoding in ["", "true"]:
        message = {"content": "rm -rf ~", "targets": [{"name": "one"}], "execute": True, "use_encoding": use_encoding}
        refused = service.call("WriteToSessions", "WriteToSessionsRequest", messages=[message])
        assert refused.error_count == 1 and "refused" in refused.results[0].error
    assert world.victim.exists() and world.ran("rm") == []


def test_without_the_token_nothing_is_answered(service: Service) -> None:
    for metadata in [[], [("authorization", "Bearer nonsense-nonsense")]]:
        with pytest.raises(grpc.RpcError) as refused:
            service.stub.ListSessions(service.messages.Empty(), metadata=metadata, timeout=30)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.RpcError) as unknown:
        service.call("CheckSessionStatus", "SessionIdentifier", identifier="nobody")
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_client_that_knows_of_no_token_is_let_in_where_none_is_required(
    world: World, modules: tuple[ModuleType, ModuleType]
) -> None:
    """As the clients of iterm-mcp are: nothing about them changes but the port's owner."""
    port = free_port()
    world.configure(f'[grpc]\nenabled = true\nlisten = "127.0.0.1:{port}"\nrequire_token = false\n')
    host = world.serve()
    until_blocking("it is said who needs none", lambda: "without a token for your own processes" in host.banner)
    service = Service(host, port, modules)
    created = service.stub.CreateSessions(
        service.messages.CreateSessionsRequest(sessions=[{"name": "one", "agent": "alice"}]), timeout=60
    )
    assert [session.name for session in created.sessions] == ["one"]
    for content, sent in [("echo hello", 1), ("rm -rf ~", 0)]:
        message = {"content": content, "targets": [{"agent": "alice"}], "execute": True}
        request = service.messages.WriteToSessionsRequest(messages=[message])
        assert service.stub.WriteToSessions(request, timeout=60).sent_count == sent, "the gate is the same"
    assert world.victim.exists()
    with pytest.raises(grpc.RpcError) as refused:
        wrong = [("authorization", "Bearer nonsense-nonsense")]
        service.stub.ListSessions(service.messages.Empty(), metadata=wrong, timeout=30)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED, "who shows one shows the right one"
    service.channel.close()


def test_calls_that_come_too_often_are_told_to_wait(world: World, modules: tuple[ModuleType, ModuleType]) -> None:
    """As often as iterm-mcp's tools may be called, whatever connection the calls come on."""
    port = free_port()
    limits = "others_per_minute = 60\nothers_burst = 3\n"
    world.configure(f'[grpc]\nenabled = true\nlisten = "127.0.0.1:{port}"\n[rate_limits]\n{limits}')
    host = world.serve()
    services = [Service(host, port, modules) for _ in range(2)]
    for service in services:
        service.call("ListSessions")
    with pytest.raises(grpc.RpcError) as refused:
        for service in services * 10:
            service.call("ListSessions")
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "ListSessions" in refused.value.details()
    assert list(services[0].call("ListTeams").teams) == [], "another method has its own"
    until_blocking("there is room again", lambda: _answers(services[0]))
    for service in services:
        service.channel.close()


def _answers(service: Service) -> bool:
    try:
        service.call("ListSessions")
    except grpc.RpcError:
        return False
    return True


def test_the_socket_is_its_owners_and_needs_no_token(service: Service, world: World) -> None:
    path = Path(world.runtime) / "quarterdeck" / "grpc.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with grpc.insecure_channel(f"unix:{path}", options=[("grpc.default_authority", "localhost")]) as channel:
        method = channel.unary_unary(
            "/iterm_mcp.ITermService/ListSessions",
            request_serializer=service.messages.Empty.SerializeToString,
            response_deserializer=service.messages.SessionList.FromString,
        )
        assert list(method(service.messages.Empty(), timeout=30).sessions) == []
    service.host.stop()
    assert not path.exists()


def test_health_and_reflection(service: Service) -> None:
    health = health_pb2_grpc.HealthStub(service.channel)
    request = health_pb2.HealthCheckRequest(service="iterm_mcp.ITermService")
    assert health.Check(request, metadata=service.token, timeout=30).status == health_pb2.HealthCheckResponse.SERVING
    with_token = grpc.intercept_channel(service.channel, _WithToken(service.token))
    services = ProtoReflectionDescriptorDatabase(with_token).get_services()
    assert "iterm_mcp.ITermService" in services


class _WithToken(grpc.StreamStreamClientInterceptor):
    """Shows the token with each call of reflection, which is a stream."""

    def __init__(self, metadata: list[tuple[str, str]]) -> None:
        self.metadata = metadata

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(details._replace(metadata=self.metadata), requests)


def test_connections_that_stay_open_do_not_keep_the_host_from_ending(service: Service) -> None:
    health = health_pb2_grpc.HealthStub(service.channel)
    watched = health.Watch(health_pb2.HealthCheckRequest(), metadata=service.token)
    assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
    with socket.create_connection(("127.0.0.1", service.port)):
        assert service.host.stop() == 0
    with pytest.raises(grpc.RpcError):
        next(watched)


def test_it_is_off_unless_it_is_asked_for(world: World) -> None:
    host = world.serve()
    assert "gRPC" not in host.banner
    assert not (Path(world.runtime) / "quarterdeck" / "grpc.sock").exists()


def test_a_message_that_its_client_gives_up_arrives_whole_and_once(world: World, service: Service) -> None:
    """A shell that is slow to start outlasts the client's patience."""
    (world.home / ".bashrc").write_text("sleep 2\n")
    service.call("CreateSessions", "CreateSessionsRequest", sessions=[{"name": "slow", "agent": "ada"}])
    message = {"content": "echo it $((40 + 2)) arrived", "targets": [{"agent": "ada"}], "execute": True}
    request = service.messages.WriteToSessionsRequest(messages=[message], skip_duplicates=True)
    with pytest.raises(grpc.RpcError) as given_up:
        service.stub.WriteToSessions(request, metadata=service.token, timeout=0.3)
    assert given_up.value.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
    again = service.stub.WriteToSessions(request, metadata=service.token, timeout=30)
    assert again.results[0].skipped_reason == "duplicate", again
    service.shows("it 42 arrived", agent="ada")
    read = service.call("ReadSessions", "ReadSessionsRequest", targets=[{"agent": "ada"}])
    assert read.outputs[0].content.count("it 42 arrived") == 1
