"""Retention by tables of users and periods gives what the definition gives, however events come."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.product.counting.conditions import Condition
from analytics.product.counting.day import Day
from analytics.product.counting.events import EventFilter
from analytics.product.counting.periods import Interval, bounds_of
from analytics.product.counting.retention import Cell, Retention, RetentionCounts, count_bucket, users_of_cell
from rigs.product_days import Happened, buckets

HOUR_MS = 3_600_000
ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Pacific/Apia", "Asia/Kathmandu")
BEGIN = datetime(2024, 2, 20, tzinfo=UTC)  # before a leap day, and the clocks of Havana (10 March) and Berlin (31 March)
BEGIN_MS = int(BEGIN.timestamp()) * 1000

EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from([0, 1, 2, 1 << 60, -1]),
        st.one_of(st.integers(0, 60 * 24), st.sampled_from([9 * 24, 9 * 24 + 23, 19 * 24 + 4, 40 * 24 - 1, 40 * 24])).map(
            lambda hours: BEGIN_MS + hours * HOUR_MS
        ),
        st.sampled_from("ab"),
        st.fixed_dictionaries({}, optional={"topic": st.sampled_from(["x", "y", 7])}),
    ),
    max_size=24,
)
FILTERS = st.sampled_from(
    [
        EventFilter(),
        EventFilter(("a",)),
        EventFilter(("a", "b"), (Condition("data.topic", "=", ("x",)),)),
        EventFilter((), (Condition("data.topic", "exists", ("",)),)),
    ]
)
CELLS = st.sampled_from(
    [[Cell(n, n) for n in range(4)], [Cell(0, 0), Cell(1, 3), Cell(4, 7)], [Cell(2, 2)], [Cell(0, 2), Cell(5, 5)]]
)


def matches(event: Happened, wanted: EventFilter) -> bool:
    if wanted.event_types and event.event_type not in wanted.event_types:
        return False
    return all(
        event.data.get("topic") == condition.values[0] if condition.op == "=" else "topic" in event.data
        for condition in wanted.conditions
    )


def period(ms: int, interval: Interval, tz: str) -> int:
    """The number of an instant's day, week or month, by the calendar alone."""
    of: date = datetime.fromtimestamp(ms / 1000, ZoneInfo(tz)).date()
    if interval == "month":
        return of.year * 12 + of.month
    return of.toordinal() if interval == "day" else (of.toordinal() - 1) // 7


Table = dict[str | None, tuple[list[int], list[list[int]]]]


def label(event: Happened, by_topic: bool) -> str | None:
    return str(event.data["topic"]) if by_topic and "topic" in event.data else None


def slow(
    retention: Retention, interval: Interval, tz: str, events: list[Happened]
) -> dict[tuple[str | None, int, int], set[int]]:
    """The users of each label, cohort and cell, word by word; those of the cohort itself under the cell -1."""
    found: defaultdict[tuple[str | None, int, int], set[int]] = defaultdict(set)
    first_period = period(retention.bounds[0], interval, tz)
    for user in {event.user for event in events}:
        mine = [event for event in events if event.user == user]
        starts = [event for event in mine if matches(event, retention.start)]
        returned = {period(e.ms, interval, tz) - first_period for e in mine if matches(e, retention.returning)}
        starts.sort(key=lambda e: (e.ms, (label(e, True) is not None, label(e, True) or "")))
        by_period: dict[int, Happened] = {}
        for start in starts if retention.recurring else starts[:1]:
            by_period.setdefault(period(start.ms, interval, tz) - first_period, start)
        for cohort, start in by_period.items():
            if not 0 <= cohort < retention.cohorts:
                continue
            key = label(start, bool(retention.breakdown)), cohort
            found[*key, -1].add(user)
            for place, cell in enumerate(retention.cells):
                last = max(returned, default=-1) if retention.rolling else cohort + cell.last
                if cell.first == 0 or any(cohort + cell.first <= at <= last for at in returned):
                    found[*key, place].add(user)
    return dict(found)


def fast(retention: Retention, events: list[Happened], parts: int = 1) -> dict[tuple[str | None, int, int], int]:
    counts = RetentionCounts(cohorts=retention.cohorts, cells=len(retention.cells))
    for days in buckets(events, parts):
        count_bucket(retention, days, counts)
    found = {}
    for name, sizes in counts.sizes.items():
        for cohort, size in enumerate(sizes.tolist()):
            found[name, cohort, -1] = size
            found |= {(name, cohort, place): n for place, n in enumerate(counts.retained[name][cohort].tolist())}
    return {key: users for key, users in found.items() if users}


