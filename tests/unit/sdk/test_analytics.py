"""What an application may do to the client without the client doing anything to the application."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from drishti import settings
from drishti.analytics import Analytics, AnalyticsEvent, AnalyticsEventType, ProducerSettings
from drishti.events import BatchDecoder
from drishti.sdk.buffer import Buffer, BufferedEvent
from drishti.sdk.delivery import IdTaken, RefusedEvent, Undelivered
from drishti.sdk.producer import Producer


class Memory:
    """A transport that keeps what it is given; the first ``failures`` calls fail, for the first ``taken`` ones the id is
    somebody else's, and ids in ``refuse`` are refused."""

    slots = 4

    def __init__(self, failures: int = 0, refuse: frozenset[str] = frozenset(), taken: int = 0) -> None:
        self.failures = failures
        self.refuse = refuse
        self.taken = taken
        self.calls: list[tuple[str, list[BufferedEvent]]] = []
        self.delivered: list[BufferedEvent] = []

    def __str__(self) -> str:
        return "memory"

    def partition(self, item: BufferedEvent) -> str:
        return item.subject

    async def send(self, batch_id: str, items: list[BufferedEvent]) -> list[RefusedEvent]:
        self.calls.append((batch_id, items))
        if self.failures:
            self.failures -= 1
            raise Undelivered("told to fail")
        if self.taken:
            self.taken -= 1
            raise IdTaken("somebody was here")
        refusals = [RefusedEvent(i, "no", "x") for i, item in enumerate(items) if item.event_id in self.refuse]
        self.delivered += [item for item in items if item.event_id not in self.refuse]
        return refusals

    async def close(self) -> None:
        """Nothing to close."""


def client(transport: Any, **options: Any) -> Analytics:
    """A client whose events end in ``transport``."""
    analytics = Analytics(nats_url="nats://nowhere.invalid", **options)
    analytics._producer = Producer(lambda: transport, analytics._counts, capacity=options.get("capacity", 1000), linger_s=0)
    return analytics


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def analytics(memory: Memory) -> Iterator[Analytics]:
    analytics = client(memory)
    yield analytics
    analytics.close_blocking()


def event(**fields: Any) -> AnalyticsEvent:
    return AnalyticsEvent(**{"event_id": "e", "event_type": AnalyticsEventType.FEEDBACK, **fields})


def test_what_is_missing_is_filled_in_and_the_event_left_as_it_is(analytics: Analytics, memory: Memory) -> None:
    before = datetime.now(UTC)
    tracked = event()
    assert analytics.track(tracked)
    assert analytics.flush_blocking()
    sent = msgspec.json.decode(memory.delivered[0].body, type=AnalyticsEvent)
    assert sent.timestamp is not None
    assert before <= sent.timestamp <= datetime.now(UTC)
    assert tracked.timestamp is None


def test_what_changes_after_the_call_is_not_sent(analytics: Analytics, memory: Memory) -> None:
    data = {"topic": "peace"}
    analytics.track(event(data=data))
    data["topic"] = "war"
    assert analytics.flush_blocking()
    assert b"peace" in memory.delivered[0].body


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"event_id": ""}, "event_id"),
        ({"event_id": None}, "event_id"),
        ({"event_id": ["e"]}, "event_id"),
        ({"event_id": "e\0"}, "event_id"),
        ({"event_id": "e\ud800"}, "event_id"),
        ({"event_type": "Not A Token"}, "event_type"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"user_id": "u" * 300}, "user_id"),
        ({"data": [1]}, "data"),
        ({"service": ["x"]}, "service"),
        ({"traceparent": "00-0-0-0"}, "traceparent"),
        ({"data": {f"k{n}": "x" * 1000 for n in range(300)}}, "bytes"),
    ],
)
def test_an_invalid_event_is_counted_and_its_field_named(
    analytics: Analytics, caplog: pytest.LogCaptureFixture, fields: dict[str, Any], field: str
) -> None:
    assert not analytics.track(event(**fields))
    assert not analytics.track(event(**fields))
    assert analytics.statistics().invalid == 2
    (record,) = caplog.records
    assert field in record.getMessage()


