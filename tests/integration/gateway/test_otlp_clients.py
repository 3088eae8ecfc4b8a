"""OpenTelemetry's own SDKs as clients of the gateway: what they send by every protocol is stored, from whichever language.

Python's run always. The others are fetched from their registries, so they run only where ``DRISHTI_TEST_CLIENTS=node,go,java``
asks for them.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from drishti_local.servers import NatsServer
from rigs.gateway import Rig, running

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
ASKED = os.environ.get("DRISHTI_TEST_CLIENTS", "").split(",")
WAIT_S = 300


@pytest.fixture(scope="module")
async def served(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    async with running(nats_server) as rig:
        yield rig


@pytest.fixture
async def rig(served: Rig) -> Rig:
    """The gateway, with a tenant of this test's own."""
    result = Rig(served.url, served.http, served.bus, served.gateway)
    result.admin = await result.key("admin")
    result.grpc = served.grpc
    return result


async def stored(rig: Rig) -> tuple[list[Any], list[Any], list[Any]]:
    """The tenant's spans, metrics and log records, in the order in which they came."""
    spans = [ResourceSpans.FromString(m.data) for m in await rig.messages("SPANS", f"spans.v1.{rig.tenant}.shop")]
    metrics = [ResourceMetrics.FromString(m.data) for m in await rig.messages("METRICS", f"metrics.v1.{rig.tenant}.shop")]
    logs = [ResourceLogs.FromString(m.data) for m in await rig.messages("LOGS", f"logs.v1.{rig.tenant}.shop")]
    return (
        [span for resource in spans for scope in resource.scope_spans for span in scope.spans],
        [metric for resource in metrics for scope in resource.scope_metrics for metric in scope.metrics],
        [record for resource in logs for scope in resource.scope_logs for record in scope.log_records],
    )


class Watched(SpanExporter):
    """An exporter, and what became of its exports."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self.results: list[SpanExportResult] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.results.append(self._inner.export(spans))
        return self.results[-1]

    def shutdown(self) -> None:
        self._inner.shutdown()


def by_grpc(rig: Rig) -> tuple[Any, Any, Any]:
    options: Any = {"endpoint": f"http://{rig.grpc}", "insecure": True, "headers": {"authorization": f"Bearer {rig.admin}"}}
    return (
        GrpcSpans(**options, compression=grpc.Compression.Gzip),
        GrpcMetrics(**options),
        GrpcLogs(**options, compression=grpc.Compression.Gzip),
    )


def by_http(rig: Rig) -> tuple[Any, Any, Any]:
    headers = {"x-api-key": rig.admin}
    return (
        HttpSpans(f"{rig.url}/v1/traces", headers=headers, compression=Compression.Gzip),
        HttpMetrics(f"{rig.url}/v1/metrics", headers=headers, compression=Compression.Deflate),
        HttpLogs(f"{rig.url}/v1/logs", headers=headers),
    )


@pytest.mark.parametrize("exporters", [by_grpc, by_http])
async def test_python(rig: Rig, exporters: Callable[[Rig], tuple[Any, Any, Any]]) -> None:
    results = await asyncio.to_thread(_send_by_python, *exporters(rig))
    assert set(results) == {SpanExportResult.SUCCESS}
    spans, metrics, logs = await stored(rig)
    assert len(spans) == 1_000
    assert len({span.span_id for span in spans}) == 1_000
    assert {metric.name for metric in metrics} >= {"jobs", "seconds"}
    assert [record.body.string_value for record in logs] == ["hello \u2713"]


def _send_by_python(spans: Any, points: Any, records: Any) -> list[SpanExportResult]:
    resource = Resource.create({"service.name": "shop"})
    watched = Watched(spans)
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(watched))
    for number in range(1_000):
        with traces.get_tracer("test").start_as_current_span("work", attributes={"n": number, "list": ["a", "b"]}) as span:
            span.add_event("happened", {"x": 1.5})
    traces.force_flush()
    traces.shutdown()
    reader = PeriodicExportingMetricReader(points, export_interval_millis=60_000)
    meters = MeterProvider([reader], resource=resource)
    meter = meters.get_meter("test")
    meter.create_counter("jobs").add(2, {"kind": "a"})
    meter.create_histogram("seconds").record(0.5)
    meters.force_flush()
    meters.shutdown()
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(SimpleLogRecordProcessor(records))
    logs.get_logger("test").emit(LogRecord(timestamp=time.time_ns(), severity_number=SeverityNumber.INFO, body="hello \u2713"))
    logs.force_flush()
    logs.shutdown()
    return watched.results


@pytest.mark.parametrize("by", ["http", "grpc"])
async def test_wire_format_of_the_collector(rig: Rig, by: str) -> None:
    """Gzip, chunks without a length, and the data of several applications in one request."""
    sent = ExportTraceServiceRequest()
    for service in ("shop", "cart", "shop"):
        resource = sent.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.27.0")
        resource.resource.attributes.add(key="service.name").value.string_value = service
        for scope in ("a", "b"):
            spans = resource.scope_spans.add()
            spans.scope.name = scope
            span = spans.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="work", trace_state="a=b", flags=0x101)
            span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    agent = "OpenTelemetry Collector Contrib/0.139.0 (linux/amd64)"
    if by == "http":
        body = gzip.compress(sent.SerializeToString())

        async def chunks() -> AsyncIterator[bytes]:
            for at in range(0, len(body), 50):
                yield body[at : at + 50]

        headers = {
            "authorization": f"Bearer {rig.admin}",
            "content-type": "application/x-protobuf",
            "content-encoding": "gzip",
            "user-agent": agent,
        }
        async with rig.http.post(f"{rig.url}/v1/traces", data=chunks(), headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
    else:
        async with grpc.aio.insecure_channel(rig.grpc, options=[("grpc.primary_user_agent", agent)]) as channel:
            export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
            metadata = (("authorization", f"Bearer {rig.admin}"),)
            assert await export(sent.SerializeToString(), metadata=metadata, compression=grpc.Compression.Gzip) == b""
    for service, count in (("shop", 2), ("cart", 1)):
        stored = [message.data for message in await rig.messages("SPANS", f"spans.v1.{rig.tenant}.{service}")]
        resources = [
            one.SerializeToString() for one in sent.resource_spans if one.resource.attributes[0].value.string_value == service
        ]
        assert sorted(stored) == sorted(resources)
        assert len(stored) == count


async def run(*command: str, cwd: Path) -> None:
    """Runs ``command`` to its end, and fails with what it said where that is not 0."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(WAIT_S):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, said.decode(errors="replace")


