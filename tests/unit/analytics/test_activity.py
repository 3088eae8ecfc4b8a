"""Activity by tables of users and days gives what the definition gives, however events come."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.product.counting import activity as counting
from analytics.product.counting.activity import STATES, Activity, ActivityCounts, State, count_bucket, users_of_state
from analytics.product.counting.breakdowns import TooManyValues
from analytics.product.counting.conditions import Condition
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.events import EventFilter
from analytics.product.counting.periods import Interval
from analytics.product.segments.segment import Segment
from analytics.query.product.activity import activity_of
from drishti.messages.product.activity import ActivityQuery
from rigs.product_days import Happened, buckets

HOUR_MS = 3_600_000
ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Pacific/Apia", "Asia/Kathmandu")
BEGIN_MS = int(datetime(2024, 1, 20, tzinfo=UTC).timestamp()) * 1000  # before a leap day and changes of clocks

EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from([0, 1, 2, 1 << 60, -1]),
        st.one_of(st.integers(0, 90 * 24), st.integers(40 * 24, 52 * 24), st.sampled_from([40 * 24 - 1, 40 * 24])).map(
            lambda hours: BEGIN_MS + hours * HOUR_MS
        ),
        st.sampled_from("ab"),
        st.fixed_dictionaries({}, optional={"topic": st.sampled_from(["x", "y", 7])}),
    ),
    max_size=30,
)
INTERVALS = st.sampled_from(["day", "week", "month"])


def asked(interval: Interval, tz: str, days: int, types: Sequence[str] = (), breakdown: str = "") -> Activity:
    start = BEGIN_MS + 40 * DAY_MS
    query = ActivityQuery(tenant="acme", from_ms=start, to_ms=start + days * DAY_MS, interval=interval, tz=tz)
    found = activity_of(query)
    return Activity(
        events=EventFilter(tuple(types), (Condition("data.topic", "!=", ("y",)),) if types else ()),
        bounds=found.bounds,
        days=found.days,
        breakdown=f"data.{breakdown}" if breakdown else "",
    )


def day_of(ms: int, tz: str) -> date:
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(tz)).date()


def period_of(day: date, interval: Interval) -> int:
    if interval == "month":
        return day.year * 12 + day.month
    return day.toordinal() if interval == "day" else (day.toordinal() - 1) // 7


def is_meant(event: Happened, types: Sequence[str]) -> bool:
    return not types or (event.event_type in types and event.data.get("topic") != "y")


Members = dict[tuple[int, State], set[int]]


def slow(activity: Activity, interval: Interval, tz: str, events: list[Happened], meant: list[Happened]) -> Members:
    """Who is in which state in which period, word by word."""
    first_period = period_of(day_of(activity.bounds[1], tz), interval)
    found: defaultdict[tuple[int, State], set[int]] = defaultdict(set)
    for user in {event.user for event in events}:
        first = period_of(day_of(min(event.ms for event in events if event.user == user), tz), interval)
        active = {period_of(day_of(event.ms, tz), interval) for event in meant if event.user == user}
        for place in range(activity.periods):
            at = first_period + place
            if at in active:
                state: State = "new" if first == at else "returning" if at - 1 in active else "resurrected"
                found[place, state].add(user)
                found[place, "active"].add(user)
            elif at - 1 in active:
                found[place, "dormant"].add(user)
    return found


def with_users_alone(activity: Activity, days: list[Day]) -> list[Day]:
    """As they are read: of days before the question's, nothing but who has events."""
    return [
        day
        if day.start_ms >= activity.from_ms
        else Day(
            day.start_ms,
            Segment(
                day.segment.users,
                np.ones(len(day.segment.users), np.uint32),
                np.zeros(len(day.segment.users), np.int32),
            ),
        )
        for day in days
    ]


def fast(activity: Activity, events: list[Happened], parts: int = 1) -> ActivityCounts:
    counts = ActivityCounts.of(activity)
    for days in buckets(events, parts):
        count_bucket(activity, with_users_alone(activity, days), counts)
    return counts


