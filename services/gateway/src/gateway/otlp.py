"""From an OTLP export request to one message per resource. Pure.

How this works
--------------
A request holds ``ResourceSpans`` (or ``ResourceMetrics``), each of which becomes a message with the bytes that came. The
request is counted and cut by its wire format (:mod:`gateway.otlp_wire`), so that no more is ever built at once than one message
holds; a resource too large for one message is split the same way. What is built is only looked at, and serialized anew only
where something in it is unacceptable (a span without a valid id).

JSON is read into the same protobuf messages first, one resource at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # generated, shipped without type information
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti import attributes, subjects
from drishti.errors import InvalidPayload
from gateway import otlp_json, otlp_text, otlp_wire

Signal = Literal["traces", "metrics"]

MESSAGE_BYTES = 512 * 1024
"""The largest message: half of what NATS takes by default, room for headers included."""

MAX_RESOURCES = 1000
"""Resources in one request: each is a publish of its own."""

MAX_ITEMS = 200_000
"""Spans or metrics in one resource that is split; stock exporters send some thousands."""

_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)


class Part(NamedTuple):
    """One message; ``service`` is the token of its subject."""

    service: str
    payload: bytes


class Export(NamedTuple):
    """What became of a request: messages, and how many spans or data points were not acceptable, with the reason."""

    parts: list[Part]
    rejected: int = 0
    reason: str = ""


def read(signal: Signal, body: bytes, *, json: bool) -> Export:
    """The messages of an export request; raises :class:`InvalidPayload` where the body is none."""
    return _read_traces(body, json) if signal == "traces" else _read_metrics(body, json)


def response(signal: Signal, export: Export, *, json: bool) -> bytes:
    """The body of the answer 200, in the encoding of the request."""
    if json:
        return _json_response(signal, export)
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        if export.rejected:
            traces.partial_success.rejected_spans = export.rejected
            traces.partial_success.error_message = export.reason
        return traces.SerializeToString()
    metrics = ExportMetricsServiceResponse()
    if export.rejected:
        metrics.partial_success.rejected_data_points = export.rejected
        metrics.partial_success.error_message = export.reason
    return metrics.SerializeToString()


def status(code: int, message: str) -> bytes:
    """``google.rpc.Status`` in protobuf: the body of every answer that is not 200."""
    return bytes(Status(code=code, message=message).SerializeToString())


def _json_response(signal: Signal, export: Export) -> bytes:
    if not export.rejected:
        return b"{}"
    name = "rejectedSpans" if signal == "traces" else "rejectedDataPoints"
    # 64-bit numbers are texts in protobuf's JSON
    return orjson.dumps({"partialSuccess": {name: str(export.rejected), "errorMessage": export.reason}})


def _read_traces(body: bytes, json: bool) -> Export:
    parts: list[Part] = []
    invalid = too_large = 0
    for payload in _resources(body, json, ResourceSpans, "resource_spans"):
        for piece in otlp_wire.split(payload, otlp_wire.TRACE_LEVELS, MESSAGE_BYTES, MAX_ITEMS):
            too_large += piece.lost
            resource, whole = _built(ResourceSpans, piece.payload)
            bad = _drop_invalid_spans(resource)
            invalid += bad
            if any(scope.spans for scope in resource.scope_spans):
                parts.append(Part(_service(resource), resource.SerializeToString() if bad else whole))
    reasons = [f"{invalid} without a valid trace and span id"] * bool(invalid)
    reasons += [f"{too_large} larger than {MESSAGE_BYTES} bytes, or of a resource whose attributes are"] * bool(too_large)
    return Export(parts, invalid + too_large, "; ".join(reasons))


def _read_metrics(body: bytes, json: bool) -> Export:
    parts: list[Part] = []
    too_large = 0
    for payload in _resources(body, json, ResourceMetrics, "resource_metrics"):
        for piece in otlp_wire.split(payload, otlp_wire.METRIC_LEVELS, MESSAGE_BYTES, MAX_ITEMS):
            too_large += piece.lost
            resource, whole = _built(ResourceMetrics, piece.payload)
            if any(scope.metrics for scope in resource.scope_metrics):
                parts.append(Part(_service(resource), whole))
    reason = f"{too_large} larger than {MESSAGE_BYTES} bytes, or of a resource whose attributes are" if too_large else ""
    return Export(parts, too_large, reason)


def _resources(body: bytes, json: bool, kind: Any, field: str) -> Iterator[bytes]:
    """The bytes of each resource of the request."""
    if not json:
        yield from otlp_wire.resources(body, MAX_RESOURCES)
        return
    for resource in otlp_json.resources(body, kind, field, MAX_RESOURCES):
        yield resource.SerializeToString()


def _built(kind: Any, payload: bytes) -> tuple[Any, bytes]:
    """The message, and its bytes: others than ``payload`` where texts in it were not UTF-8."""
    try:
        return kind.FromString(payload), payload
    except DecodeError:
        pass  # perhaps only for a text, which is mended
    try:
        payload = otlp_text.mended(kind, payload)
        return kind.FromString(payload), payload
    except DecodeError:
        raise InvalidPayload(f"not a protobuf message of type {kind.DESCRIPTOR.full_name}") from None


def _service(resource: Any) -> str:
    for attribute in resource.resource.attributes:
        if attribute.key == attributes.SERVICE_NAME:
            return subjects.token(attribute.value.string_value)
    return subjects.token("")


def _drop_invalid_spans(resource: Any) -> int:
    """Takes out the spans that no trace can hold; says how many."""
    dropped = 0
    for scope in resource.scope_spans:
        invalid = [index for index, span in enumerate(scope.spans) if not _is_valid(span)]
        for index in reversed(invalid):
            del scope.spans[index]
        dropped += len(invalid)
    return dropped


def _is_valid(span: Any) -> bool:
    trace, ident = span.trace_id, span.span_id
    return len(trace) == 16 and len(ident) == 8 and trace != _NO_TRACE and ident != _NO_SPAN
