"""OTLP to log records and items: everything a record says, bounds, keys, events, and what is refused."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs

from analytics.ingest.batch import observe
from analytics.ingest.items import Item
from analytics.ingest.refusals import MAX_LETTERS
from analytics.ingest.signals import events, logs
from analytics.logs import otlp
from analytics.logs.record import LogRecord, severity_name, severity_number
from drishti.events import MAX_ITEMS
from rigs.log_records import TOKEN, message, pair, record

ARRIVED = datetime(2026, 1, 31, 12, tzinfo=UTC)
AT = int(ARRIVED.timestamp()) * 1_000_000_000 - 5_000_000_000


def one(*args: Any, **fields: Any) -> LogRecord:
    (found,) = otlp.read(message(record(*args, **fields)))
    assert isinstance(found, otlp.Read)
    return found.record


def decoded(whole: ResourceLogs) -> list[Item]:
    items, refused = logs.decode("acme", whole.SerializeToString(), ARRIVED, None)
    assert refused == []
    return items


def test_a_record_says_everything():
    found = one(
        "Order 17 shipped", time_unix_nano=AT, observed_time_unix_nano=AT + 1, severity_number=17, severity_text="ERR",
        trace_id=b"t" * 16, span_id=b"s" * 8, flags=1, event_name="order.shipped", attributes=[pair("n", int_value=3)],
        dropped_attributes_count=2,
    )  # fmt: skip
    assert (found.service, found.service_name, found.scope) == (TOKEN, "Checkout API", "app.orders")
    assert (found.time_ns, found.severity, found.severity_text) == (AT, 17, "ERR")
    assert (found.body, found.template.text) == ("Order 17 shipped", "Order <*> shipped")
    assert (found.event_name, found.attributes) == ("order.shipped", {"n": 3, "otel.dropped_count": 2})
    assert found.traceparent == f"00-{b't'.hex() * 16}-{b's'.hex() * 8}-01"


def test_a_body_may_be_any_value():
    fields = KeyValueList(values=[pair("message", string_value="cart 4 is empty"), pair("n", double_value=float("nan"))])
    assert one(body=AnyValue(kvlist_value=fields)).template.text == "cart <*> is empty"
    assert one(body=AnyValue(kvlist_value=fields)).body == {"message": "cart 4 is empty", "n": "nan"}
    assert one(body=AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)]))).body == [1]
    assert one(body=AnyValue(bytes_value=b"\xff")).body == "/w=="
    assert one().body is None
    assert one("a\0b").body == "a\ufffdb"
    assert len(one("x" * 100_000).body) == otlp.MAX_BODY
    error = one(attributes=[pair("exception.message", string_value="no row 17")])
    assert error.template.text == "no row <*>"
    assert one(event_name="order.paid").template.text == "order.paid"


@pytest.mark.parametrize("wrong", [b"", b"\0" * 16, b"short", b"x" * 17])
def test_a_record_with_an_id_that_is_none_belongs_to_no_trace(wrong):
    found = one("x", trace_id=wrong, span_id=b"s" * 8)
    assert (found.trace_id, found.span_id, found.traceparent) == (None, None, None)


def test_severities_have_names():
    assert [severity_name(n) for n in (-1, 0, 1, 4, 5, 9, 13, 17, 20, 21, 24, 25)] == [
        "unset", "unset", "trace", "trace", "debug", "info", "warn", "error", "error", "fatal", "fatal", "unset",
    ]  # fmt: skip
    assert (severity_number(" Warning"), severity_number("CRITICAL"), severity_number("loud")) == (13, 21, 0)
    assert one("x", severity_number=0, severity_text="ERROR").severity == 17
    assert one("x", severity_number=99).severity == 0


def test_the_time_is_the_record_s_else_when_it_was_observed_else_when_it_arrived():
    own = record("a", time_unix_nano=AT + 123_456_789, observed_time_unix_nano=AT + 999)
    seen = record("b", time_unix_nano=0, observed_time_unix_nano=AT)
    none = record("c", time_unix_nano=0)
    times = [(item.time, item.second) for item in decoded(message(own, seen, none))]
    at = datetime.fromtimestamp(AT // 10**9, UTC)
    assert times == [
        (at + timedelta(microseconds=123_456), AT // 10**9),
        (at, AT // 10**9),
        (ARRIVED, int(ARRIVED.timestamp())),
    ]


def test_a_record_counts_once_by_its_message_and_its_place():
    line = record("same", time_unix_nano=AT)
    first = [item.key for item in decoded(message(line, line))]
    assert len(set(first)) == 2, "two equal lines are two"
    assert [item.key for item in decoded(message(line, line))] == first, "sent again they are the same"
    other = [item.key for item in decoded(message(line, line, service="other"))]
    assert not {*first} & {*other}
    (elsewhere, *_), _ = logs.decode("globex", message(line, line).SerializeToString(), ARRIVED, None)
    assert elsewhere.key not in first, "of another tenant"


def test_records_and_their_events_are_counted():
    items = decoded(
        message(
            record("a", time_unix_nano=AT, severity_number=17),
            record("b", time_unix_nano=AT, severity_number=18),
            record("c", time_unix_nano=AT, event_name="Order.Paid", attributes=[pair("user.id", string_value="u1")]),
        )
    )
    cells = {(series.metric, series.labels): cell for series, cell in observe([(logs.SIGNAL, items)], {}).cells().items()}
    assert {key: (cell.count, cell.errors) for key, cell in cells.items() if key[0] in ("log_records", "events")} == {
        ("log_records", (TOKEN, "error")): (2, 2),
        ("log_records", (TOKEN, "info")): (1, 0),
        ("events", ("order-paid", TOKEN)): (1, 0),
    }
    assert cells["active_users", ()].count == 1


def test_a_record_with_an_event_name_is_an_event_of_its_trace():
    attributes = [
        pair("enduser.id", string_value="alice"), pair("session.id", int_value=17), pair("satisfaction", double_value=4.5)
    ]  # fmt: skip
    fields = KeyValueList(values=[pair("cart", int_value=4), pair("satisfaction", int_value=1)])
    plain = record("no event", time_unix_nano=AT)
    named = record(
        time_unix_nano=AT, body=AnyValue(kvlist_value=fields), trace_id=b"t" * 16, span_id=b"s" * 8, flags=1,
        attributes=[*attributes, pair("event.name", string_value="Feedback")],
    )  # fmt: skip
    items = decoded(message(plain, named, service_version="1.2"))
    (event,) = logs.event_items(items)
    assert event.key == items[1].key
    body = event.body
    assert (body.event_id, body.event_type, body.service, body.version) == (items[1].key.hex(), "feedback", TOKEN, "1.2")
    assert (body.user_id, body.session_id) == ("alice", "17")
    assert body.data == {"cart": 4, "satisfaction": 4.5, "enduser.id": "alice", "session.id": 17}
    assert event.traceparent == body.traceparent == f"00-{b't'.hex() * 16}-{b's'.hex() * 8}-01"
    assert len(logs.rows(items)) == 2
    assert [row[1] for row in logs.SIGNAL.tables[events.TABLE](items)] == [items[1].key.hex()]


def test_a_record_of_no_possible_time_is_refused_and_can_be_sent_again():
    good, old = record("good", time_unix_nano=AT), record("old", time_unix_nano=AT - 40 * 86_400 * 10**9)
    beyond = record("beyond", time_unix_nano=2**64 - 1)
    items, refused = logs.decode("acme", message(good, old, beyond).SerializeToString(), ARRIVED, None)
    assert [item.body.record.body for item in items] == ["good"]
    assert [letter.reason for letter in refused] == [
        "time_unix_nano: is beyond the year 2262" if n else "time_unix_nano: more than 30 days before its arrival"
        for n in (0, 1)
    ]
    alone = ResourceLogs.FromString(refused[0].payload or b"")
    assert alone == message(old)


def test_bad_records_of_a_message_share_letters():
    old = [record(f"old {n}", time_unix_nano=1) for n in range(MAX_LETTERS + 1)]
    _, refused = logs.decode("acme", message(record("good", time_unix_nano=AT), *old).SerializeToString(), ARRIVED, None)
    (letter,) = refused
    assert ResourceLogs.FromString(letter.payload or b"") == message(*old)
    _, (whole,) = logs.decode("acme", message(*old).SerializeToString(), ARRIVED, None)
    assert whole.payload is None


def test_what_is_no_message_or_too_many_records_is_refused_whole():
    _, (garbage,) = logs.decode("acme", b"\xff\xff\xff", ARRIVED, None)
    assert (garbage.payload, garbage.reason.startswith("not OTLP ResourceLogs")) == (None, True)
    many = message(*[record("x", time_unix_nano=AT)] * (MAX_ITEMS + 1))
    _, (refused,) = logs.decode("acme", many.SerializeToString(), ARRIVED, None)
    assert (refused.payload, refused.items) == (None, MAX_ITEMS + 1)


values = st.recursive(
    st.builds(lambda x: AnyValue(string_value=x), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
    | st.builds(lambda x: AnyValue(int_value=x), st.integers(-(2**63), 2**63 - 1))
    | st.builds(lambda x: AnyValue(double_value=x), st.floats())
    | st.builds(lambda x: AnyValue(bytes_value=x), st.binary(max_size=20))
    | st.just(AnyValue()),
    lambda inner: st.builds(lambda x: AnyValue(array_value=ArrayValue(values=x)), st.lists(inner, max_size=3)),
    max_leaves=5,
)


@given(body=values, attribute=values, name=st.sampled_from(["", "x", "!", "Ünder", "a\0b"]), number=st.integers(-5, 30))
def test_any_record_becomes_rows(body, attribute, name, number):
    whole = message(record(body=body, event_name=name, severity_number=number, time_unix_nano=AT, attributes=[pair("user.id")]))
    whole.scope_logs[0].log_records[0].attributes[0].value.CopyFrom(attribute)
    items = decoded(whole)
    (row,) = logs.rows(items)
    assert len(row) == len(next(iter(logs.SIGNAL.tables)).columns)
    assert row[-1] is None or "\0" not in json.loads(row[-1])
    assert len(events.rows(logs.event_items(items))) == (name != "")


def test_decoding_is_quick_enough_for_ten_thousand_records_a_second():
    payload = message(*(record(f"Order {n} of user {n} shipped", time_unix_nano=AT) for n in range(1000))).SerializeToString()
    began = time.process_time()
    logs.decode("acme", payload, ARRIVED, None)
    assert time.process_time() - began < 1
