"""Engagement by sums of a window that moves is that of the definition, however events come, in any time zone."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting.breakdowns import TooManyValues
from analytics.product.counting.conditions import Condition
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.engagement import Engagement, EngagementCounts, Ratings, count_bucket, engaged
from analytics.product.counting.events import EventFilter
from analytics.query.product.engagement import engagement_of
from drishti.errors import QueryError
from drishti.messages.product.engagement import EngagementHalves, EngagementQuery, EngagementRatings, EngagementWeights
from drishti.messages.product.event_selections import EventSelection
from rigs.product_days import Happened, buckets

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
USERS = (0, 1, 1 << 60)
HOUR = 3_600_000
ZONES = ("Europe/Berlin", "America/St_Johns", "Pacific/Apia", "UTC")
STARTS = {
    name: int((datetime.fromisoformat(name).replace(tzinfo=UTC) - EPOCH).total_seconds()) * 1000
    for name in ("2028-02-27", "2026-03-26", "2026-10-23", "2011-12-28")  # a leap day, clocks that change, a day left out
}
DATA = st.sampled_from(
    [
        {},
        {"stars": 5},
        {"stars": 2.5},
        {"stars": -3, "plan": "free"},
        {"stars": "x"},
        {"plan": "pro"},
        {"plan": "free"},
        {"plan": 7},
    ]
)
HOURS = st.sampled_from([-13, -5, -3, -2, -1, 0, 1, 2, 3, 12])  # around the midnights of these zones
EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from(USERS),
        st.builds(lambda day, hour, ms: day * DAY_MS + hour * HOUR + ms, st.integers(2, 5), HOURS, st.integers(0, 1)),
        st.sampled_from("abc"),
        DATA,
    ),
    min_size=2,
    max_size=20,
)
QUESTIONS = st.builds(
    EngagementQuery,
    tenant=st.just("acme"),
    from_ms=st.builds(lambda day, hour: day * DAY_MS + hour * HOUR, st.integers(3, 5), HOURS),
    to_ms=st.builds(lambda day, ms: day * DAY_MS + ms, st.integers(1, 2), st.sampled_from([0, 1, HOUR, 11 * HOUR + 7])),
    interval=st.sampled_from(["day", "week"]),
    tz=st.sampled_from(ZONES),
    activity=st.sampled_from([EventSelection(), EventSelection(event_types=["a", "b"])]),
    satisfaction=st.sampled_from(
        [None, EngagementRatings(property="stars"), EngagementRatings(property="stars", event_types=["c"], low=-1.0, high=4.0)]
    ),
    window_days=st.integers(1, 5),
    weights=st.sampled_from(
        [EngagementWeights(), EngagementWeights(satisfaction=0), EngagementWeights(recency=0, depth=1, satisfaction=5)]
    ),
    halves=st.sampled_from([EngagementHalves(), EngagementHalves(recency_days=0.5, active_days=1, events_per_day=1.5)]),
    breakdown=st.just("plan"),
)  # fmt: skip

Row = tuple[float, list[float | None], str | None, int, int, int, float | None]


def local_day(ms: int, tz: str) -> date:
    return (EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(tz)).date()


def days_of(first: int, last: int, tz: str) -> list[date]:
    """Local days that have an instant, in order: a zone may leave one out."""
    return sorted({local_day(at, tz) for at in (*range(first, last, HOUR), last)})


def slow_instants(asked: EngagementQuery) -> list[int]:
    """The ends of periods, found by walking along the quarters of hours of the calendar."""

    def period(ms: int) -> date:
        day = local_day(ms, asked.tz)
        return day if asked.interval == "day" else day - timedelta(days=day.weekday())

    ends = []
    at = asked.from_ms
    while at < asked.to_ms:
        after = min(asked.to_ms, at - at % 900_000 + 900_000)  # clocks of these zones change on quarters of hours
        if period(after) != period(at) or after == asked.to_ms:
            ends.append(after)
        at = after
    return ends


def slow(asked: EngagementQuery, events: Sequence[Happened], at: int) -> dict[int, Row]:
    """The definition, user by user."""
    today = local_day(at - 1, asked.tz)
    known = days_of(max(0, at - 1 - (asked.window_days + 2) * DAY_MS), at - 1, asked.tz)
    window = set(known[max(0, known.index(today) - asked.window_days + 1) : known.index(today) + 1])
    found: dict[int, Row] = {}
    for user in {event.user for event in events}:
        mine = [one for one in events if one.user == user and one.ms < at and local_day(one.ms, asked.tz) in window]
        types = asked.activity.event_types
        active = [one for one in mine if not types or one.event_type in types]
        if not active:
            continue
        halves, weights = asked.halves, asked.weights
        days = len({local_day(one.ms, asked.tz) for one in active})
        last = max(one.ms for one in active)
        parts: list[float | None] = [
            2 ** -((at - last) / DAY_MS / halves.recency_days),
            1 - 2 ** -(days / halves.active_days),
            1 - 2 ** -(len(active) / days / halves.events_per_day),
            None,
        ]
        ratings: list[float] = []
        if (asks := asked.satisfaction) is not None:
            rated = [one for one in mine if not asks.event_types or one.event_type in asks.event_types]
            stars = [one.data.get(asks.property) for one in rated]
            ratings = [min(asks.high, max(asks.low, float(star))) for star in stars if isinstance(star, (int, float))]
            if ratings:
                parts[3] = (math.fsum(ratings) / len(ratings) - asks.low) / (asks.high - asks.low)
        each = [weights.recency, weights.frequency, weights.depth, weights.satisfaction]
        own = [(weight, part) for weight, part in zip(each, parts, strict=True) if part is not None]
        score = 100 * sum(weight * part for weight, part in own) / sum(weight for weight, _ in own)
        plans = [(one.ms, one.get("plan")) for one in active if one.get("plan") is not None]
        plan = max(plans, key=lambda one: (one[0], one[1] or ""))[1] if plans else None
        mean = math.fsum(ratings) / len(ratings) if ratings else None
        found[user] = (score, parts, plan, days, len(active), last, mean)
    return found


def fast(engagement: Engagement, events: Sequence[Happened], parts: int = 1) -> list[dict[int, Row]]:
    found: list[dict[int, Row]] = [{} for _ in engagement.instants]
    for days in buckets(events, parts):
        labels: dict[str | None, int] = {None: 0}
        for place, of_bucket in enumerate(engaged(engagement, days, labels)):
            names = list(labels)
            for user, score, own, label, last, active_days, count, rated, rating in zip(*of_bucket, strict=True):
                numbers = [None if math.isnan(part) else float(part) for part in own]
                assert (rated > 0) == (numbers[3] is not None)
                mean = None if math.isnan(rating) else float(rating)
                found[place][int(user)] = (
                    int(score) / 100, numbers, names[label], int(active_days), int(count), int(last), mean,
                )  # fmt: skip
    return found


def flat(rows: dict[int, Row]) -> dict[int, list[object]]:
    """With numbers that may differ in their last digits; a score is rounded to a hundredth."""
    return {
        user: [
            pytest.approx(row[0], abs=0.005_001),
            pytest.approx(row[1], abs=1e-8),
            *row[2:6],
            pytest.approx(row[6], abs=1e-7),
        ]
        for user, row in rows.items()
    }


@given(QUESTIONS, EVENTS, st.sampled_from(list(STARTS.values())), st.randoms())
@settings(max_examples=250, deadline=None)
def test_engagement_is_that_of_the_definition(
    asked: EngagementQuery, events: list[Happened], start: int, chance: random.Random
) -> None:
    asked.from_ms += start
    asked.to_ms += asked.from_ms
    events = [event._replace(ms=event.ms + start) for event in events]
    engagement, _ = engagement_of(asked, now=asked.to_ms)
    assert [one.at for one in engagement.instants] == slow_instants(asked)
    shuffled = events.copy()
    chance.shuffle(shuffled)
    found, again = fast(engagement, events), fast(engagement, shuffled, parts=3)
    assert found == again
    for place, instant in enumerate(engagement.instants):
        wanted = slow(asked, events, instant.at)
        assert {user: list(row) for user, row in found[place].items()} == flat(wanted)
    last = replace(engagement, instants=engagement.instants[-1:])
    assert fast(last, events) == found[-1:]


@given(QUESTIONS, EVENTS, EVENTS)
@settings(max_examples=50, deadline=None)
def test_what_others_do_changes_nobody_s_score(asked: EngagementQuery, events: list[Happened], more: list[Happened]) -> None:
    asked.to_ms += asked.from_ms
    engagement, _ = engagement_of(asked, now=asked.to_ms)
    others = [event._replace(user=event.user + 1_000) for event in more]
    for alone, together in zip(fast(engagement, events), fast(engagement, [*events, *others]), strict=True):
        assert alone == {user: row for user, row in together.items() if user in alone}


def plain(**given: object) -> Engagement:
    asked = EngagementQuery(tenant="acme", from_ms=30 * DAY_MS, to_ms=31 * DAY_MS, **given)  # type: ignore[arg-type]
    return engagement_of(asked, now=asked.to_ms)[0]


def test_the_example_of_the_documentation_has_the_score_that_it_says() -> None:
    at = 31 * DAY_MS
    events = [Happened(1, at - days * DAY_MS, "page_view") for days in (7, 8, 9, 10) for _ in range(5)]
    (found,) = fast(plain(), events)
    assert found[1][:2] == (50.0, [0.5, 0.5, 0.5, None])
    rated = plain(satisfaction=EngagementRatings(property="stars", event_types=["feedback"]))
    (found,) = fast(rated, [*events, Happened(1, at - 7 * DAY_MS, "feedback", {"stars": 4})])
    score, parts, *_ = found[1]
    assert score == pytest.approx(0.3 * 50 + 0.3 * 50 + 20 * parts[2] + 0.2 * 80, abs=0.005)


def test_many_events_of_one_day_do_not_make_somebody_engaged() -> None:
    often = [Happened(1, day * DAY_MS, "a") for day in range(4, 31)]
    once = [Happened(2, 30 * DAY_MS + number, "a") for number in range(20_000)]
    (found,) = fast(plain(), [*often, *once])
    assert found[1][0] > found[2][0]
    assert max(part for part in found[2][1] if part is not None) <= 1


def test_who_rates_well_is_no_worse_than_who_rates_nothing_and_nobody_is_punished_for_silence() -> None:
    asked = plain(
        satisfaction=EngagementRatings(property="stars", event_types=["f"]), activity=EventSelection(event_types=["a"])
    )
    events = [Happened(user, 30 * DAY_MS, "a") for user in (1, 2, 3)]
    (found,) = fast(asked, [*events, Happened(2, 30 * DAY_MS, "f", {"stars": 5}), Happened(3, 30 * DAY_MS, "f", {"stars": 0})])
    assert found[2][0] > found[1][0] > found[3][0]
    (alone,) = fast(plain(activity=EventSelection(event_types=["a"])), events)
    assert alone[1][0] == found[1][0]


def test_sums_of_buckets_are_those_of_their_users_and_further_values_are_told_together() -> None:
    chance = random.Random(3)
    events = [
        Happened(chance.getrandbits(63), 30 * DAY_MS + number, "a", {"plan": f"p{number % 5}", "stars": number % 6})
        for number in range(400)
    ]
    asked = plain(breakdown="plan", satisfaction=EngagementRatings(property="stars"))
    counts = EngagementCounts()
    for days in buckets(events):
        count_bucket(asked, days, counts)
    (found,) = fast(asked, events)
    sums = {name: counts.sums[place, 0] for name, place in counts.labels.items()}
    for name in ("p0", "p4"):
        own = [row for row in found.values() if row[2] == name]
        assert sums[name][:3].tolist() == [len(own), len(own), pytest.approx(sum(row[0] for row in own) * 100)]
        assert sums[name][3:].tolist() == pytest.approx([sum(row[1][part] or 0 for row in own) for part in range(4)])
    assert sorted(np.concatenate(counts.scores).tolist()) == sorted(round(row[0] * 100) for row in found.values())


def test_more_values_than_can_be_told_apart_are_refused() -> None:
    events = [Happened(1, 30 * DAY_MS + number, "a", {"plan": f"p{number}"}) for number in range(100_001)]
    with pytest.raises(TooManyValues):
        fast(plain(breakdown="plan"), events)


def test_nobody_has_no_engagement() -> None:
    assert fast(plain(), []) == [{}]
    counts = EngagementCounts()
    count_bucket(plain(), [], counts)
    assert counts.sums.sum() == 0


def test_what_has_not_come_yet_is_not_measured() -> None:
    asked = EngagementQuery(tenant="acme", from_ms=30 * DAY_MS, to_ms=40 * DAY_MS)
    engagement, starts = engagement_of(asked, now=31 * DAY_MS + 5)
    assert [one.at for one in engagement.instants] == [31 * DAY_MS, 31 * DAY_MS + 5]
    assert starts == [30 * DAY_MS, 31 * DAY_MS]
    with pytest.raises(QueryError, match="past"):
        engagement_of(asked, now=30 * DAY_MS)


def test_conditions_say_which_events_count() -> None:
    pro = EventFilter((), (Condition("data.plan", "=", ("pro",)),))
    asked = replace(plain(), activity=pro, ratings=Ratings(pro, "data.stars", 0, 5))
    (found,) = fast(asked, [Happened(1, 30 * DAY_MS, "a"), Happened(2, 30 * DAY_MS, "a", {"plan": "pro", "stars": 5})])
    assert list(found) == [2]
    assert found[2][1][3] == 1
