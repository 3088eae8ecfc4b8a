"""Sessions by passes over arrays are those of the definition, however events come."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting import breakdowns, sessions
from analytics.product.counting.breakdowns import TooManyValues
from analytics.product.counting.conditions import Condition
from analytics.product.counting.events import EventFilter
from analytics.product.counting.periods import Interval, next_period, period_starts
from analytics.product.counting.sessions import (
    CAMPAIGN_MS,
    SessionQuestion,
    SessionRule,
    count_bucket,
    counts_of,
    merged,
    session_labels,
    users_of,
)
from rigs.product_days import Happened, buckets

MIN = 60_000
HOUR = 60 * MIN
DAY = 24 * HOUR
BERLIN, SANTIAGO, APIA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Santiago"), ZoneInfo("Pacific/Apia")

DATA = st.dictionaries(
    st.sampled_from(["page", "utm_campaign", "plan"]), st.sampled_from(["a", "b", "é'; --", 1.5]), max_size=2
)
TIMES = st.one_of(
    st.integers(0, 40).map(lambda n: DAY + n * 5 * MIN),
    st.integers(-3, 3).map(lambda n: 2 * DAY + n),
    st.integers(0, 7 * 24).map(lambda n: n * 30 * MIN),
)
EVENTS = st.lists(
    st.builds(Happened, st.sampled_from([0, 1, 1 << 60, -1]), TIMES, st.sampled_from(["view", "buy"]), DATA), max_size=20
)
RULES = st.builds(
    SessionRule, st.sampled_from([1, 5 * MIN, 30 * MIN, DAY]), st.sampled_from([None, UTC, BERLIN]), st.booleans()
)


def local_day(ms: int, tz: tzinfo) -> Any:
    return datetime.fromtimestamp(ms / 1000, tz).date()


def in_order(events: Sequence[Happened], columns: Sequence[str]) -> list[Happened]:
    def key(event: Happened) -> Any:
        values = [(value is not None, value or "") for value in (event.get(name) for name in columns)]
        return event.ms, event.event_type, values

    return sorted(events, key=key)


def slow_sessions(rule: SessionRule, events: Sequence[Happened]) -> list[list[Happened]]:
    """The definition, word by word, of one user's events in order; all of them, whatever the range."""
    found: list[list[Happened]] = []
    for event in events:
        campaign = event.get("utm_campaign")
        begins = not found
        if found:
            last = found[-1][-1]
            begins = event.ms - last.ms > rule.gap_ms
            if rule.midnight is not None:
                begins |= local_day(event.ms, rule.midnight) != local_day(last.ms, rule.midnight)
            if rule.campaign and campaign is not None:
                known = [one for one in found[-1] if one.get("utm_campaign") is not None]
                begins |= not (known and event.ms - known[-1].ms <= CAMPAIGN_MS and known[-1].get("utm_campaign") == campaign)
        if begins:
            found.append([])
        found[-1].append(event)
    return found


def slow(question: SessionQuestion, events: Sequence[Happened], match: str | None) -> list[list[Happened]]:
    columns = [*(["utm_campaign"] if question.rule.campaign else []), "plan", "page"]
    by_user = defaultdict(list)
    for event in events:
        by_user[event.user].append(event)
    found = []
    for mine in by_user.values():
        ordered = [event for event in in_order(mine, columns) if event.ms < question.to_ms + DAY]
        found += [
            session
            for session in slow_sessions(question.rule, ordered)
            if question.from_ms <= session[0].ms < question.to_ms
            and (match is None or any(event.get("page") == match for event in session))
        ]
    return found


def first(session: Sequence[Happened], name: str) -> str | None:
    return next((value for event in session if (value := event.get(name)) is not None), None)


def by_hand(question: SessionQuestion, counted: list[list[Happened]]) -> dict[str, Any]:
    periods = question.periods
    assert periods is not None

    def period(session: list[Happened]) -> int:
        return max(place for place, start in enumerate(periods) if start <= session[0].ms)

    return {
        "durations": sorted(session[-1].ms - session[0].ms for session in counted),
        "depths": sorted(len(session) for session in counted),
        "bounces": sum(len(session) == 1 for session in counted),
        "users": len({session[0].user for session in counted}),
        "labels": Counter(first(session, "plan") for session in counted),
        "entries": Counter(first(session, "page") for session in counted),
        "exits": Counter(first(session[::-1], "page") for session in counted),
        "cells": Counter((first(session, "plan"), period(session)) for session in counted),
        "users_by_cell": {
            key: len({s[0].user for s in counted if (first(s, "plan"), period(s)) == key})
            for key in {(first(s, "plan"), period(s)) for s in counted}
        },
    }  # fmt: skip


