"""A trace of thousands of spans over several services, forty deep, with log records and what its user did."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

SPANS = 10_000
SERVICES = 8
DEPTH = 40
LOG_RECORDS = 100
USER = "bench-reader"
MS = 1_000_000
_EXPORTED = 2_000
_OPERATIONS = ("GET /cart", "GET /products/{id}", "SELECT items", "SELECT orders", "render", "price", "stock", "chat small")


class LargeTrace:
    """Its id, and its spans in the order in which they begin, each below an earlier one and of any of the services."""

    def __init__(self, start_ns: int, seed: int = 7) -> None:
        chance = random.Random(seed)
        self.trace_id = chance.randbytes(16)
        self._spans: list[tuple[int, Span]] = []
        # A path of the newest span of each depth; the next span is below one of them.
        path: list[Span] = []
        for number in range(SPANS):
            # The first ones go as deep as any; after that every depth is as likely as another.
            depth = number if number < DEPTH else chance.randrange(1, DEPTH)
            del path[min(depth, len(path)) :]
            span = self._span(chance, number, path[-1].span_id if path else b"", start_ns + number * MS)
            path.append(span)
            self._spans.append((chance.randrange(SERVICES) if number else 0, span))

    def _span(self, chance: random.Random, number: int, parent: bytes, start_ns: int) -> Span:
        ms = SPANS + 50 if not parent else chance.lognormvariate(3, 1)
        span = Span(
            trace_id=self.trace_id,
            span_id=chance.randbytes(7) + b"\1",
            parent_span_id=parent,
            name="POST /import" if not parent else chance.choice(_OPERATIONS),
            kind=Span.SPAN_KIND_SERVER if not parent else Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + int(ms * MS),
            attributes=pairs({"user.id": USER, "batch": number // 100, "item.id": f"item-{number}"}),
        )
        if number % 50 == 49:
            span.status.code = 2  # type: ignore[assignment]  # its number
            event = span.events.add(name="exception", time_unix_nano=start_ns + MS)
            event.attributes.extend(pairs({"exception.type": "TimeoutError", "exception.message": "upstream did not answer"}))
        return span

    def spans(self) -> Iterator[bytes]:
        """Export requests."""
        for first in range(0, SPANS, _EXPORTED):
            by_service: dict[int, ResourceSpans] = {}
            for service, span in self._spans[first : first + _EXPORTED]:
                if service not in by_service:
                    by_service[service] = ResourceSpans()
                    by_service[service].resource.attributes.extend(pairs({"service.name": f"service-{service}"}))
                    by_service[service].scope_spans.add().scope.name = "bench"
                by_service[service].scope_spans[0].spans.append(span)
            yield ExportTraceServiceRequest(resource_spans=by_service.values()).SerializeToString()

    def logs(self) -> bytes:
        """An export request of log records of spans all over the trace."""
        message = ResourceLogs()
        message.resource.attributes.extend(pairs({"service.name": "service-0"}))
        records = message.scope_logs.add().log_records
        for _, span in self._spans[:: SPANS // LOG_RECORDS]:
            body = AnyValue(string_value=f"item {span.span_id.hex()} is late")
            at = span.start_time_unix_nano
            records.append(
                LogRecord(time_unix_nano=at, severity_number=13, body=body, trace_id=span.trace_id, span_id=span.span_id)  # type: ignore[arg-type]
            )
        return ExportLogsServiceRequest(resource_logs=[message]).SerializeToString()

    def events(self) -> list[dict[str, Any]]:
        """What the user did meanwhile."""
        return [
            {"event_id": f"{self.trace_id.hex()}-{place}", "event_type": "page_view", "user_id": USER} for place in range(50)
        ]


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=AnyValue(int_value=of) if isinstance(of, int) else AnyValue(string_value=of))
        for key, of in attributes.items()
    ]
