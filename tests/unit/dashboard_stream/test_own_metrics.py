"""What a tenant defines is live: its unit, kind and limits come from its registry, and a change of it is a snapshot."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard_stream.boards.dashboards import dashboard_of, describe
from dashboard_stream.boards.own_metrics import MAX_OWN
from dashboard_stream.boards.ready import ready
from dashboard_stream.live.channel import Channel
from dashboard_stream.live.hub import Hub
from dashboard_stream.live.tenant import REFRESH_MS
from drishti.bus.entries import Entry
from drishti.events import Frame
from drishti.measures.built_in import FED
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.registry import MetricRegistry
from rigs.aggregates import NOW_MS, aggregate, second

MINUTE = NOW_MS - NOW_MS % 60_000
LIKED = MetricDefinition(
    name="liked answers", kind=Kind.DERIVED, unit="%", expression="100 * count(feedback) / count(events)", target=90, bad=70
)
ORDERS = MetricDefinition(
    name="orders",
    kind=Kind.COUNTER,
    unit="{order}",
    dimensions=("shop",),
    published=((), ("shop",)),
    source=EventSource(event="o"),
)


class Registered:
    """A hub over a registry of one tenant, `acme`."""

    def __init__(self) -> None:
        self.registry = MetricRegistry()
        self.hub = Hub("e1", metrics_of=self.registry.of)
        self._revision = 0

    def define(self, metric: MetricDefinition | None, token: str = "") -> None:
        self._revision += 1
        value = None if metric is None else msgspec.json.encode(metric)
        self.registry.take(Entry(f"acme.{token or metric.token}", self._revision, value, 0.0))  # type: ignore[union-attr]

    def channel(self) -> Channel:
        result = self.hub.channel("acme", "own_metrics")
        assert result is not None
        result.watched = True
        return result

    def take(self, metric: str, numbers: Any, now_ms: int, **more: Any) -> list[Channel]:
        start = now_ms - now_ms % 60_000 if more.get("resolution") == "1m" else now_ms // 1000 * 1000 - 3000
        return self.hub.take_aggregate(aggregate(metric, start, numbers, tenant="acme", **more), now_ms)


def frame(channel: Channel, since: int | None, now_ms: int = NOW_MS) -> Frame:
    return msgspec.json.decode(channel.frame(since, {}, now_ms), type=Frame)


@pytest.fixture
def registered() -> Registered:
    return Registered()


def test_own_metrics_show_what_their_kind_makes_the_first_choice(registered: Registered) -> None:
    registered.define(LIKED)
    registered.define(ORDERS)
    registered.define(MetricDefinition(name="off", kind=Kind.GAUGE, enabled=False))
    registered.define(MetricDefinition(name="a.queue", kind=Kind.GAUGE, unit="{message}", origin="otlp"))
    registered.define(MetricDefinition(name="drishti.predictor.series", kind=Kind.GAUGE, origin="otlp"))
    own = next(board for board in registered.hub.boards("acme") if board.name == "own_metrics")
    assert [reading.name for reading in own.readings] == ["liked-answers.value", "orders.rate", "a-queue.avg"]
    liked, orders, _ = describe(own)["values"]
    assert (liked["title"], liked["unit"], liked["kind"], liked["window_s"]) == ("liked answers", "%", "derived", 60)
    assert (liked["direction"], liked["target"], liked["bad"], "warn" in liked) == ("up", 90, 70, False)
    assert (orders["unit"], orders["labels"], orders["resolution"]) == ("{order}/s", ["shop"], "1s")
    other = next(board for board in registered.hub.boards("other") if board.name == "own_metrics")
    assert other.readings == ()


def test_a_kpi_is_live_as_the_value_of_its_minute(registered: Registered) -> None:
    registered.define(LIKED)
    channel = registered.channel()
    now = MINUTE + 30_000
    registered.take("requests", {"count": 1}, now)
    registered.take("liked-answers", [({}, {"value": 82.5})], now, resolution="1m")
    reported = frame(channel, None, now).data
    assert reported.values["liked-answers.value"] == 82.5
    assert reported.series["liked-answers.value"] == [(MINUTE, 82.5)]
    # Where its expression has no value any more, what was said is taken back.
    channel.advance()
    registered.take("liked-answers", [], now, resolution="1m", revision=9)
    channel.advance()
    update = frame(channel, channel.seq - 1, now).data
    assert (update.series["liked-answers.value"], update.values.get("liked-answers.value")) == ([(MINUTE, None)], None)


def test_what_is_defined_while_somebody_looks_comes_with_a_snapshot_and_goes_with_one(registered: Registered) -> None:
    channel = registered.channel()
    channel.advance()
    frame(channel, None)
    registered.define(ORDERS)
    later = NOW_MS + REFRESH_MS
    registered.take("orders", [({}, {"count": 7}), ({"shop": "a"}, {"count": 7})], later)
    channel.advance()
    first = frame(channel, channel.seq - 1, later)
    assert (first.type, "orders.rate{shop=a}" in first.data.series) == ("snapshot", True)
    channel.advance()
    frame(channel, channel.seq - 1, later)
    registered.take("orders", [({}, {"count": 8}), ({"shop": "a"}, {"count": 8})], later, revision=2)
    channel.advance()
    assert frame(channel, channel.seq - 1, later).type == "update"
    registered.define(None, "orders")
    channel.advance()
    gone = frame(channel, channel.seq - 1, later + REFRESH_MS)
    assert (gone.type, [name for name in gone.data.values if name.startswith("orders")]) == ("snapshot", [])
    assert registered.take("orders", [({}, {"count": 9})], later + REFRESH_MS, revision=3) == []


def test_what_is_kept_of_other_metrics_outlives_a_change(registered: Registered) -> None:
    overview = registered.hub.channel("acme", "system_overview")
    assert overview is not None
    registered.take("requests", {"count": 5, "errors": 0}, NOW_MS)
    registered.define(ORDERS)
    registered.take("events", {"count": 5}, NOW_MS + REFRESH_MS)
    series = frame(overview, None, NOW_MS + REFRESH_MS).data.series
    assert [value for _, value in series["requests.rate"]] == [5]


def test_live_metrics_of_a_tenant_are_bounded_kpis_first(registered: Registered) -> None:
    for n in range(MAX_OWN + 5):
        registered.define(MetricDefinition(name=f"m{n:02}", kind=Kind.COUNTER, origin="otlp"))
    registered.define(LIKED)
    own = next(board for board in registered.hub.boards("acme") if board.name == "own_metrics")
    assert len(own.readings) == MAX_OWN
    assert own.readings[0].metric == "liked-answers"


def test_a_reading_of_a_metric_that_the_registry_does_not_have_is_left_out() -> None:
    without = {token: metric for token, metric in FED.items() if token != "requests"}
    assert "requests" not in dashboard_of(ready(without)[0], without).metrics
    assert second(0) <= NOW_MS
