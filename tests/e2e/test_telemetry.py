"""Traces and metrics for a collector, decoded with OpenTelemetry's own protobuf."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agent import agent_on_http
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
    assert lineages["gate.run"] == ["tools/call session_run"]
    assert lineages["gate.judge"] == ["gate.run", "tools/call session_run"]
    assert lineages["policy.review"] == ["gate.judge", "gate.run", "tools/call session_run"]
    assert lineages["backend.type"] == ["gate.run", "tools/call session_run"]
    assert lineages["session.command"] == ["tools/call session_run"]
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


async def test_a_collector_that_is_not_there_costs_nobody_anything(world: World) -> None:
    world.configure('[telemetry]\nendpoint = "http://127.0.0.1:9"\n')
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
