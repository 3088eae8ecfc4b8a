"""The quick answer about all spans of a resource is that of looking at each of them, whatever way they are written."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti.errors import InvalidPayload
from drishti.events import ArrivalNs
from gateway.otlp import exports, valid_spans, wire

TRACE, SPAN = b"t" * 16, b"s" * 8
FIRST, LAST = 2, 2**63 - 2
WHEN = ArrivalNs(FIRST, LAST)


def count_if_valid(payload: bytes) -> int | None:
    return valid_spans.count_if_valid(payload, WHEN)


def number(value: int, padding: int = 0) -> bytes:
    """A varint, in more bytes than it needs where ``padding`` says so."""
    encoded = bytearray()
    while value > 0x7F or padding:
        padding -= value <= 0x7F
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


def field(key: int, value: bytes, padding: int = 0) -> bytes:
    return number(key << 3 | 2, padding) + number(len(value), padding) + value


def fixed(key: int, value: int) -> bytes:
    return number(key << 3 | 1) + value.to_bytes(8, "little")


def span(trace: bytes = TRACE, ident: bytes = SPAN, start: int = 5, end: int = 5, more: bytes = b"") -> bytes:
    return field(1, trace) + field(2, ident) + more + fixed(7, start) + fixed(8, end)


def resource(*spans: bytes) -> bytes:
    return field(2, b"".join(field(2, one) for one in spans))


def is_valid(one: Any) -> bool:
    ids = len(one.trace_id) == 16 and len(one.span_id) == 8 and any(one.trace_id) and any(one.span_id)
    return ids and FIRST <= one.start_time_unix_nano <= min(LAST, one.end_time_unix_nano) and one.end_time_unix_nano < 2**63


def test_spans_with_ids_and_times_are_valid_at_once_however_many_and_in_whatever_scopes() -> None:
    for count in (0, 1, 2, 3, 127, 400):
        assert count_if_valid(resource(*[span(more=field(5, b"name"))] * count)) == count
    assert count_if_valid(resource(span()) + field(3, b"schema") + resource(span(), span())) == 3
    assert count_if_valid(b"") == 0
    highest = 2**63 - 1
    assert count_if_valid(resource(span(start=LAST, end=highest), span(start=FIRST, end=FIRST), span(end=highest))) == 3
    half = bytes(8) + b"t" * 8
    assert count_if_valid(resource(span(half), span(b"\1" + bytes(15)), span(ident=bytes(7) + b"\1"))) == 3


@pytest.mark.parametrize(
    "bad",
    [
        span(bytes(16)),
        span(ident=bytes(8)),
        span(b"t" * 15),
        span(b"t" * 8, b"s" * 16),
        span(ident=b""),
        span(start=6, end=5),
        span(start=2**63 + 1, end=2**63),
        span(start=2**63, end=1),
        span(start=256, end=255),
        span(start=FIRST - 1),
        span(start=LAST + 1, end=2**64 - 1),
        span(end=2**63),
        span(start=0, end=0),
        field(1, TRACE) + fixed(7, 1) + fixed(8, 2),
        b"",
    ],
)
def test_one_that_is_invalid_is_seen_among_others(bad: bytes) -> None:
    for spans in ([bad], [span(), bad], [bad, span()], [span()] * 99 + [bad] + [span()] * 99):
        assert count_if_valid(resource(*spans)) is None


def test_ids_of_one_span_do_not_count_for_another() -> None:
    whole = field(1, TRACE) + field(2, SPAN) + fixed(7, 1) + fixed(8, 2)
    assert count_if_valid(resource(whole + whole, b"")) is None
    assert count_if_valid(resource(field(1, TRACE) + fixed(7, 1), field(2, SPAN) + fixed(8, 2))) is None
    # One span whose bytes look like several, beside one that is empty.
    assert count_if_valid(resource(field(1, (whole + whole)[:46]), b"")) is None
    assert count_if_valid(resource(field(1, resource(whole)), whole)) is None


ids = st.sampled_from([TRACE, SPAN, bytes(16), bytes(8), bytes(15) + b"\1", b"", b"t" * 17]) | st.binary(max_size=20)
times = st.integers(0, 3) | st.integers(0, 2**64 - 1) | st.sampled_from([2**63 - 1, 2**63, 255, 256])
keys = st.sampled_from([1, 2, 3, 5, 6, 7, 8, 9, 11, 13, 15, 16, 17, 100, 2**28])


@st.composite
def odd_fields(draw: Any) -> bytes:
    """A field as an ordinary exporter does not write it: of another type, unknown, in needless bytes, or a group."""
    key = draw(keys)
    kind = draw(st.sampled_from(["text", "padded", "varint", "fixed64", "fixed32", "group", "end", "junk"]))
    if kind in ("text", "padded"):
        return field(key, draw(ids | st.just(field(1, b"k"))), padding=kind == "padded")
    if kind == "varint":
        return number(key << 3) + number(draw(times), draw(st.integers(0, 1)))
    if kind == "fixed64":
        return fixed(key, draw(times))
    if kind == "fixed32":
        return number(key << 3 | 5) + draw(st.binary(min_size=4, max_size=4))
    if kind == "group":
        return number(key << 3 | 3) + draw(st.just(b"") | st.just(span())) + number(key << 3 | 4)
    return number(key << 3 | 4) if kind == "end" else draw(st.binary(max_size=3))


ordinary = st.builds(span, st.just(TRACE) | ids, st.just(SPAN) | ids, times, times, st.just(b"") | st.just(field(5, b"n")))
spans = st.just(span()) | ordinary | st.builds(lambda parts: b"".join(parts), st.lists(odd_fields() | ordinary, max_size=4))
scopes = st.builds(
    lambda parts, more: b"".join(field(2, part, padding) for part, padding in parts) + more,
    st.lists(st.tuples(spans, st.integers(0, 1)), max_size=5),
    st.just(b"") | st.just(b"") | odd_fields(),
)
resources = st.builds(
    lambda parts, more: b"".join(field(2, part) for part in parts) + more,
    st.lists(scopes, max_size=3),
    st.just(b"") | st.just(field(3, b"schema")) | odd_fields(),
)


@given(resources)
def test_the_answer_is_that_of_looking_at_each_span(payload: bytes) -> None:
    try:
        parsed = ResourceSpans.FromString(payload)
    except DecodeError:
        return  # what cannot be parsed is refused before
    looked_at = [one for scope in parsed.scope_spans for one in scope.spans]
    count = count_if_valid(payload)
    if count is not None:
        assert count == len(looked_at)
        assert all(map(is_valid, looked_at))
    else:
        assert not all(map(is_valid, looked_at))


@given(resources)
def test_an_export_is_the_same_without_the_quick_answer(payload: bytes) -> None:
    body = wire.request([payload])
    quick = read(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(valid_spans, "count_if_valid", lambda *_: None)
        assert read(body) == quick


def read(body: bytes) -> exports.Export | str:
    try:
        return exports.read("traces", body, json=False, when=WHEN)
    except InvalidPayload as error:
        return str(error)
