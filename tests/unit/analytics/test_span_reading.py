"""OTLP to spans: everything a span says, bounds, and what cannot be right."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from analytics.spans import otlp
from analytics.spans.otlp import BadSpan
from analytics.spans.span import Span, SpanKind, Status

START = 1_700_000_000_123_456_789


def message(**fields: Any) -> ResourceSpans:
    """One message of one span, which ``fields`` change."""
    whole = ResourceSpans()
    whole.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="Checkout API")))
    scope = whole.scope_spans.add()
    scope.scope.name, scope.scope.version = "lib", "1.2"
    given: dict[str, Any] = {
        "trace_id": b"t" * 16,
        "span_id": b"s" * 8,
        "name": "GET /cart",
        "start_time_unix_nano": START,
        "end_time_unix_nano": START + 1_500,
    }
    scope.spans.append(SpanMessage(**(given | fields)))
    return whole


def one(whole: ResourceSpans) -> Span:
    (span,) = otlp.read(whole)
    assert isinstance(span, Span)
    return span


def pair(key: str, **value: Any) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))


def test_a_span_says_everything() -> None:
    whole = message(
        parent_span_id=b"p" * 8,
        kind=SpanMessage.SPAN_KIND_SERVER,
        trace_state="vendor=1",
        flags=0x301,
        attributes=[
            pair("text", string_value="tea"),
            pair("whole", int_value=2**62),
            pair("float", double_value=0.5),
            pair("yes", bool_value=True),
            pair("bytes", bytes_value=b"\x00\xff"),
            pair("list", array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue(string_value="b")])),
            pair("object", kvlist_value=KeyValueList(values=[pair("k", double_value=float("nan"))])),
            pair("nothing"),
        ],
        events=[
            SpanMessage.Event(time_unix_nano=START + 5, name="exception", attributes=[pair("exception.type", string_value="E")])
        ],
        links=[SpanMessage.Link(trace_id=b"l" * 16, span_id=b"m" * 8, attributes=[pair("a", int_value=1)], trace_state="x=y")],
    )
    whole.scope_spans[0].spans[0].status.code = 2
    whole.scope_spans[0].spans[0].status.message = "no tea"
    span = one(whole)
    assert (span.trace_id, span.span_id, span.parent_id) == (b"t" * 16, b"s" * 8, b"p" * 8)
    assert (span.service, span.service_name) == ("checkout-api", "Checkout API")
    assert (span.name, span.kind, span.start_ns, span.duration_ns) == ("GET /cart", SpanKind.SERVER, START, 1_500)
    assert (span.status, span.status_message, span.is_error) == (Status.ERROR, "no tea", True)
    assert span.attributes == {
        "text": "tea",
        "whole": 2**62,
        "float": 0.5,
        "yes": True,
        "bytes": "AP8=",
        "list": [1, "b"],
        "object": {"k": "nan"},
        "nothing": None,
    }
    (event,), (link,) = span.events, span.links
    assert (event.time_ns, event.name, event.attributes) == (START + 5, "exception", {"exception.type": "E"})
    assert (link.trace_id, link.span_id, link.attributes, link.trace_state) == (b"l" * 16, b"m" * 8, {"a": 1}, "x=y")
    assert (span.scope.name, span.scope.version, span.trace_state, span.flags) == ("lib", "1.2", "vendor=1", 0x301)


def test_a_root_has_no_parent_whether_it_is_empty_or_zeroes_or_no_id() -> None:
    assert one(message()).parent_id is None
    assert one(message(parent_span_id=bytes(8))).parent_id is None
    assert one(message(parent_span_id=b"p" * 7)).parent_id is None
    assert one(message(parent_span_id=b"p" * 16)).parent_id is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"trace_id": b""}, "trace_id"),
        ({"trace_id": bytes(16)}, "trace_id"),
        ({"trace_id": b"t" * 15}, "trace_id"),
        ({"span_id": bytes(8)}, "span_id"),
        ({"span_id": b"s" * 9}, "span_id"),
        ({"start_time_unix_nano": 0}, "start_time_unix_nano"),
        ({"start_time_unix_nano": 2**64 - 1}, "start_time_unix_nano"),
        ({"end_time_unix_nano": START - 1}, "end_time_unix_nano"),
        ({"end_time_unix_nano": 0}, "end_time_unix_nano"),
    ],
)
def test_what_cannot_be_right_is_said(fields: dict[str, Any], field: str) -> None:
    (bad,) = otlp.read(message(**fields))
    assert isinstance(bad, BadSpan)
    assert bad.reason.startswith(f"{field}: ")


def test_what_is_too_much_is_cut_and_counted() -> None:
    span = one(
        message(
            name="n" * 5_000,
            attributes=[pair(f"a{n}", int_value=n) for n in range(10_000)] + [pair("a0", string_value="\0" + "x" * 1_000_000)],
            events=[SpanMessage.Event(name="e", time_unix_nano=2**64 - 1)] * 300,
            dropped_attributes_count=7,
        )
    )
    assert len(span.name) == otlp.MAX_NAME
    assert len(span.attributes) == otlp.MAX_ATTRIBUTES + 1
    assert span.attributes["a0"] == "\ufffd" + "x" * (otlp.MAX_VALUE - 1)
    assert span.attributes[otlp.DROPPED] == 10_000 - otlp.MAX_ATTRIBUTES + (300 - otlp.MAX_EVENTS) + 7
    assert len(span.events) == otlp.MAX_EVENTS


def test_of_a_long_stack_trace_both_ends_are_kept() -> None:
    stack = "first\n" + "    at a.b(c.java:1)\n" * 10_000 + "Caused by: last"
    span = one(message(attributes=[KeyValue(key=otlp.STACK_TRACE, value=AnyValue(string_value=stack))]))
    kept = span.attributes[otlp.STACK_TRACE]
    assert len(kept) == otlp.MAX_VALUE
    assert kept.startswith("first\n")
    assert kept.endswith("\nCaused by: last")


def test_a_deep_value_ends_somewhere() -> None:
    value = AnyValue(string_value="bottom")
    for _ in range(20):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    span = one(message(attributes=[KeyValue(key="deep", value=value)]))
    text = repr(span.attributes["deep"])
    assert text.count("[") == otlp.MAX_DEPTH
    assert "bottom" not in text


def test_one_resource_has_one_key_in_every_order_of_time() -> None:
    first, second = one(message()), one(message(span_id=b"z" * 8))
    assert first.resource.key == second.resource.key
    other = message()
    other.resource.attributes.append(pair("host.name", string_value="h"))
    assert one(other).resource.key != first.resource.key


def kept_bytes(span: Span) -> int:
    events = [(event.name, event.attributes) for event in span.events]
    links = [(link.trace_state, link.attributes) for link in span.links]
    return len(msgspec.json.encode((span.attributes, events, links)))


def test_a_large_span_keeps_the_first_attributes_and_events_within_a_bound() -> None:
    many = [pair(f"a{n}", string_value=f"{n}" + "v" * 8_000) for n in range(60)]
    exception = SpanMessage.Event(name="exception", attributes=[pair("exception.type", string_value="KeyError")])
    events = [exception, *(SpanMessage.Event(name="e", attributes=many[:3]) for _ in range(50))]
    span = one(message(attributes=[pair("user.id", string_value="ada"), *many], events=events))
    assert otlp.MAX_BYTES // 2 < kept_bytes(span) < otlp.MAX_BYTES * 1.1
    assert (span.attributes["user.id"], span.events[0].attributes) == ("ada", {"exception.type": "KeyError"})
    assert span.attributes[otlp.DROPPED] > 0


def test_a_span_of_ordinary_size_loses_nothing() -> None:
    some = [pair(f"a{n}", string_value="v" * 100) for n in range(200)]
    span = one(message(attributes=some))
    assert (len(span.attributes), otlp.DROPPED in span.attributes) == (200, False)


def test_attributes_of_a_resource_are_bounded() -> None:
    whole = message()
    whole.resource.attributes.extend(pair(f"r{n}", string_value="v" * 8_000) for n in range(60))
    assert len(msgspec.json.encode(dict(one(whole).resource.attributes))) < otlp.MAX_BYTES
