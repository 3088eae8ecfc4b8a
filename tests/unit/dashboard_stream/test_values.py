"""What a value says now, and what a name looks like."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard_stream.boards.dashboards import dashboard_of, describe
from dashboard_stream.boards.readings import name
from dashboard_stream.boards.ready import READY, ready
from dashboard_stream.live.history import History, merge
from dashboard_stream.live.values import CARRY_MS, STALE_MS, needs, points, values_now
from drishti.measures.built_in import FED
from drishti.measures.fields import has_field
from rigs.aggregates import NOW_MS, aggregate, second

BOARDS = {document.name: dashboard_of(document, FED) for document in ready(FED)}
READINGS = [reading for dashboard in BOARDS.values() for reading in dashboard.readings]
NEEDS = merge(need for reading in READINGS for need in needs(reading))


@pytest.fixture
def history() -> History:
    return History(NEEDS)


def values(history: History, now_ms: int = NOW_MS) -> dict[str, Any]:
    return values_now(history, READINGS, now_ms)


def take(history: History, metric: str, offset_s: int, numbers: Any, **more: Any) -> None:
    history.take(aggregate(metric, second(offset_s), numbers, **more), second(offset_s))


def test_names_carry_metric_field_span_and_sorted_labels() -> None:
    assert name("requests", "rate") == "requests.rate"
    assert name("requests", "rate", (("route", "/x"), ("service", "gateway"))) == "requests.rate{route=/x,service=gateway}"
    assert name("events", "count", (("event_type", "feedback"),), "24h") == "events.count.24h{event_type=feedback}"


@pytest.mark.parametrize("dashboard", READY)
def test_every_reading_is_published_by_analytics(dashboard: str) -> None:
    for reading in BOARDS[dashboard].readings:
        metric = FED[reading.metric]
        wanted = [(label,) for label in reading.by] + ([()] if reading.total else [])
        assert set(wanted) <= set(metric.published), reading
        assert has_field(metric, reading.field), reading


@pytest.mark.parametrize("dashboard", READY)
def test_a_dashboard_describes_itself_without_repeating_a_name(dashboard: str) -> None:
    described = describe(BOARDS[dashboard])
    for part in ("series", "values"):
        names = [entry["name"] for entry in described[part]]
        assert len(names) == len(set(names))
        assert all(entry["unit"] for entry in described[part])


def test_a_value_says_over_which_time_it_is_computed() -> None:
    windows = {entry["name"]: entry.get("window_s") for d in BOARDS.values() for entry in describe(d)["values"]}
    assert windows["requests.rate"] == 10
    assert windows["request_duration_ms.p95"] == windows["active_users.uniques"] == 60
    assert windows["satisfaction.avg"] == 900
    assert windows["events.count.24h"] is None


def test_a_rate_is_the_mean_of_ten_closed_seconds(history: History) -> None:
    for offset in range(-20, 0):
        take(history, "requests", offset, {"count": 100 if offset < -11 else 3})
    take(history, "requests", 0, {"count": 1})
    assert values(history)["requests.rate"] == 3


def test_a_rate_does_not_fall_because_a_second_has_just_begun(history: History) -> None:
    for offset in range(-15, 1):
        take(history, "requests", offset, {"count": 4})
    take(history, "requests", 1, {"count": 0})
    assert values(history, second(1))["requests.rate"] == 4


def test_a_rate_of_a_service_that_has_just_started_divides_by_the_seconds_there_were(history: History) -> None:
    take(history, "requests", -3, {"count": 6})
    assert values(history)["requests.rate"] == 6
    take(history, "requests", -2, {"count": 4})
    take(history, "requests", -1, {"count": 5})
    take(history, "requests", 0, {"count": 0})
    assert values(history)["requests.rate"] == 5


def test_silence_is_a_rate_of_zero_while_other_metrics_go_on(history: History) -> None:
    take(history, "llm_requests", -30, {"count": 6})
    for offset in range(-30, 1):
        take(history, "requests", offset, {"count": 1})
    assert values(history)["llm_requests.rate"] == 0


def test_shares_and_averages_weigh_their_windows(history: History) -> None:
    take(history, "requests", -3, {"count": 90, "errors": 0})
    take(history, "requests", -2, {"count": 10, "errors": 5})
    take(history, "cpu_utilization", -3, [({"service": "gateway"}, {"count": 3, "sum": 0.6})])
    take(history, "cpu_utilization", -2, [({"service": "gateway"}, {"count": 1, "sum": 0.6})])
    now = values(history)
    assert now["requests.error_rate"] == 0.05
    assert now["cpu_utilization.avg{service=gateway}"] == 0.3


def test_the_hit_rate_is_the_share_of_hits(history: History) -> None:
    numbers = [({}, {"count": 8}), ({"result": "hit"}, {"count": 6}), ({"result": "miss"}, {"count": 2})]
    take(history, "cache_requests", -2, numbers)
    now = values(history)
    assert now["cache_requests.hit_rate"] == 0.75
    assert "cache_requests.hit_rate{result=hit}" not in now


def test_an_average_without_observations_is_kept_for_a_while_and_then_unknown(history: History) -> None:
    take(history, "memory_usage_bytes", 0, [({"service": "gateway"}, {"count": 1, "sum": 5e7})])
    carried_s = CARRY_MS // 1000
    take(history, "requests", carried_s - 1, {"count": 1})
    assert values(history, second(carried_s - 1))["memory_usage_bytes.avg{service=gateway}"] == 5e7
    take(history, "requests", carried_s + 1, {"count": 1})
    assert values(history, second(carried_s + 1))["memory_usage_bytes.avg{service=gateway}"] is None


def test_a_percentile_is_the_running_minutes_once_that_has_something_to_say(history: History) -> None:
    minute = {"resolution": "1m"}
    take(history, "requests", -1, {"count": 1})
    take(history, "request_duration_ms", -60, {"count": 500, "p95": 40.0}, **minute)
    take(history, "request_duration_ms", 0, {"count": 1, "p95": 900.0}, **minute)
    assert values(history, second(2))["request_duration_ms.p95"] == 40
    assert values(history, second(10))["request_duration_ms.p95"] == 900
    take(history, "request_duration_ms", 0, {"count": 20, "p95": 45.0}, revision=2, **minute)
    assert values(history, second(3))["request_duration_ms.p95"] == 45


def test_a_percentile_without_minutes_is_the_newest_seconds(history: History) -> None:
    take(history, "request_duration_ms", -4, {"count": 3, "p95": 30.0})
    take(history, "request_duration_ms", -2, {"count": 0})
    assert values(history)["request_duration_ms.p95"] == 30


def test_uniques_are_the_larger_of_two_minutes_and_never_added(history: History) -> None:
    take(history, "requests", -1, {"count": 1})
    take(history, "active_users", -60, {"uniques": 40.0}, resolution="1m")
    take(history, "active_users", 0, {"uniques": 3.0}, resolution="1m")
    assert values(history, second(5))["active_users.uniques"] == 40
    assert values(history, second(60))["active_users.uniques"] == 3


def test_totals_count_exactly_over_hours_and_need_no_fresh_seconds(history: History) -> None:
    for hours, count in ((-24, 1000), (-23, 100), (-1, 10), (0, 1)):
        series = [({}, {"count": count}), ({"event_type": "feedback"}, {"count": count})]
        take(history, "events", hours * 3600, series, resolution="1h")
    now = values(history)
    assert now["events.count.1h"] == 1
    assert now["events.count.24h"] == 111
    assert now["events.count.24h{event_type=feedback}"] == 111
    assert values(history, second(3600))["events.count.1h"] == 0


def test_values_of_now_are_unknown_when_nobody_counts_any_more(history: History) -> None:
    take(history, "requests", -1, {"count": 5})
    take(history, "requests", -1, {"count": 5}, resolution="1h")
    later = values(history, NOW_MS + STALE_MS)
    assert later["requests.rate"] is None
    assert later["requests.count.1h"] == 5


def test_points_are_none_where_a_window_holds_no_observation(history: History) -> None:
    reading = next(r for r in READINGS if r.name == "request_duration_ms.p95")
    take(history, "request_duration_ms", -2, {"count": 3, "p95": 30.0})
    take(history, "request_duration_ms", -1, {"count": 0})
    table = history.table("request_duration_ms", "1s")
    assert points(table, (), reading, table.starts(0)) == [(second(-2), 30), (second(-1), None)]


def test_numbers_are_sent_without_digits_that_nobody_sees(history: History) -> None:
    take(history, "requests", -2, {"count": 3, "errors": 1})
    assert values(history)["requests.error_rate"] == 0.3333
