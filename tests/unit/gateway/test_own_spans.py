"""Spans of our own services go to the tenants that they name, each once."""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from gateway.otlp.exports import Part
from gateway.otlp.own_spans import by_tenant


def pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def batch(*tenants: str | None) -> ResourceSpans:
    """Spans in two scopes in turn, named by their place, of the tenants."""
    resource = ResourceSpans(schema_url="s")
    resource.resource.attributes.append(pair("service.name", "gateway"))
    scopes = [resource.scope_spans.add(scope=InstrumentationScope(name=name)) for name in "ab"]
    for number, tenant in enumerate(tenants):
        span = scopes[number % 2].spans.add(name=str(number), trace_id=b"t" * 16, span_id=b"s" * 8)
        span.attributes.append(pair("x", "y"))
        if tenant is not None:
            span.attributes.append(pair("drishti.tenant", tenant))
    return resource


def names(part: Part) -> list[str]:
    resource = ResourceSpans.FromString(part.payload)
    assert resource.resource.attributes[0].value.string_value == "gateway"
    assert resource.schema_url == "s"
    return [f"{scope.scope.name}{span.name}" for scope in resource.scope_spans for span in scope.spans]


def test_each_tenant_gets_its_spans_and_the_rest_is_of_the_key() -> None:
    part = Part("gateway", batch("acme", "beta", None, "acme", "default").SerializeToString())
    apart = {tenant: names(each) for tenant, each in by_tenant(part, "default")}
    assert apart == {"acme": ["a0", "b3"], "beta": ["b1"], "default": ["a2", "a4"]}


def test_spans_of_one_tenant_stay_the_bytes_that_came() -> None:
    for tenant in ("default", "acme"):
        part = Part("gateway", batch(tenant, tenant).SerializeToString())
        assert list(by_tenant(part, "default")) == [(tenant, part)]


def test_what_is_no_tenant_is_none() -> None:
    part = Part("gateway", batch("A B", "", "a.>", "x" * 65).SerializeToString())
    assert list(by_tenant(part, "default")) == [("default", part)]
