"""From an OTLP export request to one message per resource. Pure.

How this works
--------------
A request holds ``ResourceSpans`` (or ``ResourceMetrics``, or ``ResourceLogs``), each of which becomes a message with the bytes
that came. The request is counted and cut by its wire format (:mod:`gateway.otlp.wire`), so that no more is ever built at once
than one message holds; a resource too large for one message is split the same way. What is built is only looked at, and
serialized anew only where something in it is unacceptable (a span without a valid id or time) or named as a secret or as
content (:mod:`gateway.otlp.sensitive`).

JSON is read into the same protobuf messages first, one resource at a time.

What cannot be read costs itself only: the span, the metric or data point, the log record, or the resource is left out and
counted as rejected. Where nothing at all is left the request is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # generated, shipped without type information
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from drishti.errors import InvalidPayload
from drishti.events import ArrivalNs
from drishti.messages import events, subjects
from gateway.otlp import from_json, utf8, valid_spans, wire, wrong_times
from gateway.otlp.fewer_items import count_points, with_fewer_items
from gateway.otlp.from_json import MAX_LOST, Lost, TooManyLost
from gateway.otlp.limits import Beyond, Limits
from gateway.otlp.reduction import LOG_RECORD, SPAN, Reduction
from gateway.otlp.sensitive import Changes, Sensitive
from gateway.otlp.wrong_times import Rejected, Sifted

Signal = Literal["traces", "metrics", "logs"]


MESSAGE_BYTES = 512 * 1024
"""The largest message: half of what NATS takes by default, room for headers included."""

MAX_RESOURCES = 1000
"""Resources in one request: each is a publish of its own."""

MESSAGE_ITEMS = events.MAX_ITEMS
"""Spans, data points or log records of one message: of short ones it would have room for more, and a reader refuses it then."""

MAX_ITEMS = 200_000
"""Spans, metrics or log records in one resource that is split; stock exporters send some thousands."""

_ALL_SENSITIVE = Sensitive()

_ANY_TIME = ArrivalNs()


class Part(NamedTuple):
    """One message; ``service`` is the token of its subject."""

    service: str
    payload: bytes


class Export(NamedTuple):
    """What became of a request: messages, and how many spans, data points or log records were not acceptable, with the reason.
    With a reason and none rejected, it is a warning. ``beyond``: how many of the rejected are beyond a limit of metrics.
    ``dropped``: how many attributes are left out for their names. ``elsewhere``: messages of what is rejected for the time at
    which it came, which can be forwarded."""

    parts: list[Part]
    rejected: int = 0
    reason: str = ""
    beyond: int = 0
    dropped: int = 0
    elsewhere: Sequence[Part] = ()


def read(
    signal: Signal,
    body: bytes,
    *,
    json: bool,
    when: ArrivalNs = _ANY_TIME,
    limits: Limits | None = None,
    sensitive: Sensitive = _ALL_SENSITIVE,
) -> Export:
    """The messages of an export request; raises :class:`InvalidPayload` where the body is none. What did not happen in ``when``
    is left out. ``limits`` of metrics: which ones the sender may have; ``sensitive`` attributes are left out."""
    if signal == "traces":
        return _read_traces(body, json, when, sensitive)
    if signal == "logs":
        return _read_logs(body, json, when, sensitive)
    return _read_metrics(body, json, when, limits or Limits(), sensitive)


def response(signal: Signal, export: Export, *, json: bool) -> bytes:
    """The body of the answer 200, in the encoding of the request."""
    message, rejected = _RESPONSES[signal]
    if json:
        if not export.reason:
            return b"{}"
        # 64-bit numbers are texts in protobuf's JSON
        first, *more = rejected.split("_")
        name = first + "".join(map(str.capitalize, more))
        return orjson.dumps({"partialSuccess": {name: str(export.rejected), "errorMessage": export.reason}})
    answer = message()
    if export.reason:
        setattr(answer.partial_success, rejected, export.rejected)
        answer.partial_success.error_message = export.reason
    return bytes(answer.SerializeToString())


def rejected(signal: Signal, answer: bytes) -> tuple[int, str]:
    """What the protobuf body of an answer 200 says was not acceptable, and why; raises ``DecodeError`` where it is none."""
    message, field = _RESPONSES[signal]
    said = message.FromString(answer).partial_success
    return int(getattr(said, field)), str(said.error_message)


def status(code: int, message: str) -> bytes:
    """``google.rpc.Status`` in protobuf: the body of every answer that is not 200."""
    return bytes(Status(code=code, message=message).SerializeToString())


_RESPONSES: dict[Signal, tuple[Any, str]] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
}
"""The answer, and its field for how many were not acceptable."""


class _Kind(NamedTuple):
    """What a signal's messages are made of: ``item`` is what is left out alone where it cannot be read."""

    resource: Any
    item: Any
    field: str
    levels: wire.Levels
    item_levels: wire.Levels
    """From a resource down to ``item``."""


