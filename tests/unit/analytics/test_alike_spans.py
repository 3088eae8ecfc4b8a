"""Spans that are read by what was seen in others are the spans that are read by themselves, whatever bytes come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from analytics.spans import alike, otlp, otlp_parts
from analytics.spans.alike import SpanReader
from analytics.spans.common_attributes import MAX_VALUES, set_id
from analytics.spans.derived import derive
from analytics.spans.operations import operation_of
from analytics.spans.otlp import BadSpan
from analytics.spans.span import Scope, Span
from analytics.storage.span_rows import operation_id

NAMES = (
    "http.request.method", "http.route", "url.path", "http.response.status_code", "db.system.name", "db.query.text",
    "gen_ai.operation.name", "error.type", "exception.type", "server.address", "user.id", "thread.id", "x",
    "rpc.grpc.status_code",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(["GET", "/a", "500", "SELECT a FROM b WHERE c = 1", "chat", "tea\0", ""]).map(
        lambda said: AnyValue(string_value=said)
    ),
    st.integers(0, 30).map(lambda number: AnyValue(int_value=number + 490)),
    st.booleans().map(lambda truth: AnyValue(bool_value=truth)),
    st.just(AnyValue()),
    st.just(AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)]))),
)
ATTRIBUTES = st.lists(st.builds(KeyValue, key=st.sampled_from(NAMES), value=VALUES), max_size=5)
FEW = st.integers(1, 3)
SPANS = st.builds(
    SpanMessage,
    trace_id=FEW.map(lambda number: bytes([number]) * 16) | st.sampled_from([b"", bytes(16), b"x"]),
    span_id=FEW.map(lambda number: bytes([number]) * 8) | st.just(bytes(8)),
    parent_span_id=st.sampled_from([b"", bytes(8), b"p" * 8, b"pp"]),
    name=st.sampled_from(["GET", "GET /a", "", "n" * 130]),
    kind=st.sampled_from([0, 1, 2, 3, 9]),
    start_time_unix_nano=st.sampled_from([0, 10**18, 10**18 + 1, 2**64 - 1]),
    end_time_unix_nano=st.sampled_from([10**18, 10**18 + 5]),
    attributes=ATTRIBUTES,
    dropped_attributes_count=st.sampled_from([0, 0, 0, 2]),
    flags=st.sampled_from([0, 0x101]),
    trace_state=st.sampled_from(["", "", "a=b"]),
    status=st.sampled_from([{}, {"code": 2}, {"code": 2, "message": "no"}]),
    events=st.sampled_from([[], [], [SpanMessage.Event(name="exception", time_unix_nano=5)]]),
)
"""Few of each, so that many are alike."""


@pytest.fixture
def few_known(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(alike, "MAX_KNOWN", 3_000)
    return alike.MAX_KNOWN


def read(reader: SpanReader, raws: Sequence[bytes]) -> list[Span | str]:
    message = otlp_parts.ResourceSpans()
    message.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="Checkout")))
    message.scope_spans.add(spans=raws).scope.name = "lib"
    return [one.span for one in reader.read("t", message)]


def by_themselves(raws: Sequence[bytes]) -> list[Span | str]:
    message = ResourceSpans()
    message.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="Checkout")))
    scope = message.scope_spans.add()
    scope.scope.name = "lib"
    scope.spans.extend(SpanMessage.FromString(raw) for raw in raws)
    return [one.reason if isinstance(one, BadSpan) else one for one in otlp.read(message)]


def check(reader: SpanReader, raws: Sequence[bytes]) -> None:
    """What ``reader`` makes of spans is what they are by themselves, and is shared out without a loss."""
    for found, true in zip(read(reader, raws), by_themselves(raws), strict=True):
        if isinstance(found, str) or isinstance(true, str):
            assert found == true
            continue
        assert found.derived == derive(true, true.attributes)
        assert found.operation == operation_of(true.name, true.kind, true.attributes)
        assert found.operation_id == operation_id("t", "checkout", found.operation, true.kind, Scope("lib"))
        common = {name: value for name, value in found.attributes.items() if name not in found.own}
        assert _exact({**common, **found.own}) == _exact(true.attributes)
        assert found.common == set_id("t", true.name, common)
        found.derived, found.common, found.own, found.operation_id = None, 0, {}, 0
        assert repr(found) == repr(true)


def _exact(attributes: Any) -> str:
    return repr(sorted(attributes.items()))


@given(st.lists(SPANS, min_size=1, max_size=40))
@settings(deadline=None, max_examples=60)
def test_spans_that_are_alike_are_what_they_are_by_themselves(spans: list[SpanMessage]) -> None:
    reader = SpanReader(operation_id)
    raws = [span.SerializeToString() for span in spans]
    for _ in range(3):  # what is new, what is known in parts, what is known
        check(reader, raws)


@given(st.lists(SPANS, min_size=1, max_size=4), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_bytes_that_no_sdk_writes_are_what_they_are_by_themselves(spans: list[SpanMessage], chance: random.Random) -> None:
    """Messages that are joined are merged: fields come twice, and in another order. Others are cut, or a byte is another."""
    reader = SpanReader(operation_id)
    raws = [span.SerializeToString() for span in spans]
    more = [b"", b"", *raws, b"\xa0\x06\x01", b"\x2a\x00", b"\x2a\x01z", b"\x30\x02", b"\x30\x82\x80\x00"]
    for _ in range(5):
        given = [chance.choice(raws) + chance.choice(more) for _ in range(8)]
        for raw in chance.sample(given, 4):
            place = chance.randrange(len(raw))
            given += [raw[:place], raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :]]
        check(reader, [raw for raw in given if _is_span(raw)])
        for raw in given:
            if not _is_span(raw):
                with pytest.raises(DecodeError):
                    read(reader, [raw])


def _is_span(raw: bytes) -> bool:
    try:
        SpanMessage.FromString(raw)
    except DecodeError:
        return False
    return True


def test_attributes_of_many_values_are_the_spans_own_and_what_is_remembered_is_bounded(few_known: int) -> None:
    reader = SpanReader(operation_id)
    for number in range(10):
        raws = [_span(thread=f"t{number}-{place}", route=f"/r{place % 3}") for place in range(few_known // 5)]
        check(reader, raws[:5])
        spans = read(reader, raws)
        last = spans[-1]
        assert isinstance(last, Span)
        if number:
            assert last.own == {"thread.id": last.attributes["thread.id"]}
            assert len({span.common for span in spans if isinstance(span, Span)}) == 3
    assert reader.known <= few_known
    reader.forget_quiet()
    assert reader.known == 0
    check(reader, raws[: MAX_VALUES + 5])


def test_many_names_are_bounded_too(few_known: int) -> None:
    reader = SpanReader(operation_id)
    for begin in range(0, few_known + 1_000, 1_000):
        read(reader, [_span(thread="t", route="/r", name=f"n{number}") for number in range(begin, begin + 1_000)])
    assert reader.known <= few_known
    check(reader, [_span(thread="t", route="/r", name=f"new{number}") for number in range(30)])


def _span(*, thread: str, route: str, name: str = "GET") -> bytes:
    attributes = {"http.request.method": "GET", "http.route": route, "thread.id": thread}
    pairs = [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()]
    chance = random.Random(thread + route + name)
    return SpanMessage(
        trace_id=chance.randbytes(16),
        span_id=chance.randbytes(8),
        name=name,
        kind=SpanMessage.SPAN_KIND_SERVER,
        start_time_unix_nano=10**18,
        end_time_unix_nano=10**18 + 7,
        attributes=pairs,
    ).SerializeToString()