def copied(language: str, program: str, folder: Path) -> Path:
    """The client of ``language`` in a folder where its packages may be put; skips the test where it is not asked for."""
    if language not in ASKED:
        pytest.skip(f"DRISHTI_TEST_CLIENTS=node,go,java asks for {language}, whose packages are fetched from its registry")
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    ignore = shutil.ignore_patterns("node_modules")
    return Path(shutil.copytree(CLIENTS / language, folder / language, ignore=ignore))


async def check_one_of_each(rig: Rig) -> None:
    spans, metrics, logs = await stored(rig)
    assert [span.name for span in spans] == ["work"]
    assert {attribute.key for attribute in spans[0].attributes} >= {"http.route", "n", "list"}
    assert {metric.name for metric in metrics if not metric.name.startswith("otel.sdk.")} == {
        "jobs"
    }  # Java's counts itself, too
    assert [record.body.string_value for record in logs] == ["hello"]


@pytest.fixture(scope="module")
async def node_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied("node", "npm", tmp_path_factory.mktemp("clients"))
    await run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", cwd=folder)
    return folder


@pytest.fixture(scope="module")
async def go_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied("go", "go", tmp_path_factory.mktemp("clients"))
    await run("go", "build", "-o", "client", ".", cwd=folder)
    return folder


@pytest.fixture(scope="module")
async def java_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied("java", "mvn", tmp_path_factory.mktemp("clients"))
    await run("mvn", "-q", "-B", "compile", "dependency:copy-dependencies", cwd=folder)
    return folder


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
async def test_node(rig: Rig, node_client: Path, protocol: str) -> None:
    url = f"http://{rig.grpc}" if protocol == "grpc" else rig.url
    await run("node", "client.mjs", protocol, url, rig.admin, "shop", cwd=node_client)
    await check_one_of_each(rig)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_go(rig: Rig, go_client: Path, protocol: str) -> None:
    address = rig.grpc if protocol == "grpc" else rig.url.removeprefix("http://")
    await run("./client", protocol, address, rig.admin, "shop", cwd=go_client)
    await check_one_of_each(rig)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
async def test_java(rig: Rig, java_client: Path, protocol: str) -> None:
    url = f"http://{rig.grpc}" if protocol == "grpc" else rig.url
    await run("java", "-cp", "target/classes:target/dependency/*", "Client", protocol, url, rig.admin, "shop", cwd=java_client)
    await check_one_of_each(rig)
