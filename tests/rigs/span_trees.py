"""Spans for tests of what is drawn from traces: short to write, in order, with ids made of small numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.spans.span import Resource, Scope, Span, SpanEvent, SpanKind, SpanLink, Status

SCOPE = Scope("test")
BEGIN_NS = 1_700_000_040_000_000_000
"""A whole minute."""


def resource(service: str, **attributes: Any) -> Resource:
    named = {name.replace("_", "."): value for name, value in attributes.items()}
    return Resource(hash((service, repr(named))), service, service, named)


def span(
    number: int,
    parent: int | None,
    start: int,
    end: int,
    *,
    service: str | Resource = "shop",
    name: str = "work",
    kind: SpanKind = SpanKind.INTERNAL,
    trace: int = 1,
    error: bool = False,
    attributes: Mapping[str, Any] | None = None,
    links: tuple[SpanLink, ...] = (),
    events: tuple[SpanEvent, ...] = (),
) -> Span:
    """A span from ``start`` to ``end``, in nanoseconds after :data:`BEGIN_NS`."""
    return Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=span_id(number),
        parent_id=None if parent is None else span_id(parent),
        resource=resource(service) if isinstance(service, str) else service,
        name=name,
        operation=name,
        kind=kind,
        start_ns=BEGIN_NS + start,
        duration_ns=end - start,
        status=Status.ERROR if error else Status.UNSET,
        attributes=attributes or {},
        events=events,
        links=links,
        scope=SCOPE,
    )


def span_id(number: int) -> bytes:
    return number.to_bytes(8, "big")
