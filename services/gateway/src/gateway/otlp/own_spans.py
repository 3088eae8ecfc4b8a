"""Spans of Drishti's own services: each belongs to the tenant whose work it is about. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from drishti.messages import attributes, subjects
from gateway.otlp.exports import Part


def by_tenant(part: Part, own: str) -> Iterator[tuple[str, Part]]:
    """The spans of ``part``, apart by the tenant that each names (``drishti.tenant``); those that name none are of ``own``."""
    resource = ResourceSpans.FromString(part.payload)
    tenants = {_tenant(span, own) for scope in resource.scope_spans for span in scope.spans}
    if len(tenants) == 1:
        yield tenants.pop(), part
        return
    for tenant in sorted(tenants):
        its = ResourceSpans(resource=resource.resource, schema_url=resource.schema_url)
        for scope in resource.scope_spans:
            if spans := [span for span in scope.spans if _tenant(span, own) == tenant]:
                its.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=spans)
        yield tenant, Part(part.service, its.SerializeToString())


def _tenant(span: Span, own: str) -> str:
    named = next((pair.value.string_value for pair in span.attributes if pair.key == attributes.TENANT), "")
    return named if subjects.is_token(named) else own
