"""From an OTLP export request to one message per resource. Pure.

How this works
--------------
A request holds ``ResourceSpans`` (or ``ResourceMetrics``), each of which becomes a message with the bytes that came: the
request's outer level is cut by its wire format, and the parts are decoded only to look at them. A part is built anew only where
something in it is unacceptable (a span without a valid id), or where it is too large for one message and must be split.

JSON is read into the same protobuf messages first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # generated, shipped without type information
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData, ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, TracesData

from drishti import attributes, subjects
from drishti.errors import InvalidPayload
from gateway import otlp_json

Signal = Literal["traces", "metrics"]

MESSAGE_BYTES = 512 * 1024
"""The largest message: half of what NATS takes by default, room for headers included."""

MAX_RESOURCES = 1000
"""Resources in one request: each is a publish of its own."""

_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)
_FIELD_1 = 0x0A  # field 1, length-delimited: resource_spans, resource_metrics


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
    invalid = too_long = 0
    for resource, payload in _resources(body, json, ResourceSpans, TracesData, "resource_spans"):
        bad = _drop_invalid_spans(resource)
        if bad:
            invalid += bad
            payload = resource.SerializeToString()
        service = _service(resource)
        if len(payload) <= MESSAGE_BYTES:
            if _count_spans(resource):
                parts.append(Part(service, payload))
            continue
        for piece, lost in _split(resource, "scope_spans", "spans"):
            too_long += lost
            parts += [Part(service, piece)] if piece else []
    reasons = [f"{invalid} without a valid trace and span id"] * bool(invalid)
    reasons += [f"{too_long} larger than {MESSAGE_BYTES} bytes"] * bool(too_long)
    return Export(parts, invalid + too_long, "; ".join(reasons))


def _read_metrics(body: bytes, json: bool) -> Export:
    parts: list[Part] = []
    too_long = 0
    for resource, payload in _resources(body, json, ResourceMetrics, MetricsData, "resource_metrics"):
        service = _service(resource)
        if len(payload) <= MESSAGE_BYTES:
            if any(scope.metrics for scope in resource.scope_metrics):
                parts.append(Part(service, payload))
            continue
        for piece, lost in _split(resource, "scope_metrics", "metrics"):
            too_long += lost
            parts += [Part(service, piece)] if piece else []
    reason = f"data points of metrics larger than {MESSAGE_BYTES} bytes" if too_long else ""
    return Export(parts, too_long, reason)


def _resources(body: bytes, json: bool, part: Any, whole: Any, field: str) -> Iterator[tuple[Any, bytes]]:
    """Each resource of the request, decoded, with its bytes."""
    if json:
        resources = getattr(otlp_json.parse(body, whole()), field)
        _check_count(len(resources))
        for resource in resources:
            yield resource, resource.SerializeToString()
        return
    payloads = cut(body)
    _check_count(len(payloads))
    for payload in payloads:
        try:
            yield part.FromString(payload), payload
        except DecodeError:
            raise InvalidPayload(f"not a protobuf message of type {part.DESCRIPTOR.full_name}") from None


def _check_count(resources: int) -> None:
    if resources > MAX_RESOURCES:
        raise InvalidPayload(f"more than {MAX_RESOURCES} resources in one request")


def cut(body: bytes) -> list[bytes]:
    """The values of field 1 of a protobuf message, which must be length-delimited; other fields are skipped."""
    found: list[bytes] = []
    at = 0
    while at < len(body):
        key, at = _varint(body, at)
        wire = key & 7
        if wire == 2:
            length, at = _varint(body, at)
            if at + length > len(body):
                raise InvalidPayload("the protobuf message ends too early")
            if key == _FIELD_1:
                found.append(body[at : at + length])
            at += length
        elif wire == 0:
            _, at = _varint(body, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise InvalidPayload("the body is not protobuf")
        if key >> 3 == 0 or (key >> 3 == 1 and key != _FIELD_1) or at > len(body):
            raise InvalidPayload("the body is not an OTLP export request")
    return found


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64 and at < len(body):
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise InvalidPayload("the body is not protobuf")


def _service(resource: Any) -> str:
    for attribute in resource.resource.attributes:
        if attribute.key == attributes.SERVICE_NAME:
            return subjects.token(attribute.value.string_value)
    return subjects.token("")


def _count_spans(resource: Any) -> int:
    return sum(len(scope.spans) for scope in resource.scope_spans)


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


def _split(resource: Any, scopes: str, items: str) -> Iterator[tuple[bytes, int]]:
    """``resource`` in pieces that fit, with the resource and scope in each; and of each piece, how much was lost by size."""
    for scope in getattr(resource, scopes):
        yield from _split_scope(resource, scope, scopes, items, 0, len(getattr(scope, items)))


def _split_scope(resource: Any, scope: Any, scopes: str, items: str, start: int, end: int) -> Iterator[tuple[bytes, int]]:
    if start == end:
        return
    piece = type(resource)(schema_url=resource.schema_url)
    piece.resource.CopyFrom(resource.resource)
    part = getattr(piece, scopes).add(schema_url=scope.schema_url)
    part.scope.CopyFrom(scope.scope)
    chosen = getattr(scope, items)[start:end]
    getattr(part, items).extend(chosen)
    payload = piece.SerializeToString()
    if len(payload) <= MESSAGE_BYTES:
        yield payload, 0
    elif end - start == 1:
        yield b"", _points(chosen[0]) if items == "metrics" else 1
    else:
        middle = (start + end) // 2
        yield from _split_scope(resource, scope, scopes, items, start, middle)
        yield from _split_scope(resource, scope, scopes, items, middle, end)


def _points(metric: Any) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0