_TRACES = _Kind(ResourceSpans, Span, "resource_spans", wire.TRACE_LEVELS, wire.TRACE_LEVELS)
_LOGS = _Kind(ResourceLogs, LogRecord, "resource_logs", wire.LOG_LEVELS, wire.LOG_LEVELS)
_METRICS = _Kind(ResourceMetrics, Metric, "resource_metrics", wire.METRIC_LEVELS, wire.METRIC_LEVELS[:2])


def _read_traces(body: bytes, json: bool, when: ArrivalNs, sensitive: Sensitive) -> Export:
    parts: list[Part] = []
    elsewhere: list[Part] = []
    lost: list[Lost] = []
    rejected = Rejected()
    too_large = dropped = 0
    reduction = Reduction(SPAN, sensitive)
    for payload in _resources(body, json, _TRACES, lost):
        for piece in wire.split(payload, _TRACES.levels, MESSAGE_BYTES, MAX_ITEMS, reduction):
            too_large += piece.lost
            resource, whole = _built(_TRACES, piece.payload, lost)
            spans = valid_spans.count_if_valid(whole, when)
            if spans is None:
                sifted = wrong_times.sift_spans(resource, when, rejected)
                if sifted.changed:
                    whole = resource.SerializeToString()
                dropped += _add_others(sifted, sensitive.drop_from_spans, elsewhere)
                spans = sum(len(scope.spans) for scope in resource.scope_spans)
            named = sensitive.drop_from_spans(resource, whole)
            dropped += named.dropped
            if spans:
                parts += _parts(resource, resource.SerializeToString() if named.any else whole, spans)
    if lost and not parts and not elsewhere:
        raise lost[0].error
    return _export(parts, elsewhere, lost, rejected, too_large, dropped=dropped + reduction.dropped)


def _read_logs(body: bytes, json: bool, when: ArrivalNs, sensitive: Sensitive) -> Export:
    parts: list[Part] = []
    elsewhere: list[Part] = []
    lost: list[Lost] = []
    rejected = Rejected()
    too_large = dropped = 0
    reduction = Reduction(LOG_RECORD, sensitive)
    for payload in _resources(body, json, _LOGS, lost):
        for piece in wire.split(payload, _LOGS.levels, MESSAGE_BYTES, MAX_ITEMS, reduction):
            too_large += piece.lost
            resource, whole = _built(_LOGS, piece.payload, lost)
            sifted = wrong_times.sift_records(resource, whole, when, rejected)
            if sifted.changed:
                whole = resource.SerializeToString()
            dropped += _add_others(sifted, sensitive.drop_from_logs, elsewhere)
            if (named := sensitive.drop_from_logs(resource, whole)).any:
                dropped += named.dropped
                whole = resource.SerializeToString()
            if records := sum(len(scope.log_records) for scope in resource.scope_logs):
                parts += _parts(resource, whole, records)
    if lost and not parts and not elsewhere:
        raise lost[0].error
    return _export(parts, elsewhere, lost, rejected, too_large, dropped=dropped + reduction.dropped)


def _read_metrics(body: bytes, json: bool, when: ArrivalNs, limits: Limits, sensitive: Sensitive) -> Export:
    parts: list[Part] = []
    elsewhere: list[Part] = []
    lost: list[Lost] = []
    beyond = Beyond(limits)
    rejected = Rejected()
    too_large = dropped = alike = 0
    for payload in _resources(body, json, _METRICS, lost):
        for piece in wire.split(payload, _METRICS.levels, MESSAGE_BYTES, MAX_ITEMS):
            too_large += piece.lost
            resource, whole = _built(_METRICS, piece.payload, lost)
            sifted = wrong_times.sift_points(resource, whole, when, rejected)
            dropped += _add_others(sifted, sensitive.drop_from_metrics, elsewhere)
            changed = beyond.drop(resource) or sifted.changed
            named = sensitive.drop_from_metrics(resource, whole)
            dropped, alike = dropped + named.dropped, alike + named.points
            if changed or named.any:
                whole = resource.SerializeToString()
            if any(scope.metrics for scope in resource.scope_metrics):
                # The smallest point has two bytes: small messages need not be counted.
                points = count_points(resource) if len(whole) > 2 * MESSAGE_ITEMS else 0
                parts += _parts(resource, whole, points)
    if lost and not parts and not elsewhere and not beyond.points:
        raise lost[0].error
    reasons = beyond.reasons()
    reasons += [f"{alike} that differ from others only in an attribute that is dropped for its name"] * bool(alike)
    return _export(
        parts, elsewhere, lost, rejected, too_large, reasons, more=beyond.points + alike, beyond=beyond.points, dropped=dropped
    )


