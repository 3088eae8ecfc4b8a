"""What JSON carries and later steps cannot is refused alike at both entrances, item by item and with its field."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.ingest.signals import events, requests
from drishti.errors import InvalidPayload
from drishti.events import AnalyticsEvent, BatchDecoder, RequestEvent, encode
from drishti.messages import jsontext
from gateway.ingest import parsing
from rigs.hostile_json import BAD_VALUES, EDGES_OF_EVENTS, GOOD_VALUES, event, items

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD = b'{"event_id": "good", "event_type": "t"}'


def at_gateway(body: bytes, *, lines: bool = False) -> dict[int, str | None]:
    """Place of each item → the field for which it is refused, ``None`` where it is accepted (only for arrays and singles)."""
    result = parsing.parse(body, lines=lines, now=NOW, max_events=100)
    refused: dict[int, str | None] = {rejection.index: rejection.field for rejection in result.rejected}
    total = result.accepted + len(result.rejected)
    return {index: refused.get(index) for index in range(total)}


def on_bus(payload: bytes) -> dict[int, str | None]:
    """The same of analytics."""
    kept, refused = events.SIGNAL.decode("t", payload, NOW, None)
    fields: dict[int, str | None] = {}
    for refusal in refused:
        place, _, rest = (
            refusal.reason.removeprefix("item ").partition(": ") if refusal.payload is not None else ("0", "", refusal.reason)
        )
        field, colon, _ = rest.partition(": ")
        fields[int(place)] = field if colon and " " not in field else ""
    return {index: fields.get(index) for index in range(len(kept) + len(refused))}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_bad_item_is_refused_by_its_place_at_both_entrances_and_the_others_are_kept(value: bytes) -> None:
    body = b"[" + b", ".join([GOOD, event(value), GOOD]) + b"]"
    assert list(at_gateway(body)) == list(on_bus(body)) == [0, 1, 2]
    for entrance in (at_gateway, on_bus):
        result = entrance(body)
        assert (result[0], result[2]) == (None, None)
        assert result[1] is not None
    for body in (event(value), b"[" + event(value) + b"]"):
        assert at_gateway(body)[0] is not None
        assert on_bus(body)[0] is not None


@pytest.mark.parametrize("value", GOOD_VALUES.values(), ids=GOOD_VALUES)
@pytest.mark.parametrize("field", ["data", "of a later version"])
def test_an_event_in_an_array_is_read_as_one_alone_is(value: bytes, field: str) -> None:
    text = b'{"event_id": "e", "event_type": "t", "%b": {"k": %b}}' % (field.encode(), value)
    decoder = BatchDecoder(AnalyticsEvent)
    (alone,), (in_array, _) = decoder.decode(text), decoder.decode(b"[" + text + b"," + GOOD + b"]")
    assert (repr(in_array.data), encode(in_array)) == (repr(alone.data), encode(alone))
    assert isinstance(in_array, AnalyticsEvent)


@pytest.mark.parametrize("value", [value for name, value in BAD_VALUES.items() if "\n" not in name], ids=BAD_VALUES)
def test_a_bad_line_is_refused_by_its_number(value: bytes) -> None:
    result = parsing.parse(b"\n".join([GOOD, event(value), GOOD, b""]), lines=True, now=NOW, max_events=100)
    assert result.accepted == 2
    assert [rejection.index for rejection in result.rejected] == [1]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (b'"\\u0000"', "data.value"),
        (b'{"k": ["x", {"deep": "\\u0000"}]}', "data.value.k.1.deep"),
        (b'["\\ud800"]', "data.value.0"),
        (b'"\xff"', "data.value"),
        (b'{"x": NaN}', "data.value.x"),
        (b'{"x": [1, 1e999]}', "data.value.x.1"),
        (b"-" + b"9" * 5000, "data.value"),
        (b"[" * 10_000 + b"]" * 10_000, "data"),
        (b'{"a":' * 1500 + b"1" + b"}" * 1500, "data"),
    ],
)
def test_the_field_is_named(value: bytes, field: str) -> None:
    body = b"[" + GOOD + b"," + event(value) + b"]"
    assert at_gateway(body)[1] == on_bus(body)[1] == field


@pytest.mark.parametrize("value", GOOD_VALUES.values(), ids=GOOD_VALUES)
def test_what_only_looks_bad_is_accepted_at_both_entrances(value: bytes) -> None:
    for body in (event(value), b"[" + GOOD + b"," + event(value) + b"]"):
        assert not any(at_gateway(body).values())
        assert not any(on_bus(body).values())


@pytest.mark.parametrize("field", ["event_id", "user_id", "session_id", "version", "later"])
@pytest.mark.parametrize("text", [b"\\u0000", b"\\ud800", b"\xff"])
def test_every_field_is_looked_into(field: str, text: bytes) -> None:
    bad = b'{"event_id": "e", "event_type": "t", "%s": "x%s"}' % (field.encode(), text)
    for body in (bad, b"[" + GOOD + b"," + bad + b"]"):
        result = at_gateway(body)
        assert result == on_bus(body)
        assert result[max(result)] == field


def test_a_refusal_says_what_to_do_in_words() -> None:
    (refused,) = parsing.parse(
        b'{"event_id": "e", "event_type": "t", "service": "Checkout Service.v2"}', lines=False, now=NOW, max_events=9
    ).rejected
    assert (refused.field, refused.error) == ("service", "must be 1 to 64 of a-z, 0-9, _ and -")


@pytest.mark.parametrize("text", [b"\\u0000", b"\\ud800", b"\xff"])
def test_request_events_are_held_to_the_same(text: bytes) -> None:
    good = b'{"event_id": "r", "service": "s", "method": "GET", "route": "/x", "status": 200, "duration_ms": 1}'
    bad = good.replace(b"/x", b"/x" + text)
    kept, refused = requests.SIGNAL.decode("t", b"[" + good + b"," + bad + b"," + good + b"]", NOW, None)
    assert len(kept) == 2
    assert [refusal.reason.partition(": ")[0] for refusal in refused] == ["item 1"]
    assert "route" in refused[0].reason
    assert refused[0].payload == bad


@given(st.lists(items(), max_size=4))
@settings(max_examples=400, deadline=None)
def test_what_the_gateway_accepts_is_what_analytics_stores(parts: list[bytes]) -> None:
    # A good one at the end: a message without any is one dead letter, which names no item.
    body = b"[" + b",".join([*parts, GOOD]) + b"]"
    try:
        jsontext.cut(body)
    except InvalidPayload:
        assert not any(value is None for value in at_gateway(body).values())
        assert not events.SIGNAL.decode("t", body, NOW, None)[0]
        return
    assert at_gateway(body) == on_bus(body)
    # Whatever the gateway hands on, analytics takes whole.
    for message in parsing.parse(body, lines=False, now=NOW, max_events=100).messages:
        kept, refused = events.SIGNAL.decode("t", message.payload, NOW, None)
        assert (len(kept), refused) == (len(message.ids), [])
        BatchDecoder(AnalyticsEvent).decode(message.payload)


@given(items())
@settings(max_examples=200, deadline=None)
def test_a_single_event_is_judged_alike(item: bytes) -> None:
    if jsontext.is_array(item) or not item.strip():
        return
    assert (at_gateway(item)[0] is None) == (on_bus(item)[0] is None)


@pytest.mark.parametrize(
    ("timestamp", "good"),
    [
        ("0001-01-01T00:00:00+14:00", False),
        ("0001-01-01T00:00:00Z", False),
        ("9999-12-31T23:59:59.999999-14:00", False),
        ("2026-11-24T12:00:60Z", False),
        ("2026-11-24T24:00:00Z", False),
        ("2026-11-24T12:00:00", False),
        ("2026-11-24T12:00:00+24:00", False),
        ("2026-11-24T12:00:00+23:59", True),
        ("2026-11-23T12:00:00-23:59", True),
        ("2026-11-24T17:45:00+05:45", True),
        ("2026-11-24T12:00:00.123456789Z", True),
        ("2026-11-24t12:00:00z", True),
        ((NOW - timedelta(days=30) + timedelta(seconds=31)).isoformat(), True),
        ((NOW - timedelta(days=30)).isoformat(), False),
        ((NOW + timedelta(minutes=10)).isoformat(), False),
    ],
)
def test_times_are_judged_alike_and_what_the_gateway_takes_may_be_on_its_way_for_a_while(timestamp: str, good: bool) -> None:
    bad = b'{"event_id": "e", "event_type": "t", "timestamp": "%s"}' % timestamp.encode()
    for body in (bad, b"[" + bad + b"," + GOOD + b"]"):
        assert at_gateway(body)[0] == (None if good else "timestamp")
        if good:
            for arrived in (NOW - timedelta(seconds=29), NOW + timedelta(seconds=29)):
                assert not events.SIGNAL.decode("t", body, arrived, None)[1]


@pytest.mark.parametrize("form", EDGES_OF_EVENTS)
def test_events_at_the_edge_are_accepted_at_both(form: bytes) -> None:
    body = form.replace(b"%s", b"x")
    assert at_gateway(body) == on_bus(body) == {0: None}


def test_a_byte_order_mark_is_passed_over() -> None:
    mark = b"\xef\xbb\xbf"
    for body in (mark + GOOD, mark + b"[" + GOOD + b"]"):
        assert at_gateway(body) == on_bus(body) == {0: None}
    assert parsing.parse(mark + GOOD + b"\n" + GOOD, lines=True, now=NOW, max_events=9).accepted == 2
    assert at_gateway("﻿[]".encode("utf-16-le"))[0] == ""


@pytest.mark.parametrize(
    "junk", [b'[{"a": "x},' + b'"' * 4_000_000, b"[" + b"a[]" * 1_300_000 + b"]", b"[" * 4_000_000, b"[" + b'"",' * 1_000_000]
)
def test_text_that_is_no_json_costs_no_more_than_json_would(junk: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(InvalidPayload):
        jsontext.cut(junk)
    assert time.process_time() - began < 5


def test_the_last_item_of_an_array_that_is_cut_off_is_named() -> None:
    for entrance in (at_gateway, on_bus):
        assert entrance(b"[" + GOOD + b"," + GOOD[:-5])[0] == ""
    result = parsing.parse(b"[" + GOOD + b"," + GOOD[:-5], lines=False, now=NOW, max_events=9)
    assert "item 1" in result.rejected[0].error


@pytest.mark.parametrize("bad", [b"", b',{"event_id":"bad"}'])
def test_a_message_of_very_many_objects_is_decoded_item_by_item_with_the_same_result(bad: bytes) -> None:
    """What is decoded in one call is built while nothing else runs; the items of an array are as good one by one."""
    item = b'{"event_id":"%d","event_type":"x","data":{"a":[' + b"[]," * 20_000 + b"{}]}}"
    body = b"[" + b",".join(item % n for n in range(6)) + bad + b"]"
    assert jsontext.is_dense(body)
    result = parsing.parse(body, lines=False, now=datetime.now(UTC), max_events=10_000)
    assert (result.accepted, [rejection.index for rejection in result.rejected]) == (6, [6] if bad else [])
    if bad:
        with pytest.raises(InvalidPayload):
            BatchDecoder(AnalyticsEvent).decode(body)
    else:
        assert [event.event_id for event in BatchDecoder(AnalyticsEvent).decode(body)] == list("012345")


@pytest.mark.parametrize("form", [b"%s", b"[%s]", b"[%s,%s]", b'[%s,{"event_id":"deep","event_type":"t","data":{"a":[[[]]]}}]'])
def test_what_is_decoded_is_of_the_type_that_was_asked_for_exactly(form: bytes) -> None:
    """Consumers tell messages apart by their exact type: of another one nothing would be stored."""
    body = form.replace(b"%s", GOOD)
    assert {type(event) for event in BatchDecoder(AnalyticsEvent).decode(body)} == {AnalyticsEvent}
    request = b'{"event_id":"r","service":"s","method":"GET","route":"/","status":200,"duration_ms":1}'
    assert {type(event) for event in BatchDecoder(RequestEvent).decode(b"[" + request + b"]")} == {RequestEvent}
