"""Steps of a range, and conditions on labels as PostgreSQL gets them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.query.steps import coarsest, planned
from analytics.storage.label_conditions import by_tokens, jsonpath, required
from drishti.errors import QueryError
from drishti.measures import time_ranges
from drishti.measures.expressions.parser import parse_condition

KEPT = {"1s": 0, "1m": 0, "1h": 0}
HOUR = 3_600_000
BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def test_days_are_those_of_the_zone_also_when_the_clock_changes() -> None:
    steps = planned(ms("2026-10-24T12:00"), ms("2026-10-26T01:00"), "1d", BERLIN, KEPT)
    assert [end - begin for begin, end in zip(steps.bounds, steps.bounds[1:], strict=False)] == [
        24 * HOUR,
        25 * HOUR,
        24 * HOUR,
    ]
    assert steps.rollup == "1h"
    assert steps.seconds(1) == 25 * 3600


def test_weeks_begin_on_monday() -> None:
    steps = planned(ms("2026-03-26T12:00"), ms("2026-03-31T12:00"), "1w", BERLIN, KEPT)
    assert steps.bounds == [ms("2026-03-23T00:00"), ms("2026-03-30T00:00"), ms("2026-04-06T00:00")]


def test_the_coarsest_rollup_that_is_exact_is_read() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    assert planned(ms("2026-10-24T12:00"), ms("2026-10-26T01:00"), "1d", kolkata, KEPT).rollup == "1m"
    assert planned(7, 2 * HOUR, "6h", UTC, KEPT).rollup == "1h"
    assert planned(7, 2 * HOUR, "5m", UTC, KEPT).rollup == "1m"
    assert planned(7, 60_000, "10s", UTC, KEPT).rollup == "1s"
    assert coarsest([0, HOUR, HOUR + 60_000]) == "1m"


def test_a_range_is_widened_to_whole_steps() -> None:
    assert planned(7, HOUR + 1, "30m", UTC, KEPT).bounds == [0, HOUR // 2, HOUR, 3 * HOUR // 2]


@pytest.mark.parametrize(
    ("begins", "ends", "step", "field"),
    [
        (-1, 5, None, "from"),
        (5, 5, None, "from"),
        (0, 10**15, None, "to"),
        (0, 10**12, "1s", "resolution"),
        (0, 10**12, "1m", "resolution"),
    ],
)
def test_an_absurd_range_is_refused(begins: int, ends: int, step: object, field: str) -> None:
    with pytest.raises(QueryError) as caught:
        planned(begins, ends, step, UTC, KEPT)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_a_day_earlier_is_at_the_same_time_on_the_clock() -> None:
    begins, ends = ms("2026-10-25T12:00"), ms("2026-10-26T12:00")
    assert time_ranges.earlier(begins, ends, "1d", BERLIN) == (ms("2026-10-24T12:00"), begins)
    assert begins - ms("2026-10-24T12:00") == 25 * HOUR
    assert time_ranges.earlier(begins, ends, "1w", BERLIN) == (ms("2026-10-18T12:00"), ms("2026-10-19T12:00"))
    assert time_ranges.earlier(begins, ends, "previous", BERLIN) == (begins - 24 * HOUR, begins)
    with pytest.raises(QueryError):
        time_ranges.earlier(0, HOUR, "1d", BERLIN)


@pytest.mark.parametrize(
    ("condition", "path", "labels"),
    [
        ('service = "My Shop"', '($."service" == "my-shop")', {"service": "my-shop"}),
        ('route != "/a"', '(!($."route" == "/a"))', {}),
        ('route = ""', '(!exists($."route") || $."route" == "")', {}),
        (
            'route prefix "/a" and status exists',
            '(($."route" starts with "/a") && (exists($."status") && !($."status" == "")))',
            {},
        ),
        ('a = "1" and (b = "2" or c in ("3", "4"))', None, {"a": "1"}),
        (r'a = "\"x\\"', '($."a" == "\\"x\\\\")', {"a": '"x\\'}),
    ],
)
def test_a_condition_is_a_predicate_over_labels(condition: str, path: str | None, labels: dict[str, str]) -> None:
    tree = by_tokens(parse_condition(condition))
    assert path in (None, jsonpath(tree))
    assert required(tree) == labels
