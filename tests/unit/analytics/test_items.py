"""From bytes to items to observations: what is good, what is refused and why, and what each event says about metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from opentelemetry.proto.metrics.v1.metrics_pb2 import DataPointFlags, ResourceMetrics

from analytics.ingest import batch
from analytics.ingest.items import Item, key_of, key_space
from analytics.ingest.refusals import LETTER_BYTES, MAX_LETTERS
from analytics.ingest.registry import load_signals
from analytics.ingest.signal import Signal
from analytics.ingest.signals import events as events_signal
from analytics.ingest.signals import metrics as metrics_signal
from analytics.ingest.signals import requests as requests_signal
from analytics.rollup import uniques
from analytics.rollup.cells import Cell, merge
from analytics.rollup.observations import Observations, Series
from analytics.storage.tables import ROLLUPS, expired, partition_for
from drishti.events import MAX_ITEMS, AnalyticsEvent, RequestEvent

SIGNALS = load_signals()
EVENTS = events_signal.TABLE
decode_events, decode_requests, decode_metrics = (
    signal.SIGNAL.decode for signal in (events_signal, requests_signal, metrics_signal)
)

ARRIVED = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEPT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
NOT_KEPT = KEPT[:-1] + "0"


def observe(items: list[Item], exemplars: dict[bytes, str]) -> Observations:
    of_body = {AnalyticsEvent: events_signal, RequestEvent: requests_signal, metrics_signal.Point: metrics_signal}
    groups: dict[Signal, list[Item]] = {}
    for item in items:
        groups.setdefault(of_body[type(item.body)].SIGNAL, []).append(item)
    return batch.observe(list(groups.items()), exemplars)


def events(payload: Any, traceparent: str | None = None) -> Any:
    return decode_events("t", payload if isinstance(payload, bytes) else json.dumps(payload).encode(), ARRIVED, traceparent)


def plain(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "event_type": "page_view", **fields}


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_items_or_refused_with_a_reason(payload: bytes) -> None:
    for decode in (decode_events, decode_requests, decode_metrics):
        items, refusals = decode("t", payload, ARRIVED, None)
        assert all(refusal.reason for refusal in refusals)
        if decode is not decode_metrics and payload.strip() != b"[]":
            assert items or refusals


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.sampled_from([plain("good"), plain("bad", user_id=1), plain("nul\0"), {}, 3]), min_size=2, max_size=8))
def test_every_item_of_an_array_is_kept_or_refused_by_its_place(array: list[Any]) -> None:
    items, refusals = events(array)
    good = [n for n, item in enumerate(array) if item == plain("good")]
    bad = [n for n in range(len(array)) if n not in good]
    assert len(items) == len(good)
    if not good or len(bad) > MAX_LETTERS:  # one letter for all of them
        (shared,) = refusals
        assert f"{len(bad)} of {len(array)} items are bad" in shared.reason
        assert shared.payload is None if not good else json.loads(shared.payload) == [array[n] for n in bad]
        return
    assert sorted(int(r.reason.split(":")[0].removeprefix("item ")) for r in refusals) == bad
    assert all(json.loads(refusal.payload) in array for refusal in refusals)


def test_more_items_than_a_message_may_hold_are_refused_whole_and_the_first_reasons_are_there() -> None:
    whole, refusals = events(b"[" + b",".join([b"1"] * 500_000) + b"]")
    (refusal,) = refusals
    assert not whole
    assert refusal.payload is None
    assert refusal.reason.startswith("500,000 items are more than the 10,000 of one message")
    assert "item 0: " in refusal.reason
    assert len(refusal.reason) < 2000
    good = [plain(f"e{n}") for n in range(MAX_ITEMS + 1)]
    items, (refusal,) = events(good)
    assert not items
    assert refusal.payload is None
    items, refusals = events(good[1:])
    assert len(items) == MAX_ITEMS
    assert not refusals


@given(st.integers(0, 40), st.integers(1, 40), st.integers(1, 300_000))
@settings(deadline=None)
def test_any_number_of_bad_items_costs_few_letters_that_hold_all_of_them(good: int, bad: int, size: int) -> None:
    array = [plain(f"g{n}") for n in range(good)] + [plain("x" * size, user_id=n) for n in range(bad)]
    items, refusals = events(array)
    assert len(items) == good
    if not good:
        assert [refusal.payload for refusal in refusals] == [None]
        return
    assert len(refusals) <= max(MAX_LETTERS, 2 * bad * (size + 60) // LETTER_BYTES + 1)
    held = [json.loads(refusal.payload) for refusal in refusals]
    assert [item for part in held for item in (part if isinstance(part, list) else [part])] == array[good:]


def test_many_bad_points_share_one_letter_which_can_be_sent_again() -> None:
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = "s" * 1000
    for name in ("process.cpu.utilization", "process.memory.usage"):
        metric = message.scope_metrics.add().metrics.add(name=name)
        for n in range(1, 51):
            at = int(ARRIVED.timestamp()) if n % 2 else 1
            metric.gauge.data_points.add(time_unix_nano=at * 10**9 + n, as_double=n)
    items, (refusal,) = decode_metrics("t", message.SerializeToString(), ARRIVED, None)
    assert len(items) == 50
    assert refusal.reason.startswith("50 of 100 items are bad: process.cpu.utilization: timestamp: ")
    assert refusal.payload is not None
    again = ResourceMetrics.FromString(refusal.payload)
    assert again.resource == message.resource
    assert [(m.name, len(m.gauge.data_points)) for m in again.scope_metrics[0].metrics] == [
        ("process.cpu.utilization", 25),
        ("process.memory.usage", 25),
    ]


@given(st.dictionaries(st.text(max_size=8), jsons, max_size=5))
def test_data_of_any_shape_is_the_applications_own(data: dict[str, Any]) -> None:
    known = {key: data for key in ("satisfaction", "topic", "model", "duration_ms", "hit", "input_tokens")}
    for kind in ("page_view", "llm_call", "cache_access"):
        items, refusals = events({"event_id": "x", "event_type": kind, "data": data | known})
        assert len(items) + len(refusals) == 1
        assert {at.metric for at in observe(items, {}).cells()} <= {"events", "llm_requests"}


def test_an_id_is_the_same_item_whatever_its_time_and_content_but_not_for_another_tenant_or_signal() -> None:
    (one,), _ = events(plain("x", timestamp="2026-05-01T11:00:00Z"))
    (two,), _ = events(plain("x", timestamp="2026-04-20T11:00:00+05:30", user_id="u"))
    assert one.key == two.key == key_of(key_space("events", "t"), "x")
    assert len(one.key) == 16
    others = {key_of(key_space(signal.name, tenant), "x") for signal in SIGNALS for tenant in ("t", "u")}
    assert len(others) == 2 * len(SIGNALS)
    assert one.key in others


def test_without_a_timestamp_the_bus_instant_counts_and_with_one_the_producers() -> None:
    items, refusals = events(
        [plain("a"), plain("b", timestamp="2026-05-01T11:59:58.7Z"), plain("c", timestamp="2026-05-01T14:00:00+02:00")]
    )
    assert not refusals
    assert [item.second for item in items] == [int(ARRIVED.timestamp()), int(ARRIVED.timestamp()) - 2, int(ARRIVED.timestamp())]
    assert items[0].time == ARRIVED


@pytest.mark.parametrize(
    ("apart", "reason"),
    [
        (timedelta(days=-30), None),
        (timedelta(days=-30, seconds=-1), "timestamp: more than 30 days before its arrival"),
        (timedelta(minutes=10), None),
        (timedelta(minutes=10, seconds=1), "timestamp: more than 10 minutes after its arrival"),
    ],
)
def test_a_clock_that_is_too_wrong_is_refused(apart: timedelta, reason: str | None) -> None:
    items, refusals = events(plain("x", timestamp=(ARRIVED + apart).isoformat()))
    assert [refusal.reason for refusal in refusals] == ([] if reason is None else [reason])
    assert len(items) == (1 if reason is None else 0)


def test_an_events_own_context_goes_before_the_messages() -> None:
    batch = [plain("own", traceparent=KEPT), plain("header"), plain("not", traceparent=NOT_KEPT)]
    header = KEPT.replace("a", "c")
    assert [item.traceparent for item in events(batch, header)[0]] == [KEPT, header, None]
    assert [item.traceparent for item in events(batch, NOT_KEPT)[0]] == [KEPT, None, None]


def item(body: AnalyticsEvent | RequestEvent, second: int = 100, traceparent: str | None = None) -> Item:
    return Item(body.event_id.encode(), "t", datetime.fromtimestamp(second, UTC), second, body, traceparent)


def event(event_type: str = "page_view", **data: Any) -> AnalyticsEvent:
    return AnalyticsEvent(event_id="x", event_type=event_type, user_id="u", service="web", data=data)


def cells(*items: Item) -> dict[tuple[str, tuple[str, ...]], Cell]:
    return {(at.metric, at.labels): cell for at, cell in observe(items, {}).cells().items()}


def test_what_events_say() -> None:
    found = cells(
        item(event(satisfaction=4, topic="karma", wisdom_score=0.5)),
        item(event("llm_call", model="sage", input_tokens=10, output_tokens=3, duration_ms=120.0)),
        item(event("llm_call", model="sage", duration_ms=80, error="timeout")),
        item(event("llm_call", **{"gen_ai.request.model": "seer", "gen_ai.usage.input_tokens": 7})),
        item(event("cache_access", hit=True)),
        item(event("cache_access", hit=False, cache="answers")),
    )
    assert {key: cell.count for key, cell in found.items()} == {
        ("events", ("page_view", "web")): 1,
        ("events", ("llm_call", "web")): 3,
        ("events", ("cache_access", "web")): 2,
        ("active_users", ()): 6,
        ("satisfaction", ("page_view",)): 1,
        ("wisdom_score", ("page_view",)): 1,
        ("topics", ("karma",)): 1,
        ("llm_requests", ("sage",)): 2,
        ("llm_requests", ("seer",)): 1,
        ("llm_duration_ms", ("sage",)): 2,
        ("llm_time_per_output_token_ms", ("sage",)): 1,
        ("llm_tokens", ("sage", "input")): 1,
        ("llm_tokens", ("sage", "output")): 1,
        ("llm_tokens", ("seer", "input")): 1,
        ("cache_requests", ("default", "hit")): 1,
        ("cache_requests", ("answers", "miss")): 1,
    }
    assert found["llm_requests", ("sage",)].errors == 1
    assert found["llm_duration_ms", ("sage",)].errors == 1
    assert found["llm_duration_ms", ("sage",)].sum == 200


@pytest.mark.parametrize(
    ("call", "pace"),
    [
        ({"output_tokens": 50}, 8.0),
        ({"gen_ai.usage.output_tokens": 50}, 8.0),
        ({"output_tokens": 51, "time_to_first_token_ms": 150}, 5.0),
        ({"output_tokens": 1}, 400.0),
        ({"output_tokens": 1, "time_to_first_token_ms": 390}, 400.0),
        ({"output_tokens": 50, "time_to_first_token_ms": 401}, 8.0),
        ({"output_tokens": 50, "time_to_first_token_ms": "soon"}, 8.0),
        ({"output_tokens": 50, "time_to_first_token_ms": -1}, 8.0),
        ({"output_tokens": 50, "error": "overloaded"}, None),
        ({"output_tokens": 0}, None),
        ({"output_tokens": 0.5}, None),
        ({"output_tokens": "many"}, None),
        ({}, None),
    ],
)
def test_time_per_output_token_of_a_call(call: dict[str, Any], pace: float | None) -> None:
    cell = cells(item(event("llm_call", model="sage", duration_ms=400.0, **call))).get(
        ("llm_time_per_output_token_ms", ("sage",))
    )
    assert (None if cell is None else cell.sum) == pace


def test_a_call_without_a_duration_has_no_pace() -> None:
    assert ("llm_time_per_output_token_ms", ("sage",)) not in cells(item(event("llm_call", model="sage", output_tokens=50)))


@pytest.mark.parametrize("value", [True, "4", None, [4], {"v": 4}, 10**400])
def test_a_value_of_another_kind_is_no_observation(value: Any) -> None:
    assert not [key for key in cells(item(event(satisfaction=value))) if key[0] == "satisfaction"]


def test_what_requests_say() -> None:
    def served(status: int, **fields: Any) -> Item:
        known = {"service": "api", "method": "GET", "route": "/r" * 100, "duration_ms": 2.0, "session_id": "s"}
        return item(RequestEvent(event_id="x", status=status, **(known | fields)))

    found = cells(served(200), served(200, error="cancelled"), served(500), served(503, duration_ms=6.0))
    route = ("/r" * 100)[:128]
    assert {key: (cell.count, cell.errors) for key, cell in found.items()} == {
        ("requests", ("api", route, "200")): (2, 1),
        ("requests", ("api", route, "500")): (1, 1),
        ("requests", ("api", route, "503")): (1, 1),
        ("request_duration_ms", ("api", route, "200")): (2, 1),
        ("request_duration_ms", ("api", route, "500")): (1, 1),
        ("request_duration_ms", ("api", route, "503")): (1, 1),
        ("sessions", ()): (4, 0),
    }


bodies = st.builds(
    AnalyticsEvent,
    event_id=st.just("x"),
    event_type=st.sampled_from(["page_view", "llm_call", "cache_access"]),
    user_id=st.none() | st.sampled_from("uv"),
    session_id=st.none() | st.sampled_from("st"),
    service=st.none() | st.sampled_from("ab"),
    data=st.fixed_dictionaries(
        {},
        optional={
            "satisfaction": st.integers(0, 5),
            "topic": st.sampled_from(["", "k", "d"]),
            "model": st.sampled_from("mn"),
            "input_tokens": st.integers(-1, 3),
            "duration_ms": st.integers(0, 9),
            "error": st.booleans(),
            "hit": st.booleans(),
        },
    ),
)
traced_items = st.builds(item, bodies, st.integers(100, 102), st.none() | st.just(KEPT))


@given(st.lists(traced_items, max_size=8))
def test_items_looked_at_together_say_what_they_say_one_by_one(found: list[Item]) -> None:
    together = observe(found, {}).cells()
    alone: dict[Series, Cell] = {}
    for one in found:
        for at, cell in observe([one], {}).cells().items():
            alone[at] = merge(alone[at], cell) if at in alone else cell
    assert {at: estimated(cell) for at, cell in together.items()} == {at: estimated(cell) for at, cell in alone.items()}


def estimated(cell: Cell) -> tuple[Cell, float]:
    """A sketch's bytes depend on the order of its items, what it says does not."""
    return structs.replace(cell, sketch=None), uniques.estimate([cell.sketch] if cell.sketch else [])


