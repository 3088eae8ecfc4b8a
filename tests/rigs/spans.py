"""Spans for tests of what is drawn from them: whatever a test does not say is as of any span."""

from __future__ import annotations

from typing import Any

from analytics.spans.span import Resource, Scope, Span, SpanKind, Status

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000


def resource(service: str = "shop", **attributes: Any) -> Resource:
    return Resource(
        key=hash(service), service=service, service_name=service, attributes={"service.name": service, **attributes}
    )


def span(**fields: Any) -> Span:
    """One span; ``fields`` are those of :class:`Span`, and ``service`` for the resource."""
    service = fields.pop("service", "shop")
    name = fields.get("name", "work")
    given: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "parent_id": None,
        "resource": resource(service),
        "name": name,
        "operation": name,
        "kind": SpanKind.INTERNAL,
        "start_ns": START_NS,
        "duration_ns": 5 * MS,
        "status": Status.UNSET,
        "attributes": {},
        "scope": Scope("test"),
    }
    return Span(**(given | fields))


class SpanItem:
    """A span as the signal of spans has it: one thing that counts once, in the second of its start."""

    def __init__(self, body: Span, tenant: str = "default") -> None:
        self.body, self.tenant, self.second = body, tenant, body.start_ns // 1_000_000_000
