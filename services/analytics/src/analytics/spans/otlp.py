"""OTLP to spans: what a ``ResourceSpans`` says, checked and bounded. Pure.

A span that cannot be right (no ids, an id of another length, an end before its start, a time that is none) is bad, with the
reason, as the gateway says before. A parent whose id is none is no parent. What is only too much is cut, and the span keeps
how much: :data:`DROPPED` among its attributes counts attributes, events and links beyond the bounds, those that the sender
dropped among them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from analytics.spans.operations import operation_of
from analytics.spans.span import Resource, Scope, Span, SpanEvent, SpanKind, SpanLink, Status
from drishti.events import MAX_NS, ArrivalNs
from drishti.messages import subjects

MAX_ATTRIBUTES = 256
"""Of one span, event, link or resource; further ones are dropped."""

MAX_VALUE = 8_192
"""Characters of one value, and parts of a list or object; the rest is cut off."""

MAX_NAME = 512
"""Characters of a name."""

MAX_EVENTS = 256
MAX_LINKS = 256
MAX_BYTES = 131_072
"""Of a span as JSON: half of it of its attributes, the rest of its events and links; and of a resource. Whoever reads thousands
of spans at once has room for them."""

MAX_DEPTH = 8
"""Levels of a nested value that are kept."""

_ANY_TIME = ArrivalNs()
"""Whether a span came too late is asked by who knows when it came."""

DROPPED = "otel.dropped_count"
"""How many attributes, events and links a span has lost, here or at its sender."""

STACK_TRACE = "exception.stacktrace"
"""Of a longer one the first and the last half of :data:`MAX_VALUE` characters are kept."""

_encode = msgspec.json.Encoder().encode
NO_TRACE, NO_SPAN = bytes(16), bytes(8)
_KINDS = tuple(SpanKind)
_STATUSES = tuple(Status)


class BadSpan(NamedTuple):
    """A span that cannot be right: why, with the message that it came in and the scope of that."""

    reason: str
    span: SpanMessage
    scope: InstrumentationScope


class WrongSpan(ValueError):
    """Says what is wrong with a span."""


def read(message: ResourceSpans) -> Iterator[Span | BadSpan]:
    """The spans of one message, in its order, each by itself. Where there are many, :mod:`.alike` reads the same faster."""
    resource = read_resource(message.resource)
    for scope_spans in message.scope_spans:
        scope = read_scope(scope_spans.scope)
        for given in scope_spans.spans:
            try:
                span = read_span(given, resource, scope, *read_attributes(given.attributes))
            except WrongSpan as wrong:
                yield BadSpan(str(wrong), given, scope_spans.scope)
            else:
                span.operation = operation_of(span.name, span.kind, span.attributes)
                yield span


def read_scope(given: InstrumentationScope) -> Scope:
    return Scope(text(given.name, MAX_NAME), text(given.version, MAX_NAME))


def read_resource(message: ResourceMessage) -> Resource:
    """The resource of any signal."""
    given = subjects.name_of(message.attributes)
    attributes, _ = read_attributes(message.attributes)
    if message.ByteSize() > MAX_BYTES:
        attributes, _ = _fitting(attributes, MAX_BYTES)
    digest = hashlib.blake2b(message.SerializeToString(deterministic=True), digest_size=8).digest()
    return Resource(int.from_bytes(digest, "big", signed=True), subjects.token(given), subjects.given_name(given), attributes)


def read_attributes(pairs: Any) -> tuple[dict[str, Any], int]:
    """Attributes (``KeyValue``) by name, and how many were dropped; of equal names the last one counts."""
    found: dict[str, Any] = {}
    dropped = 0
    for pair in pairs:
        if len(found) >= MAX_ATTRIBUTES and pair.key not in found:
            dropped += 1
            continue
        name, value = read_attribute(pair)
        found[name] = value
    return found, dropped


def read_attribute(pair: KeyValue) -> tuple[str, Any]:
    """Name and value of one attribute."""
    value = pair.value
    kind = value.WhichOneof("value")
    if kind == "string_value":
        said: Any = value.string_value
        if len(said) > MAX_VALUE or "\0" in said:
            if pair.key == STACK_TRACE and len(said) > MAX_VALUE:  # where it began may be at either end
                said = said[: MAX_VALUE // 2 - 1] + "\n" + said[-MAX_VALUE // 2 :]
            said = text(said, MAX_VALUE)
    elif kind == "int_value":
        said = value.int_value
    else:
        said = read_value(value, MAX_DEPTH)
    key = pair.key
    return text(key, MAX_NAME) if len(key) > MAX_NAME or "\0" in key else key, said


def read_value(value: Any, depth: int = MAX_DEPTH) -> Any:
    """An ``AnyValue`` as JSON has it: bytes in base64, numbers that JSON does not have as their names."""
    kind = value.WhichOneof("value")
    if kind is None or depth == 0:
        return None
    if kind == "string_value":
        return text(value.string_value, MAX_VALUE)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value[:MAX_VALUE]).decode()
    if kind == "array_value":
        return [read_value(part, depth - 1) for part in value.array_value.values[:MAX_ATTRIBUTES]]
    if kind == "kvlist_value":
        parts = value.kvlist_value.values[:MAX_ATTRIBUTES]
        return {text(part.key, MAX_NAME): read_value(part.value, depth - 1) for part in parts}
    said = getattr(value, kind)
    if kind == "double_value" and not -1.8e308 < said < 1.8e308:
        return repr(said)
    return said


def _fitting(attributes: dict[str, Any], most: int) -> tuple[dict[str, Any], int]:
    """The first of ``attributes`` that are ``most`` bytes as JSON, and how many are not among them."""
    kept: dict[str, Any] = {}
    for name, value in attributes.items():
        size = len(_encode(name)) + len(_encode(value)) + 2
        if size <= most:
            kept[name] = value
            most -= size
    return kept, len(attributes) - len(kept)


def _cut(
    attributes: dict[str, Any], events: tuple[SpanEvent, ...], links: tuple[SpanLink, ...]
) -> tuple[dict[str, Any], tuple[SpanEvent, ...], tuple[SpanLink, ...], int]:
    """What is kept of a large span within :data:`MAX_BYTES`, and how much is not."""
    kept, dropped = _fitting(attributes, MAX_BYTES // 2)
    room = MAX_BYTES // 2
    kept_events: list[SpanEvent] = []
    for event in events:
        about, less = _fitting(dict(event.attributes), room)
        size = len(_encode(about)) + len(_encode(event.name))
        if size > room:
            break
        kept_events.append(SpanEvent(event.time_ns, event.name, about))
        dropped += less
        room -= size
    kept_links: list[SpanLink] = []
    for link in links:
        about, less = _fitting(dict(link.attributes), room)
        size = len(_encode(about)) + len(_encode(link.trace_state)) + 64
        if size > room:
            break
        kept_links.append(SpanLink(link.trace_id, link.span_id, about, link.trace_state))
        dropped += less
        room -= size
    dropped += len(events) - len(kept_events) + len(links) - len(kept_links)
    return kept, tuple(kept_events), tuple(kept_links), dropped


def text(said: str, most: int) -> str:
    """``said`` as PostgreSQL takes it: cut to ``most`` characters, and without NUL."""
    return said[:most].replace("\0", "\ufffd")


def read_span(message: SpanMessage, resource: Resource, scope: Scope, attributes: dict[str, Any], dropped: int = 0) -> Span:
    """A span with ``attributes``, which are those of ``message``, ``dropped`` of them left out already; ``operation`` is still
    empty. Raises :class:`WrongSpan`."""
    trace_id, span_id = message.trace_id, message.span_id
    if len(trace_id) != 16 or trace_id == NO_TRACE:
        raise WrongSpan(f"trace_id: must be 16 bytes that are not all zero, not {trace_id[:32].hex() or 'empty'}")
    if len(span_id) != 8 or span_id == NO_SPAN:
        raise WrongSpan(f"span_id: must be 8 bytes that are not all zero, not {span_id[:16].hex() or 'empty'}")
    parent: bytes | None = message.parent_span_id
    if parent is None or len(parent) != 8 or parent == NO_SPAN:
        parent = None  # one of another length names no span: what this one says of itself is right all the same
    start, end = message.start_time_unix_nano, message.end_time_unix_nano
    if (wrong := _ANY_TIME.wrong_span(start, end)) is not None:
        raise WrongSpan(f"{wrong.field}: is {wrong.why}")
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    if message.events:
        events = tuple(
            SpanEvent(min(event.time_unix_nano, MAX_NS), text(event.name, MAX_NAME), read_attributes(event.attributes)[0])
            for event in message.events[:MAX_EVENTS]
        )
        dropped += max(0, len(message.events) - MAX_EVENTS)
    if message.links:
        links = tuple(
            SpanLink(link.trace_id, link.span_id, read_attributes(link.attributes)[0], text(link.trace_state, MAX_NAME))
            for link in message.links[:MAX_LINKS]
            if len(link.trace_id) == 16 and len(link.span_id) == 8
        )
        dropped += max(0, len(message.links) - MAX_LINKS)
    if message.ByteSize() > MAX_BYTES // 2:
        attributes, events, links, more = _cut(attributes, events, links)
        dropped += more
    dropped += message.dropped_attributes_count + message.dropped_events_count + message.dropped_links_count
    if dropped:
        attributes[DROPPED] = dropped
    status = message.status.code
    kind = _KINDS[message.kind] if 0 <= message.kind < len(_KINDS) else SpanKind.UNSPECIFIED
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent,
        resource=resource,
        name=text(message.name, MAX_NAME),
        operation="",
        kind=kind,
        start_ns=start,
        duration_ns=end - start,
        status=_STATUSES[status] if 0 <= status < len(_STATUSES) else Status.UNSET,
        status_message=text(message.status.message, MAX_VALUE),
        attributes=attributes,
        events=events,
        links=links,
        scope=scope,
        trace_state=text(message.trace_state, MAX_NAME),
        flags=message.flags,
    )