def _parts(resource: Any, whole: bytes, items: int) -> list[Part]:
    """The message ``whole``, whose object is ``resource``; several where it has more than :data:`MESSAGE_ITEMS`."""
    service = _service(resource)
    if items <= MESSAGE_ITEMS:
        return [Part(service, whole)]
    return [Part(service, part.SerializeToString()) for part in with_fewer_items(resource, MESSAGE_ITEMS)]


def _add_others(sifted: Sifted, drop: Callable[[Any, bytes], Changes], elsewhere: list[Part]) -> int:
    """Adds the message of what others may keep to ``elsewhere``; how many attributes are left out of it."""
    message = sifted.elsewhere
    if message is None:
        return 0
    dropped = drop(message, message.SerializeToString()).dropped
    elsewhere.append(Part(_service(message), message.SerializeToString()))
    return dropped


def _export(
    parts: list[Part],
    elsewhere: list[Part],
    lost: list[Lost],
    rejected: Rejected,
    too_large: int,
    reasons: Iterable[str] = (),
    *,
    more: int = 0,
    beyond: int = 0,
    dropped: int = 0,
) -> Export:
    """``reasons`` are those for which ``more`` are rejected."""
    reasons = [*rejected.reasons(), *reasons]
    if too_large:
        reasons.append(f"{too_large} larger than {MESSAGE_BYTES} bytes, or of a resource whose attributes are")
    unreadable = sum(part.items for part in lost)
    if unreadable:
        reasons.append(f"{unreadable} that cannot be read, the first of them: {lost[0].error}")
    count = rejected.total() + more + too_large + unreadable
    return Export(parts, count, "; ".join(reasons), beyond, dropped, tuple(elsewhere))


def _resources(body: bytes, json: bool, kind: _Kind, lost: list[Lost]) -> Iterator[bytes]:
    """The bytes of each resource of the request."""
    if not json:
        yield from wire.resources(body, MAX_RESOURCES)
        return
    for resource in from_json.resources(body, kind.resource, kind.field, MAX_RESOURCES, lost):
        yield resource.SerializeToString()


def _built(kind: _Kind, payload: bytes, lost: list[Lost]) -> tuple[Any, bytes]:
    """The message, and its bytes: others than ``payload`` where something in it could not be read.

    Texts that are not UTF-8 are mended; items that are no messages are left out and added to ``lost``, and so is the whole
    resource where that is none without them.
    """
    parsed = _parsed(kind.resource, payload)
    if parsed is not None:
        return parsed
    room = MAX_LOST - len(lost)
    payload, bad = wire.without(payload, kind.item_levels, lambda item: utf8.is_message(kind.item, item), room)
    if len(bad) > room:
        raise TooManyLost
    below = kind.levels[len(kind.item_levels) :]
    lost += [Lost(_count(item, below), _not_protobuf(kind.item)) for item in bad]
    parsed = _parsed(kind.resource, payload)
    if parsed is not None:
        return parsed
    lost.append(Lost(_count(payload, kind.levels), _not_protobuf(kind.resource)))
    return kind.resource(), b""


def _parsed(kind: Any, payload: bytes) -> tuple[Any, bytes] | None:
    """The message, and its bytes with every text in UTF-8; ``None`` where it is none."""
    try:
        return kind.FromString(payload), payload
    except DecodeError:
        pass  # perhaps only for a text, which is mended
    try:
        payload = utf8.mended(kind, payload)
        return kind.FromString(payload), payload
    except DecodeError:
        return None


def _count(message: bytes, levels: wire.Levels) -> int:
    try:
        return max(1, wire.count_items(message, levels))
    except InvalidPayload:
        return 1


def _not_protobuf(kind: Any) -> InvalidPayload:
    return InvalidPayload(f"not a protobuf message of type {kind.DESCRIPTOR.full_name}")


def _service(resource: Any) -> str:
    return subjects.service_of(resource.resource.attributes)
