"""A batch: each key once, and no item adds nothing in silence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from analytics.ingest.batch import ItemBatch
from analytics.ingest.deliveries import Delivery
from analytics.ingest.items import Item
from analytics.ingest.registry import load_signals
from analytics.ingest.signals.events import SIGNAL as EVENTS
from analytics.ingest.signals.requests import SIGNAL as REQUESTS
from analytics.ingest.signals.spans import SIGNAL as SPANS
from analytics.storage.stream_states import StreamStates
from drishti.events import AnalyticsEvent, RequestEvent
from drishti.messages.catalogue import ANALYTICS, durables

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def event(event_id: str, event_type: str = "t", model: Any = AnalyticsEvent) -> Item:
    body = model(event_id=event_id, event_type=event_type)
    return Item(event_id.encode(), "acme", NOW, int(NOW.timestamp()), body, None)


def request(event_id: str) -> Item:
    body = RequestEvent(event_id=event_id, service="s", method="GET", route="/", status=200, duration_ms=1)
    return Item(event_id.encode(), "acme", NOW, int(NOW.timestamp()), body, None)


def span(number: int, at_ns: int) -> Span:
    return Span(trace_id=b"t" * 16, span_id=bytes([number]) * 8, start_time_unix_nano=at_ns, end_time_unix_nano=at_ns)


def batch(*deliveries: tuple[Any, list[Item]]) -> ItemBatch:
    message: Any = None
    return ItemBatch([Delivery(signal, message, items, []) for signal, items in deliveries], {})


def test_every_durable_of_analytics_has_a_signal() -> None:
    signals = load_signals()
    assert list(signals.consumers) == [(stream, durable.name) for stream, durable in durables(ANALYTICS)]


async def test_items_are_stored_and_observed_as_their_signals_whatever_the_type_of_their_bodies() -> None:
    """An item that was passed over would be acknowledged and stored nowhere."""
    other = msgspec.defstruct("AnalyticsEvent", [], bases=(AnalyticsEvent,), kw_only=True)
    contents = await batch((EVENTS, [event("1", model=other)])).contents(StreamStates())
    assert [(table.name, len(rows)) for table, rows in contents.rows.items()] == [("events", 1)]
    assert {series.metric for series in contents.cells} == {"events"}


async def test_of_equal_keys_the_first_item_counts_over_all_messages_of_a_signal() -> None:
    found = batch((EVENTS, [event("1", "first"), event("2")]), (REQUESTS, [request("r")]), (EVENTS, [event("1", "second")]))
    assert (found.size, sorted(found.keys)) == (4, [b"1", b"2", b"r"])
    contents = await found.contents(StreamStates())
    assert {series.labels[0]: cell.count for series, cell in contents.cells.items() if series.metric == "events"} == {
        "first": 1,
        "t": 1,
    }


async def test_what_is_known_already_adds_nothing() -> None:
    found = batch((EVENTS, [event("1"), event("2")]), (REQUESTS, [request("r")]))
    contents = await found.contents(StreamStates(), {b"2"})
    assert [(table.name, len(rows)) for table, rows in contents.rows.items()] == [("events", 1)]
    assert [(series.metric, cell.count) for series, cell in contents.cells.items()] == [("events", 1)]


def test_partitions_are_wanted_for_the_days_of_the_items() -> None:
    found = batch((EVENTS, [event("1")]), (REQUESTS, [request("r")]))
    day = NOW.replace(hour=0)
    assert found.days == [day]
    assert [(table.name, at) for table, at in found.tables()] == [("events", day), ("requests", day)]


async def test_items_that_are_too_old_count_and_have_no_rows_by_the_hour() -> None:
    now = int(NOW.timestamp())
    payloads = [
        ResourceSpans(scope_spans=[ScopeSpans(spans=[span(n, at * 10**9)])]).SerializeToString()
        for n, at in enumerate((now, now - 7_200), 1)
    ]
    items = [item for payload in payloads for item in SPANS.decode("acme", payload, NOW, None)[0]]
    message: Any = None
    found = ItemBatch([Delivery(SPANS, message, items, [])], {}, hours_from=now - 1_800)
    assert (found.size, found.without_rows) == (2, 1)
    hourly = {at for table, at in found.tables() if table.every == "hour"}
    assert hourly == {NOW}
    contents = await found.contents(StreamStates())
    assert {table.name: len(rows) for table, rows in contents.rows.items()} == {"spans": 1, "span_changes": 1}
    assert sum(cell.count for cell in contents.cells.values()) == 2