@pytest.mark.parametrize("thing", [None, "text", {"event_id": "e"}, 7])
def test_what_is_no_event_is_counted(analytics: Analytics, thing: Any) -> None:
    assert not analytics.track(thing)
    assert not analytics.track_request(thing)
    assert analytics.statistics().invalid == 2


def test_a_cycle_in_the_data_is_left_out(analytics: Analytics, memory: Memory) -> None:
    data: dict[str, Any] = {}
    data["self"] = data
    assert analytics.track(event(data=data | {"topic": "karma"}))
    assert analytics.statistics().left_out == 1
    assert analytics.flush_blocking()
    assert msgspec.json.decode(memory.delivered[0].body)["data"]["topic"] == "karma"


@given(st.dictionaries(st.text(), st.none() | st.floats() | st.integers() | st.text() | st.binary() | st.lists(st.floats())))
@effort(deadline=None)
def test_whatever_the_data_nothing_is_raised_and_everything_counted(data: dict[str, Any]) -> None:
    memory = Memory()
    analytics = client(memory)
    taken = analytics.track(event(data=data))
    assert analytics.flush_blocking()
    analytics.close_blocking()
    statistics = analytics.statistics()
    assert taken
    assert (statistics.sent, statistics.invalid) == (1, 0)
    (item,) = memory.delivered
    assert BatchDecoder(AnalyticsEvent).decode(item.body)[0].event_id == item.event_id


def test_numbers_that_json_has_not_become_null(analytics: Analytics, memory: Memory) -> None:
    assert analytics.track(event(data={"satisfaction": math.nan}))
    assert analytics.flush_blocking()
    assert msgspec.json.decode(memory.delivered[0].body)["data"] == {"satisfaction": None}


def test_without_a_destination_events_are_dropped_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("DRISHTI_NATS_URL", "DRISHTI_URL"):
        monkeypatch.delenv(name, raising=False)
    analytics = Analytics()
    assert [analytics.track(event()) for _ in range(5)] == [False] * 5
    assert analytics.statistics().unconfigured == 5
    (record,) = caplog.records
    assert "DRISHTI_NATS_URL" in record.getMessage()


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"url": "ftp://x"}, "DRISHTI_URL"),
        ({"url": "not an address"}, "DRISHTI_URL"),
        ({"url": "http://x/\ud800"}, "DRISHTI_URL"),
        ({"url": "http://x", "api_key": "hush hush"}, "DRISHTI_API_KEY"),
        ({"url": "http://x", "api_key": "hushключ"}, "DRISHTI_API_KEY"),
        ({"url": "http://user:hush#y@x"}, "host and port"),
        ({"url": 5}, "cannot be made"),
        ({"nats_url": "nats://"}, "DRISHTI_NATS_URL"),
        ({"nats_url": "nats://x", "tenant": "No Token"}, "No Token"),
    ],
)
def test_a_wrong_setting_is_one_warning_too(caplog: pytest.LogCaptureFixture, environ: dict[str, Any], word: str) -> None:
    analytics = Analytics(**environ)
    assert [analytics.track(event()) for _ in range(3)] == [False] * 3
    (record,) = caplog.records
    assert word in record.getMessage()
    assert "hush" not in caplog.text
    assert analytics.statistics().unconfigured == 3


def test_the_secret_stays_secret() -> None:
    result = settings.load(ProducerSettings, {"DRISHTI_API_KEY": "hush", "DRISHTI_URL": "http://x"})
    assert "hush" not in repr(result)


def test_a_batch_is_repeated_with_the_same_id_until_it_is_taken() -> None:
    memory = Memory(failures=3)
    analytics = client(memory)
    for i in range(5):
        analytics.track(event(event_id=f"e{i}"))
    assert analytics.flush_blocking(20)
    analytics.close_blocking()
    by_content: dict[tuple[str, ...], set[str]] = {}
    for batch_id, items in memory.calls:
        by_content.setdefault(tuple(i.event_id for i in items), set()).add(batch_id)
    assert all(len(ids) == 1 for ids in by_content.values())
    assert sorted(i.event_id for i in memory.delivered) == [f"e{i}" for i in range(5)]
    assert analytics.statistics().retries == 3


