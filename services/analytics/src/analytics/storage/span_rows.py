"""Spans as rows of tables, and rows as spans. Pure: what the columns mean is said here and in the migrations."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from analytics.spans.conventions import promoted
from analytics.spans.span import Resource, Scope, Span, SpanEvent, SpanKind, SpanLink, Status
from analytics.storage.rows import Record
from analytics.storage.tables import Table
from drishti.messages import subjects
from drishti.messages.attributes import SERVICE_NAME, SERVICE_NAMESPACE

SPANS = Table(
    "spans",
    (
        "operation", "resource", "common", "started", "duration_ns", "start_ns", "flags", "status", "trace_id", "span_id",
        "parent_id", "status_code", "user_id", "session_id", "error_type", "attributes", "more",
    ),
    every="hour",
)  # fmt: skip

KEPT_SPANS = Table("kept_spans", SPANS.columns)

REMEMBERED = 20_000
"""Ids of operations and resources that are remembered."""

_USUAL_FLAGS = 0x101
"""Sampled, and a parent that is known not to be of another process."""

_FLAGS = 0x7FFF
"""The flags that are defined, and as many more as the column takes."""

_encode = msgspec.json.Encoder().encode


class More(Struct, omit_defaults=True):
    """What few spans have."""

    message: str = ""
    trace_state: str = ""
    events: tuple[tuple[int, str, dict[str, Any]], ...] = ()
    links: tuple[tuple[str, str, dict[str, Any], str], ...] = ()


_NOTHING = More()
_decode_more = msgspec.json.Decoder(More).decode
_decode_attributes = msgspec.json.Decoder(dict[str, Any]).decode


@lru_cache(REMEMBERED)
def operation_id(tenant: str, service: str, operation: str, kind: SpanKind, scope: Scope) -> int:
    """The id of an operation of a tenant, the same in every process."""
    return _id("operation", tenant, service, operation, str(int(kind)), scope.name, scope.version)


@lru_cache(REMEMBERED)
def resource_id(tenant: str, key: int) -> int:
    """The id of a resource of a tenant, the same in every process."""
    return _id("resource", tenant, str(key))


def operation_row(tenant: str, span: Span) -> tuple[Any, ...]:
    """A row of ``span_operations``, in the order that its statement takes."""
    scope = span.scope
    return span.operation_id, tenant, span.service, span.operation, int(span.kind), scope.name, scope.version


def resource_row(tenant: str, resource: Resource) -> tuple[Any, ...]:
    """A row of ``span_resources``."""
    return resource_id(tenant, resource.key), _encode(resource.attributes).decode()


def attributes_row(tenant: str, span: Span) -> tuple[Any, ...]:
    """A row of ``span_attributes``: what a span has in common with others."""
    common = {name: value for name, value in span.attributes.items() if name not in span.own}
    return span.common, tenant, span.name, _encode(common).decode()


def row_of(tenant: str, started: datetime, span: Span) -> tuple[Any, ...]:
    """A row of ``spans``, in the order of :data:`SPANS`; ``started`` is the start in whole microseconds."""
    return (
        span.operation_id,
        resource_id(tenant, span.resource.key),
        span.common,
        started,
        span.duration_ns,
        span.start_ns % 1_000,
        None if span.flags == _USUAL_FLAGS else span.flags & _FLAGS,
        int(span.status),
        span.trace_id,
        span.span_id,
        span.parent_id,
        *promoted(span),
        _encode(span.own).decode() if span.own else None,
        _more(span),
    )


def span_of(record: Record) -> Span:
    """A row of ``spans`` with its operation and resource, as the statements of ``spans.sql`` give it."""
    attributes, given = record["attributes"], record["more"]
    more = _NOTHING if given is None else _decode_more(given)
    return Span(
        trace_id=record["trace_id"],
        span_id=record["span_id"],
        parent_id=record["parent_id"],
        resource=_resource(record["resource"], record["service"], record["resource_attributes"]),
        name=record["name"],
        operation=record["operation_name"],
        kind=SpanKind(record["kind"]),
        start_ns=_epoch_us(record["started"]) * 1_000 + record["start_ns"],
        duration_ns=record["duration_ns"],
        status=Status(record["status"]),
        status_message=more.message,
        attributes=_common(record["common_attributes"]) | ({} if attributes is None else _decode_attributes(attributes)),
        events=tuple(SpanEvent(*event) for event in more.events),
        links=tuple(
            SpanLink(bytes.fromhex(trace_id), bytes.fromhex(span_id), linked, state)
            for trace_id, span_id, linked, state in more.links
        ),
        scope=Scope(record["scope"], record["scope_version"]),
        trace_state=more.trace_state,
        flags=_USUAL_FLAGS if record["flags"] is None else record["flags"],
    )


def _more(span: Span) -> str | None:
    if not (span.events or span.links or span.status_message or span.trace_state):
        return None
    more = More(
        message=span.status_message,
        trace_state=span.trace_state,
        events=tuple((event.time_ns, event.name, dict(event.attributes)) for event in span.events),
        links=tuple((link.trace_id.hex(), link.span_id.hex(), dict(link.attributes), link.trace_state) for link in span.links),
    )
    return _encode(more).decode()


@lru_cache(1_000)
def _common(attributes: str) -> dict[str, Any]:
    """Read only: it is the same one each time."""
    return _decode_attributes(attributes)


@lru_cache(500)
def _resource(key: int, service: str, attributes: str) -> Resource:
    decoded = _decode_attributes(attributes)
    given = decoded.get(SERVICE_NAME)
    name = subjects.full_name(given, decoded.get(SERVICE_NAMESPACE)) if isinstance(given, str) else ""
    return Resource(key, service, subjects.given_name(name), decoded)


def _id(*parts: str) -> int:
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _epoch_us(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