def metrics(**points: Any) -> ResourceMetrics:
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = "api"
    for name, value in points.items():
        point = message.scope_metrics.add().metrics.add(name=name.replace("_", ".")).gauge.data_points.add()
        point.time_unix_nano = int(ARRIVED.timestamp() * 1e9)
        if isinstance(value, int):
            point.as_int = value
        else:
            point.as_double = value
    return message


def decoded(message: ResourceMetrics, tenant: str = "t") -> Any:
    return decode_metrics(tenant, message.SerializeToString(), ARRIVED, None)


def test_points_become_items_and_some_are_metrics_of_drishti_itself() -> None:
    message = metrics(process_cpu_utilization=0.5, process_memory_usage=1024, http_server_duration=3.0)
    items, refusals = decoded(message)
    assert refusals == []
    assert [(i.body.stream.built_in, i.body.stream.name, i.body.service, i.body.state.sum) for i in items] == [
        ("cpu_utilization", "process.cpu.utilization", "api", 0.5),
        ("memory_usage_bytes", "process.memory.usage", "api", 1024.0),
        (None, "http.server.duration", "api", 3.0),
    ]
    assert cells(*items)["cpu_utilization", ("api",)].max == 0.5


def test_points_without_a_usable_value_are_no_items() -> None:
    message = metrics(process_cpu_utilization=float("nan"), process_memory_usage=float("inf"))
    message.scope_metrics.add().metrics.add(name="process.cpu.utilization").gauge.data_points.add()
    flagged = message.scope_metrics.add().metrics.add(name="process.memory.usage").gauge.data_points.add(as_int=3)
    flagged.flags = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
    assert decoded(message) == ([], [])