def table(activity: Activity, members: Members) -> list[list[int]]:
    return [[len(members.get((place, state), ())) for state in STATES] for place in range(activity.periods)]


@given(EVENTS, INTERVALS, st.sampled_from(ZONES), st.sampled_from([1, 9, 40]), st.sampled_from([(), ("a",)]), st.integers(1, 3))
@example([Happened(0, BEGIN_MS + 40 * DAY_MS - 1, "a"), Happened(0, BEGIN_MS + 40 * DAY_MS, "a")], "day", "UTC", 9, (), 1)
@settings(max_examples=100, deadline=None)
def test_activity_is_what_the_definition_says(
    events: list[Happened], interval: Interval, tz: str, days: int, types: Sequence[str], parts: int
) -> None:
    activity = asked(interval, tz, days, types)
    meant = [event for event in events if is_meant(event, types)]
    members = slow(activity, interval, tz, events, meant)
    counts = fast(activity, events, parts)
    assert counts.periods.tolist() == table(activity, members)
    assert counts.users == len({user for (_, state), users in members.items() if state == "active" for user in users})
    for place, begins in enumerate(activity.days[activity.first_day : -1]):
        today = day_of(begins, tz)
        ago = [(today - day_of(event.ms, tz)).days for event in meant]
        wanted = [
            len({event.user for event, since in zip(meant, ago, strict=True) if 0 <= since < length}) for length in (1, 7, 30)
        ]
        assert counts.days[place].tolist() == wanted
    read = [with_users_alone(activity, of_bucket) for of_bucket in buckets(events, parts)]
    for state in STATES:
        for period in range(0, activity.periods, 1 + activity.periods // 4):
            found = [user for of_bucket in read for user in users_of_state(activity, of_bucket, period, state).tolist()]
            assert len(found) == len(set(found))
            assert set(found) == members.get((period, state), set())


@given(EVENTS, INTERVALS, st.sampled_from(ZONES[:2]))
@settings(max_examples=100, deadline=None)
def test_a_value_is_told_of_as_if_only_its_events_were_meant(events: list[Happened], interval: Interval, tz: str) -> None:
    activity = asked(interval, tz, 9, breakdown="topic")
    counts = fast(activity, events)
    for value in (None, "x", "y", "7"):
        topic = {"7": 7}.get(value or "", value)
        members = slow(activity, interval, tz, events, [one for one in events if one.data.get("topic") == topic])
        wanted = table(activity, members)
        found = counts.by_label.get(value)
        assert (found.tolist() if found is not None else [[0] * len(STATES)] * activity.periods) == wanted
        active = {user for (_, state), users in members.items() if state == "active" for user in users}
        assert counts.users_by_label.get(value, 0) == len(active)


def test_many_users_are_counted_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    events = [
        Happened(chance.randrange(200), BEGIN_MS + chance.randrange(90 * DAY_MS), "a", {"topic": chance.choice("xyz")})
        for _ in range(3_000)
    ]
    activity = asked("week", "Europe/Berlin", 40, breakdown="topic")
    whole = fast(activity, events)
    monkeypatch.setattr(counting, "_PLACES", 500)
    parts = fast(activity, events)
    assert (parts.periods.tolist(), parts.days.tolist(), parts.users) == (
        whole.periods.tolist(),
        whole.days.tolist(),
        whole.users,
    )
    assert {label: found.tolist() for label, found in parts.by_label.items()} == {
        label: found.tolist() for label, found in whole.by_label.items()
    }
    assert whole.periods[:, 0].sum() > 500
    monkeypatch.setattr(counting, "MAX_LABELS", 2)
    with pytest.raises(TooManyValues):
        fast(activity, events)


def test_nobody_is_active_where_nothing_happened() -> None:
    counts = fast(asked("day", "UTC", 3), [])
    assert (counts.users, counts.periods.sum(), counts.days.sum()) == (0, 0, 0)