def fast(question: SessionQuestion, events: list[Happened], parts: int) -> dict[str, Any]:
    counts = counts_of(question)
    for days in buckets(events, parts):
        count_bucket(question, days, counts)
    names = {column: list(labels) for column, labels in counts.labels.items()}

    def named(tallies: Any) -> Counter[str | None]:
        found: Counter[str | None] = Counter()
        for values, number in tallies:
            for value, count in zip(values.tolist(), number.tolist(), strict=True):
                found[names[question.page][value]] += count
        return found

    totals, cells, labels = merged(counts.totals), merged(counts.cells), merged(counts.by_label)
    cell_names = [(names[question.breakdown][key // counts.periods], key % counts.periods) for key in cells.keys.tolist()]
    return {
        "durations": sorted(int(ms) for part in counts.durations for ms in part),
        "depths": sorted(int(depth) for part in counts.depths for depth in part),
        "bounces": int(totals.sums[:, sessions.BOUNCES].sum()),
        "users": int(totals.sums[:, sessions.USERS].sum()),
        "labels": Counter(
            {names[question.breakdown][key]: sums[0] for key, sums in zip(labels.keys, labels.sums.tolist(), strict=True)}
        ),
        "entries": named(counts.entries),
        "exits": named(counts.exits),
        "cells": Counter({key: sums[0] for key, sums in zip(cell_names, cells.sums.tolist(), strict=True)}),
        "users_by_cell": {key: sums[1] for key, sums in zip(cell_names, cells.sums.tolist(), strict=True)},
    }


@given(
    EVENTS,
    RULES,
    st.integers(0, 50),
    st.integers(1, 60),
    st.sampled_from(["day", "week", "month"]),
    st.booleans(),
    st.randoms(),
)
@settings(max_examples=500, deadline=None)
def test_sessions_are_those_of_the_definition(
    events: list[Happened],
    rule: SessionRule,
    from_hours: int,
    hours: int,
    interval: Interval,
    by_match: bool,
    chance: random.Random,
) -> None:
    from_ms, to_ms = from_hours * HOUR, (from_hours + hours) * HOUR
    question = SessionQuestion(
        rule=rule,
        from_ms=from_ms,
        to_ms=to_ms,
        match=EventFilter(conditions=(Condition("data.page", "=", ("a",)),)) if by_match else None,
        breakdown="data.plan",
        page="data.page",
        periods=period_starts(from_ms, to_ms, interval, BERLIN),
    )
    counted = slow(question, events, "a" if by_match else None)
    wanted = by_hand(question, counted)
    assert fast(question, events, 1) == wanted
    shuffled = events.copy()
    chance.shuffle(shuffled)
    assert fast(question, shuffled, 3) == wanted

    labels = session_labels(question)
    bounced = [users_of(question, days, labels, lambda found: found.depths == 1) for days in buckets(events)]
    assert sorted(user for users in bounced for user in users.tolist()) == sorted(
        {session[0].user for session in counted if len(session) == 1}
    )


def count(
    rule: SessionRule, *happened: tuple[int, str | None], from_ms: int = 0, to_ms: int = 10 * DAY
) -> list[tuple[int, int]]:
    """Depth and duration of each session of one user, whose events have a campaign."""
    events = [Happened(7, ms, "view", {"utm_campaign": name} if name else {}) for ms, name in happened]
    question = SessionQuestion(rule=rule, from_ms=from_ms, to_ms=to_ms)
    counts = counts_of(question)
    for days in buckets(events):
        count_bucket(question, days, counts)
    return [
        (int(depth), int(ms))
        for depths, times in zip(counts.depths, counts.durations, strict=True)
        for depth, ms in zip(depths, times, strict=True)
    ]


@pytest.mark.parametrize(
    ("rule", "happened", "wanted"),
    [
        (SessionRule(), [(0, None), (30 * MIN, None)], [(2, 30 * MIN)]),  # the gap itself is in time
        (SessionRule(), [(0, None), (30 * MIN + 1, None)], [(1, 0), (1, 0)]),
        (SessionRule(midnight=UTC), [(DAY - 1, None), (DAY, None)], [(1, 0), (1, 0)]),
        (SessionRule(midnight=BERLIN), [(DAY - 1, None), (DAY, None)], [(2, 1)]),
        (SessionRule(midnight=BERLIN), [(DAY - HOUR - 1, None), (DAY - HOUR, None)], [(1, 0), (1, 0)]),
        (SessionRule(campaign=True), [(0, "a"), (1, None), (2, "a"), (3, "b")], [(3, 2), (1, 0)]),
        (SessionRule(campaign=True), [(0, None), (1, "a")], [(1, 0), (1, 0)]),
        (SessionRule(), [(0, "a"), (1, "b")], [(2, 1)]),
        (SessionRule(), [(5, None), (5, None), (5, None)], [(3, 0)]),
        (SessionRule(), [], []),
    ],
)
def test_what_begins_a_session(
    rule: SessionRule, happened: list[tuple[int, str | None]], wanted: list[tuple[int, int]]
) -> None:
    assert count(rule, *happened) == wanted
    assert count(rule, *happened[::-1]) == wanted


def test_a_session_belongs_to_where_it_begins_and_is_counted_whole() -> None:
    happened = [(DAY - 5 * MIN, None), (DAY + 5 * MIN, None), (DAY + 20 * MIN, None), (DAY + 10 * HOUR, None)]
    assert count(SessionRule(), *happened, from_ms=0, to_ms=DAY) == [(3, 25 * MIN)]
    assert count(SessionRule(), *happened, from_ms=DAY, to_ms=2 * DAY) == [(1, 0)]


def test_a_late_event_joins_two_sessions() -> None:
    apart = [(0, None), (50 * MIN, None)]
    assert len(count(SessionRule(), *apart)) == 2
    assert count(SessionRule(), *apart, (25 * MIN, None)) == [(3, 50 * MIN)]


def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakdowns, "MAX_VALUES", 3)
    question = SessionQuestion(rule=SessionRule(), from_ms=0, to_ms=DAY, breakdown="data.page")
    for values in (3, 4):
        (days,) = buckets([Happened(1, place, "view", {"page": f"p{place}"}) for place in range(values)])
        if values == 3:
            count_bucket(question, days, counts_of(question))
            continue
        with pytest.raises(TooManyValues, match=r"data\.page"):
            count_bucket(question, days, counts_of(question))


INSTANTS = st.integers(0, 2_500_000_000_000)


@given(
    INSTANTS,
    st.integers(1, 400 * DAY),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from([UTC, BERLIN, SANTIAGO, APIA]),
)
@settings(max_examples=200, deadline=None)
def test_periods_are_those_of_the_calendar(from_ms: int, length: int, interval: Interval, tz: tzinfo) -> None:
    starts = period_starts(from_ms, from_ms + length, interval, tz)
    assert starts[0] <= from_ms < (starts[1] if len(starts) > 1 else next_period(int(starts[0]), interval, tz))
    assert starts[-1] < from_ms + length <= next_period(int(starts[-1]), interval, tz)

    def key(ms: int) -> Any:
        day = local_day(ms, tz)
        return {"day": day, "week": day.isocalendar()[:2], "month": (day.year, day.month)}[interval]

    for start in starts.tolist():
        assert key(start) != key(start - 1)
    for ms in np.linspace(from_ms, from_ms + length - 1, 50).astype(np.int64).tolist():
        at = int(np.searchsorted(starts, ms, side="right")) - 1
        assert key(ms) == key(int(starts[at])), datetime.fromtimestamp(ms / 1000, tz)


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        (BERLIN, datetime(2026, 3, 29), 23),
        (BERLIN, datetime(2026, 10, 25), 25),
        (UTC, datetime(2028, 2, 29), 24),
        (SANTIAGO, datetime(2026, 9, 6), 23),  # its clocks have no midnight
    ],
)
def test_days_are_as_long_as_their_clocks_say(tz: tzinfo, day: datetime, hours: int) -> None:
    noon = int(day.replace(hour=12, tzinfo=tz).timestamp()) * 1000
    (start,) = period_starts(noon, noon + 1, "day", tz).tolist()
    assert next_period(start, "day", tz) - start == hours * HOUR
