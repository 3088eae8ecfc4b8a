"""A receiver of OTLP/HTTP for the tests, and of what else an application sends to the gateway: keeps spans and gauges with the
service that sent them, events, and the headers of each request."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from rigs.posts import PostServer


class Received(NamedTuple):
    service: str
    span: Span


class Measured(NamedTuple):
    resource: dict[str, Any]
    metric: str
    value: float


class Receiver:
    """Takes what is posted to ``url``, whatever the path; a thread of its own, so any loop may be busy."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.measured: list[Measured] = []
        self.events: list[dict[str, Any]] = []
        self.logged: list[tuple[str, LogRecord]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.refused: dict[str, int] = {}
        """Statuses of paths that are answered with one other than 200."""
        self._server = PostServer(self._post)
        self.url = self._server.url

    def _post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], None]:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.requests.append((path, headers))
        if path.endswith("/v1/metrics"):
            self._measure(ExportMetricsServiceRequest.FromString(body))
        elif path.endswith("/v1/logs"):
            for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                service = attributes_of(logs.resource).get("service.name", "")
                self.logged += [(service, record) for scope in logs.scope_logs for record in scope.log_records]
        elif path.endswith("/api/events"):
            events = json.loads(body)
            self.events += events
            return 202, {}, {"accepted": len(events)}
        elif path.endswith("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self._take(resource)
        return self.refused.get(path, 200), {}, None

    @property
    def spans(self) -> list[Span]:
        return [span for _, span in self.received]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def close(self) -> None:
        self._server.close()

    def _measure(self, request: ExportMetricsServiceRequest) -> None:
        for resource in request.resource_metrics:
            described = attributes_of(resource.resource)
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.gauge.data_points:
                    self.measured.append(Measured(described, metric.name, point.as_double or float(point.as_int)))

    def _take(self, resource: ResourceSpans) -> None:
        service = attributes_of(resource.resource).get("service.name", "")
        self.received += [Received(service, span) for scope in resource.scope_spans for span in scope.spans]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def attributes_of(described: Any) -> dict[str, Any]:
    """The attributes of a span or a resource, texts and whole numbers."""
    return {a.key: a.value.string_value or a.value.int_value for a in described.attributes}