@pytest.mark.parametrize("events", [1, 3])
def test_a_batch_whose_id_is_taken_is_sent_again_under_another_one(events: int) -> None:
    memory = Memory(taken=2)
    analytics = client(memory)
    for i in range(events):
        analytics.track(event(event_id=f"e{i}"))
    assert analytics.flush_blocking(20)
    analytics.close_blocking()
    ids = [batch_id for batch_id, _ in memory.calls]
    assert len(set(ids)) == len(ids)
    assert sorted(i.event_id for i in memory.delivered) == [f"e{i}" for i in range(events)]
    counts = analytics.statistics()
    assert (counts.sent, counts.ids_taken, counts.retries) == (events, 2, 0)


def test_no_batch_has_an_id_that_could_be_known_before(analytics: Analytics, memory: Memory) -> None:
    for _ in range(2):
        analytics.track(event(event_id="known"))
        assert analytics.flush_blocking()
    ids = {batch_id for batch_id, _ in memory.calls}
    assert len(ids) == 2
    assert not any("known" in batch_id for batch_id in ids)


def test_refused_events_are_counted_beside_the_others() -> None:
    memory = Memory(refuse=frozenset({"e1"}))
    analytics = client(memory)
    for i in range(3):
        analytics.track(event(event_id=f"e{i}"))
    assert analytics.flush_blocking()
    analytics.close_blocking()
    assert (analytics.statistics().sent, analytics.statistics().refused) == (2, 1)


class Broken(Memory):
    async def send(self, batch_id: str, items: list[BufferedEvent]) -> list[RefusedEvent]:
        raise ZeroDivisionError(batch_id)


def test_a_bug_in_a_transport_gives_the_batch_up_and_not_the_thread() -> None:
    analytics = client(Broken())
    analytics.track(event())
    assert analytics.flush_blocking()
    analytics.track(event())
    assert analytics.flush_blocking()
    analytics.close_blocking()
    assert analytics.statistics().refused == 2


def test_a_flush_with_nothing_tracked_returns_at_once() -> None:
    assert Analytics().flush_blocking(0)


def test_close_counts_what_it_could_not_send() -> None:
    analytics = client(Memory(failures=1_000_000))
    analytics.track(event())
    assert not analytics.flush_blocking(0.05)
    analytics.close_blocking(0.05)
    assert analytics.statistics().lost == 1


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 40)), max_size=60), st.integers(1, 7), st.integers(10, 80))
@effort(deadline=None)
def test_batches_hold_everything_once_in_order_within_their_limits(
    added: list[tuple[str, int]], max_items: int, max_bytes: int
) -> None:
    buffer = Buffer(capacity=50)
    expected: dict[str, list[str]] = {"a": [], "b": []}
    for number, (partition, size) in enumerate(added):
        if buffer.add(partition, BufferedEvent(partition, str(number), b"x" * size)):
            expected[partition].append(str(number))
    assert len(buffer) == min(len(added), 50)
    result: dict[str, list[str]] = {"a": [], "b": []}
    while (taken := buffer.take(max_items, max_bytes)) is not None:
        assert not buffer.settled(buffer.added)
        assert len(taken.items) <= max_items
        assert len(taken.items) == 1 or sum(len(i.body) + 1 for i in taken.items) + 1 <= max_bytes
        assert len({i.subject for i in taken.items}) == 1
        result[taken.items[0].subject] += [i.event_id for i in taken.items]
        buffer.settle(taken)
        buffer.settle(taken)  # a second time changes nothing
    assert result == expected
    assert len(buffer) == 0
    assert buffer.settled(buffer.added)


def test_partitions_take_turns_and_a_flush_waits_for_the_slow_one_only() -> None:
    buffer = Buffer(10)
    for number, partition in enumerate("aab"):
        buffer.add(partition, BufferedEvent(partition, str(number), b""))
    first, second = buffer.take(1, 100), buffer.take(1, 100)
    assert first is not None
    assert second is not None
    assert (first.items[0].subject, second.items[0].subject) == ("a", "b")
    buffer.settle(second)
    assert not buffer.settled(1)
    buffer.settle(first)
    assert buffer.settled(1)
    assert not buffer.settled(2)