def test_a_point_is_identified_by_resource_attributes_time_and_tenant_in_any_order() -> None:
    def keys(message: ResourceMetrics, tenant: str = "t") -> list[bytes]:
        return [i.key for i in decoded(message, tenant)[0]]

    one, two = metrics(process_cpu_utilization=0.5), metrics(process_cpu_utilization=0.7)
    assert keys(one) == keys(two), "the same point with another value is the same point"
    assert keys(one) != keys(one, "other")
    for message, order in ((one, "ab"), (two, "ba")):
        for name in order:
            message.resource.attributes.add(key=name).value.string_value = name
    assert keys(one) == keys(two)
    two.scope_metrics[0].metrics[0].gauge.data_points[0].attributes.add(key="cpu").value.int_value = 1
    assert keys(one) != keys(two)
    one.scope_metrics[0].metrics[0].gauge.data_points[0].time_unix_nano += 1
    assert keys(one) != keys(metrics(process_cpu_utilization=0.5))


def test_a_point_of_a_wrong_clock_is_refused_alone_and_can_be_sent_again() -> None:
    message = metrics(process_cpu_utilization=0.5, process_memory_usage=7)
    message.scope_metrics[0].metrics[0].gauge.data_points[0].time_unix_nano = 1
    items, (refusal,) = decoded(message)
    assert [i.body.stream.built_in for i in items] == ["memory_usage_bytes"]
    assert refusal.reason.startswith("process.cpu.utilization: timestamp: ")
    again = ResourceMetrics.FromString(refusal.payload)
    assert [m.name for s in again.scope_metrics for m in s.metrics] == ["process.cpu.utilization"]
    assert again.resource == message.resource


