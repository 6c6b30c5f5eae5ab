"""Traces and metrics for a collector, decoded with OpenTelemetry's own protobuf."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agent import agent_on_http, agent_on_stdio
from iterm_mcp import orchestrator
from waiting import until, until_blocking
from world import World


@dataclass
class Collector:
    """Takes what an OpenTelemetry collector takes over HTTP."""

    port: int
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def figures(self) -> dict[str, Metric]:
        return {
            metric.name: metric
            for request in self.metrics
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Door(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 (the name is http.server's)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/x-protobuf"
            if self.path == "/v1/traces":
                found.traces.append(ExportTraceServiceRequest.FromString(body))
            elif self.path == "/v1/metrics":
                found.metrics.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    found = Collector(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()


@pytest.fixture
def grpc_collector() -> Iterator[Collector]:
    """Takes what an OpenTelemetry collector takes over gRPC."""

    class Traces(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:  # noqa: N802
            found.traces.append(request)
            return ExportTraceServiceResponse()

    class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
        def Export(self, request: ExportMetricsServiceRequest, context: Any) -> ExportMetricsServiceResponse:  # noqa: N802
            found.metrics.append(request)
            return ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)
    found = Collector(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    yield found
    server.stop(None)


def attributes(span: Span) -> dict[str, str]:
    return {it.key: it.value.string_value for it in span.attributes}


async def test_a_command_is_a_trace_from_the_call_to_the_keyboard(world: World, collector: Collector) -> None:
    world.configure(f'[telemetry]\nendpoint = "{collector.endpoint}"\nenvironment = "test"\nmetrics_seconds = 1\n')
    host = world.serve()
    async with agent_on_http(host) as agent:
        session = (await agent.run("echo one-two-three"))["sessionId"]
        await agent.type(session, "echo typed", enter=True)
        await agent.at_prompt(session)
        expected = {f"quarterdeck.{name}" for name in ("sessions", "verdicts", "events", "policy.calls")}
        await until("figures of all kinds have come", lambda: expected <= set(collector.figures()))
    assert host.stop() == 0

    spans = collector.spans()
    by_id = {span.span_id: span for span in spans}
    (call,) = [span for span in spans if span.name == "tools/call session_run"]
    assert call.kind == Span.SPAN_KIND_SERVER and attributes(call)["gen_ai.tool.name"] == "session_run"

    def parents(span: Span) -> list[str]:
        above = by_id.get(span.parent_span_id)
        return [] if above is None else [above.name, *parents(above)]

    of_call = [span for span in spans if span.trace_id == call.trace_id]
    lineages = {span.name: parents(span) for span in of_call}
    above = ["session.execute_command", "tools/call session_run"]
    assert lineages["gate.run"] == above
    assert lineages["gate.judge"] == ["gate.run", *above]
    assert lineages["policy.review"] == ["gate.judge", "gate.run", *above]
    assert lineages["backend.type"] == ["gate.run", *above]
    assert lineages["session.command"] == above
    (executed,) = [span for span in of_call if span.name == "session.execute_command"]
    assert attributes(executed)["session.id"] == session
    (judged,) = [span for span in of_call if span.name == "gate.judge"]
    assert attributes(judged)["tier"] == "safe"
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans)
    assert "gate.type" in {span.name for span in spans}
    # What was run is for the audit log, not for a collector.
    assert "one-two-three" not in str(collector.traces)

    resource = {it.key: it.value.string_value for it in collector.traces[0].resource_spans[0].resource.attributes}
    assert resource["service.name"] == "quarterdeck" and resource["deployment.environment.name"] == "test"

    verdicts = collector.figures()["quarterdeck.verdicts"].sum
    assert verdicts.is_monotonic and sum(point.as_int for point in verdicts.data_points) >= 1


async def test_the_environment_speaks_opentelemetrys_words(world: World, collector: Collector) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        await agent.run("true")
    host.stop()
    assert not collector.traces, "nothing is exported unless somebody says where to"
    world.extra_env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_SERVICE_NAME": "my-terminals"}
    host = world.serve()
    async with agent_on_http(host) as agent:
        await agent.run("true")
    host.stop()
    resource = {it.key: it.value.string_value for it in collector.traces[0].resource_spans[0].resource.attributes}
    assert resource["service.name"] == "my-terminals"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_a_collector_that_is_not_there_costs_nobody_anything(world: World, protocol: str) -> None:
    world.configure(f'[telemetry]\nendpoint = "http://127.0.0.1:9"\nprotocol = "{protocol}"\n')
    host = world.serve()
    async with agent_on_http(host) as agent:
        assert (await agent.run("echo still here"))["exitStatus"] == 0
    assert host.stop() == 0


def test_a_collector_that_is_not_there_is_told_of_once(world: World) -> None:
    world.configure('[telemetry]\nendpoint = "http://127.0.0.1:9"\nmetrics_seconds = 1\n')
    host = world.serve()

    def told() -> int:
        return world.quarterdeck("logs").stdout.count("http://127.0.0.1:9 does not take metrics")

    until_blocking("the operator is told", lambda: told() == 1)
    host.stop()
    assert told() == 1, "and not with every export"


async def test_a_collector_that_takes_grpc_gets_what_the_document_of_iterm_mcp_lists(
    world: World, grpc_collector: Collector
) -> None:
    """With the variables of that document: an endpoint without a scheme, and gRPC at it."""
    world.configure("[telemetry]\nmetrics_seconds = 1\n")
    world.extra_env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"127.0.0.1:{grpc_collector.port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_ENVIRONMENT": "development",
    }
    async with orchestrator(world) as agent:
        (one,) = await agent.sessions("one")
        await agent.call("register_agent", name="ada", session_id=one)
        await agent.call("create_team", name="web", description="")
        await agent.write("echo hello", {"agent": "ada"})
        await agent.call("send_cascade_message", broadcast="echo everybody")
        await agent.shows("everybody", agent="ada")
        await agent.write("echo", {"agent": "ada"}, execute=False)
        await agent.call("send_control_character", control_char="c", target={"agent": "ada"})
        await agent.call("send_special_key", key="up", target={"agent": "ada"})
        await agent.call("remove_team", team_name="web")
        await agent.call("remove_agent", agent_name="ada")
        await until("figures have come", lambda: "quarterdeck.sessions" in grpc_collector.figures())
    spans = {span.name: attributes(span) for span in grpc_collector.spans()}
    listed = {
        "session": "send_text execute_command get_screen_contents send_control_character send_special_key",
        "agent_registry": "register_agent remove_agent create_team remove_team resolve_cascade_targets",
    }
    names = {f"{prefix}.{name}" for prefix, names in listed.items() for name in names.split()}
    names |= {f"execute_{name}" for name in ["create_sessions", "write_request", "read_request", "cascade_request"]}
    assert names <= set(spans), names - set(spans)
    assert spans["agent_registry.register_agent"]["agent.name"] == "ada"
    assert spans["agent_registry.create_team"]["team.name"] == "web"
    session = spans["agent_registry.register_agent"]["session.id"]
    assert spans["session.send_special_key"]["session.id"] == session
    resource = grpc_collector.traces[0].resource_spans[0].resource
    told = {it.key: it.value.string_value for it in resource.attributes}
    assert told["deployment.environment.name"] == "development"


async def test_spans_are_printed_for_who_looks_for_something(world: World, collector: Collector) -> None:
    world.extra_env = {"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
    host = world.serve()
    async with agent_on_http(host) as agent:
        session = (await agent.run("echo one-two-three"))["sessionId"]
    assert host.stop() == 0
    log = host.log.read_text()
    assert f'session.id="{session}"' in log and "span policy.review" in log and "one-two-three" not in log
    assert not collector.traces, "the collector was not named among the exporters"
    async with agent_on_stdio(world) as agent:
        assert (await agent.run("echo protocol"))["output"] == "protocol\n", "standard output is protocol"