@given(
    EVENTS,
    FILTERS,
    FILTERS,
    CELLS,
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(ZONES),
    st.integers(0, 50),
    st.integers(1, 30),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.randoms(),
)
@settings(max_examples=600, deadline=None)
def test_retention_is_that_of_the_definition(
    events: list[Happened],
    start: EventFilter,
    returning: EventFilter,
    cells: list[Cell],
    interval: Interval,
    tz: str,
    first: int,
    days: int,
    recurring: bool,
    rolling: bool,
    by_topic: bool,
    chance: random.Random,
) -> None:
    from_ms = BEGIN_MS + first * 24 * HOUR_MS
    to_ms = from_ms + days * 24 * HOUR_MS - 1
    cohorts = len(bounds_of(from_ms, to_ms, interval, ZoneInfo(tz))) - 1
    retention = Retention(
        start=start,
        returning=returning,
        bounds=bounds_of(from_ms, to_ms, interval, ZoneInfo(tz), further=max(cell.last for cell in cells)),
        cohorts=cohorts,
        cells=cells,
        recurring=recurring,
        rolling=rolling,
        breakdown="data.topic" if by_topic else "",
    )
    wanted = slow(retention, interval, tz, events)
    assert fast(retention, events) == {key: len(users) for key, users in wanted.items()}
    shuffled = events.copy()
    chance.shuffle(shuffled)
    assert fast(retention, shuffled, parts=3) == {key: len(users) for key, users in wanted.items()}

    cohort, place = chance.randrange(cohorts), chance.randrange(len(cells))
    labels = {label for label, _, _ in wanted}
    values = [chance.choice(sorted(labels, key=str))] if labels and by_topic else []
    for retained in (True, False):
        users = set[int]()
        for of_bucket in buckets(events):
            found = users_of_cell(retention, of_bucket, cohort, cells[place], retained=retained, values=values)
            users |= set(found.tolist())
        members = [set[int](), set[int]()]
        for (label, at, cell), of_cell in wanted.items():
            if at == cohort and cell in (-1, place) and label in (values or labels):
                members[cell != -1] |= of_cell
        assert users == (members[1] if retained else members[0] - members[1])


@given(
    st.sampled_from([*ZONES, "America/Sao_Paulo", "Africa/Casablanca"]),
    st.sampled_from(["day", "week", "month"]),
    st.datetimes(datetime(2005, 1, 1), datetime(2026, 1, 1)),
    st.integers(1, 400),
)
@example("Pacific/Apia", "day", datetime(2011, 12, 29), 72)
@example("America/Sao_Paulo", "day", datetime(2018, 11, 3), 72)
@settings(max_examples=200, deadline=None)
def test_each_instant_lies_in_the_period_of_its_date(tz: str, interval: Interval, begins: datetime, hours: int) -> None:
    from_ms = int(begins.replace(tzinfo=UTC).timestamp()) * 1000
    to_ms = from_ms + hours * HOUR_MS
    bounds = bounds_of(from_ms, to_ms, interval, ZoneInfo(tz), further=2)
    assert bounds[0] <= from_ms
    assert bounds[-3] >= to_ms > bounds[-4]
    for first, last in itertools.pairwise(bounds):
        assert period(first, interval, tz) != period(first - 1, interval, tz)
        assert period(last - 1, interval, tz) == period(first, interval, tz) == period((first + last) // 2, interval, tz)


@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin"])
def test_nobody_and_users_of_one_event(tz: str) -> None:
    monday = int(datetime(2024, 3, 25, tzinfo=ZoneInfo(tz)).timestamp()) * 1000
    bounds = bounds_of(monday, monday + 1, "week", ZoneInfo(tz), further=3)
    assert bounds[1] - bounds[0] == timedelta(days=7, hours=0 if tz == "UTC" else -1) / timedelta(milliseconds=1)
    retention = Retention(
        start=EventFilter(), returning=EventFilter(), bounds=bounds, cohorts=1, cells=[Cell(n, n) for n in range(4)]
    )
    assert fast(retention, []) == {}
    assert fast(retention, [Happened(3, monday, "a")]) == {(None, 0, -1): 1, (None, 0, 0): 1}
    late = [Happened(3, monday, "a"), Happened(3, bounds[2] - 1, "a"), Happened(3, bounds[2], "b")]
    assert fast(retention, late) == {(None, 0, -1): 1, (None, 0, 0): 1, (None, 0, 1): 1, (None, 0, 2): 1}
    before = [Happened(3, monday - 1, "a"), *late]
    assert fast(retention, before) == {}
    assert count_nothing(retention) == {}


def count_nothing(retention: Retention) -> dict[str | None, object]:
    counts = RetentionCounts(cohorts=retention.cohorts, cells=len(retention.cells))
    none: list[Day] = []
    count_bucket(retention, none, counts)
    return dict(counts.sizes)
