"""Spans as OTLP, for tests: made one by one, or as traces of several services."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
MS = 1_000_000


def value(of: Any) -> AnyValue:
    """A value as OTLP has it."""
    if isinstance(of, bool):
        return AnyValue(bool_value=of)
    if isinstance(of, int):
        return AnyValue(int_value=of)
    if isinstance(of, float):
        return AnyValue(double_value=of)
    if isinstance(of, list):
        return AnyValue(array_value=ArrayValue(values=[value(one) for one in of]))
    return AnyValue(string_value=of)


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(of)) for key, of in attributes.items()]


def span(
    trace_id: bytes,
    span_id: bytes,
    name: str = "GET /",
    *,
    parent: bytes = b"",
    kind: str = "server",
    start_ns: int | None = None,
    duration_ms: float = 10.0,
    error: str | None = None,
    attributes: dict[str, Any] | None = None,
) -> SpanMessage:
    """A span that began just now, where no start is given; ``error`` is its status message, which makes it a failed one."""
    start = time.time_ns() - int(duration_ms * MS) if start_ns is None else start_ns
    message = SpanMessage(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=name,
        kind=KINDS[kind],  # type: ignore[arg-type]  # its number
        start_time_unix_nano=start,
        end_time_unix_nano=start + int(duration_ms * MS),
        attributes=pairs(attributes or {}),
    )
    if error is not None:
        message.status.code = 2  # type: ignore[assignment]  # its number
        message.status.message = error
    return message


def resource_spans(service: str, spans: Iterable[SpanMessage], scope: str = "tests", **resource: Any) -> ResourceSpans:
    """Spans of one service, as one message of SPANS."""
    message = ResourceSpans()
    message.resource.attributes.extend(pairs({"service.name": service, **resource}))
    scope_spans = message.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.spans.extend(spans)
    return message


def random_ids(seed: int, count: int) -> Sequence[tuple[bytes, bytes]]:
    """Ids of traces and spans, none of them zero."""
    chance = random.Random(seed)
    return [(chance.randbytes(15) + b"\1", chance.randbytes(7) + b"\1") for _ in range(count)]