@pytest.mark.parametrize("name", ["Checkout Service.v2", "checkout-service-v2", "CHECKOUT\0Service v2"])
def test_one_service_has_one_name_in_every_metric(name: str) -> None:
    message = metrics(process_cpu_utilization=0.5)
    message.resource.attributes[0].value.string_value = name
    items, refused = decoded(message)
    event = plain("e", service="checkout-service-v2")
    served = {"event_id": "r", "service": "checkout-service-v2", "method": "GET", "route": "/", "status": 200, "duration_ms": 1}
    items += events(event)[0] + decode_requests("t", json.dumps(served).encode(), ARRIVED, None)[0]
    named = {series.metric: series.labels for series in observe(items, {}).cells()}
    assert not refused
    assert {metric: labels[1 if metric == "events" else 0] for metric, labels in named.items()} == dict.fromkeys(
        ("cpu_utilization", "events", "requests", "request_duration_ms"), "checkout-service-v2"
    )


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC)))
def test_an_instant_has_one_partition_which_expires_when_its_last_row_does(at: datetime) -> None:
    for table in (EVENTS, *ROLLUPS.values()):
        partition = partition_for(table, at)
        assert partition.starts <= at < partition.ends
        assert partition_for(table, partition.starts) == partition
        assert partition_for(table, partition.ends).starts == partition.ends
        assert expired(table, [partition.name], partition.ends) == [partition.name]
        assert expired(table, [partition.name], partition.ends - timedelta(microseconds=1)) == []


def test_partitions_of_others_are_left_alone() -> None:
    names = ["events_20200101", "events_archive", "events_20200101_old", "requests_20200101", "my_events_20200101"]
    assert expired(EVENTS, names, ARRIVED) == ["events_20200101"]
