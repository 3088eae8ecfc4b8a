"""From bytes to messages: what is accepted is forwarded whole, what is not is named, and nothing makes it fall."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drishti.events import AnalyticsEvent, BatchDecoder
from gateway.errors import Refused
from gateway.ingest.parsing import EVENT_BYTES, MESSAGE_BYTES, ParsedEvents, parse

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TRACEPARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
OWN = "00-" + "c" * 32 + "-" + "d" * 16 + "-01"


def take(body: Any, *, lines: bool = False, max_events: int = 100, traceparent: str | None = None) -> ParsedEvents:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse(data, lines=lines, now=NOW, max_events=max_events, traceparent=traceparent)


def event(event_id: str = "e1", event_type: str = "dharma_query", **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "event_type": event_type, **fields}


def events_in(parsed: ParsedEvents) -> list[dict[str, Any]]:
    result = []
    for message in parsed.messages:
        payload = json.loads(message.payload)
        events = payload if isinstance(payload, list) else [payload]
        assert {e["event_type"] for e in events} == {message.event_type}
        assert [e["event_id"] for e in events] == list(message.ids)
        result += events
    return result


def test_array_of_one_type_is_forwarded_as_it_came() -> None:
    body = json.dumps([event("a", unknown={"x": [1, 2]}), event("b")], indent=2).encode()
    parsed = take(body)
    assert [m.payload for m in parsed.messages] == [body]
    assert (parsed.accepted, parsed.rejected) == (2, [])


def test_single_event_is_forwarded_as_it_came() -> None:
    body = b'\n {"event_type":"x","event_id":"a","new_field":1} '
    parsed = take(body)
    assert parsed.messages[0].payload == body
    assert parsed.single


def test_array_of_several_types_becomes_one_message_a_type() -> None:
    parsed = take([event("a", "x"), event("b", "y"), event("c", "x")])
    assert {m.event_type: list(m.ids) for m in parsed.messages} == {"x": ["a", "c"], "y": ["b"]}


def test_bad_items_are_named_and_the_others_accepted() -> None:
    parsed = take([event("a"), {"event_type": "x"}, event("b", "Not A Token"), 7, event("c")])
    assert [e["event_id"] for e in events_in(parsed)] == ["a", "c"]
    assert [(r.index, r.field) for r in parsed.rejected] == [(1, "event_id"), (2, "event_type"), (3, "")]


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"[]", b"{", b"[", b"[1,", b"null", b"\xff", b'{"event_id":"\xff"}', b"[" * 5000]
)
def test_body_that_holds_no_event_says_why(body: bytes) -> None:
    parsed = take(body)
    assert parsed.accepted == 0
    assert not parsed.messages
    assert parsed.rejected[0].error


def test_ndjson_names_the_lines_that_are_wrong() -> None:
    body = b'\n{"event_id":"a","event_type":"x"}\r\n\nnonsense\n{"event_id":"b","event_type":"x"}\n'
    parsed = take(body, lines=True)
    assert [e["event_id"] for e in events_in(parsed)] == ["a", "b"]
    assert [r.index for r in parsed.rejected] == [3]


def test_ndjson_line_that_holds_an_array_is_rejected() -> None:
    assert take(b'[{"event_id":"a","event_type":"x"}]', lines=True).accepted == 0


@pytest.mark.parametrize(("away", "accepted"), [(timedelta(days=-29), 1), (timedelta(days=-31), 0), (timedelta(minutes=9), 1)])
def test_event_time_must_lie_in_the_window(away: timedelta, accepted: int) -> None:
    body = event("a", timestamp=(NOW + away).isoformat())
    for form in (body, [body], [body, event("b", "other")]):
        assert take(form).accepted - (isinstance(form, list) and len(form) == 2) == accepted


def test_event_from_the_future_is_rejected_by_its_field() -> None:
    late = event("a", timestamp=(NOW + timedelta(minutes=11)).isoformat())
    assert [(r.index, r.field) for r in take([event("b"), late]).rejected] == [(1, "timestamp")]


def test_time_without_an_offset_is_rejected() -> None:
    assert take(event("a", timestamp="2026-11-24T12:00:00")).rejected[0].field == "timestamp"


@pytest.mark.parametrize("field", ["event_type", "service", "traceparent"])
@pytest.mark.parametrize("single", [True, False])
def test_newline_at_the_end_of_a_token_is_rejected(field: str, single: bool) -> None:
    bad = event(service="wisdom", traceparent=OWN) | {field: {"traceparent": OWN}.get(field, "x") + "\n"}
    parsed = take(bad if single else [bad, event("b")])
    assert [r.field for r in parsed.rejected] == [field]
    assert parsed.accepted == (0 if single else 1)


@pytest.mark.parametrize("body", [b"[" + b",".join([b"1"] * 101) + b"]", b"1,\n" * 102], ids=["array", "lines"])
def test_more_items_than_allowed_are_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        take(body, lines=body[:1] != b"[")
    assert refused.value.status == 413


def test_absurdly_many_commas_are_refused_before_anything_is_cut() -> None:
    with pytest.raises(Refused, match="more than 100 events"):
        take(b"[" + b"1," * EVENT_BYTES + b"1]")


def test_events_with_many_fields_may_be_as_many_as_allowed() -> None:
    assert take([event(str(i), data=dict.fromkeys("abcdefgh", 1)) for i in range(100)]).accepted == 100


def test_no_message_is_larger_than_promised_and_none_is_lost() -> None:
    parsed = take([event(str(i), "xy"[i % 2], data={"text": "t" * 9_000}) for i in range(100)], traceparent=TRACEPARENT)
    assert max(len(m.payload) for m in parsed.messages) <= MESSAGE_BYTES
    assert sorted(int(e["event_id"]) for e in events_in(parsed)) == list(range(100))


def test_event_too_large_for_a_message_is_rejected_and_the_others_accepted() -> None:
    huge = event("b", data={"text": "t" * EVENT_BYTES})
    parsed = take([event("a"), huge])
    assert (parsed.accepted, [r.index for r in parsed.rejected]) == (1, [1])
    assert take(huge).accepted == 0


def test_event_without_context_continues_the_gateways_trace() -> None:
    for form in (event("a"), [event("a")], [event("a", traceparent=None)]):
        assert [e["traceparent"] for e in events_in(take(form, traceparent=TRACEPARENT))] == [TRACEPARENT]
    mixed = [event("a"), event("b", traceparent=OWN)]
    assert [e["traceparent"] for e in events_in(take(mixed, traceparent=TRACEPARENT))] == [TRACEPARENT, OWN]


def test_array_whose_events_all_have_a_context_is_still_forwarded_as_it_came() -> None:
    body = json.dumps([event("a", traceparent=OWN), event("b", traceparent=OWN)]).encode()
    parsed = take(body, traceparent=TRACEPARENT)
    assert parsed.messages[0].payload == body
    assert parsed.messages[0].traceparents == [OWN, OWN]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
nearly_events = st.fixed_dictionaries(
    {"event_id": st.text(max_size=5) | st.integers(), "event_type": st.sampled_from(["x", "y", "Bad Type", ""])},
    optional={
        "data": json_values,
        "timestamp": st.sampled_from(["2026-11-24T12:00:00Z", "2020-01-01T00:00:00Z", "yesterday", 5]),
        "traceparent": st.sampled_from([TRACEPARENT, OWN, "x", None]),
        "extra": json_values,
    },
)
bodies = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda v: json.dumps(v).encode(), st.lists(nearly_events | json_values, max_size=8) | nearly_events),
    st.builds(lambda vs: "\n".join(json.dumps(v) for v in vs).encode(), st.lists(nearly_events | json_values, max_size=8)),
)


@settings(max_examples=400, deadline=None)
@given(bodies, st.booleans(), st.sampled_from([None, TRACEPARENT]))
def test_whatever_comes_is_accepted_or_rejected_and_never_breaks_a_consumer(
    body: bytes, lines: bool, traceparent: str | None
) -> None:
    parsed = parse(body, lines=lines, now=NOW, max_events=100, traceparent=traceparent)
    consumer = BatchDecoder(AnalyticsEvent)
    decoded = [e for m in parsed.messages for e in consumer.decode(m.payload)]
    assert len(decoded) == parsed.accepted
    assert [e.event_id for e in decoded] == [i for m in parsed.messages for i in m.ids]
    if traceparent is not None:
        assert all(e.traceparent for e in decoded)
    assert parsed.accepted or parsed.rejected
    for message in parsed.messages:
        json.loads(message.payload)
