"""Dose and response by arrays are those of the definition, however events come, and statistics those of textbooks."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting import association
from analytics.product.counting.conditions import Condition
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.dose_response import ACTIVITY, DoseResponse, DoseResponses, count_bucket
from analytics.product.counting.events import EventFilter
from rigs.product_days import Happened, buckets

USERS = (0, 1, 5, 1 << 60, -1)
DATA = st.sampled_from([{}, {"ms": 5}, {"ms": 7.5}, {"ms": "slow"}, {"plan": "pro"}, {"plan": "free", "ms": -2}])
EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from(USERS),
        st.one_of(st.integers(0, 12), st.integers(DAY_MS - 4, DAY_MS + 8), st.integers(2 * DAY_MS - 2, 2 * DAY_MS + 2)),
        st.sampled_from("abc"),
        DATA,
    ),
    max_size=20,
)
MATCHES = st.sampled_from(
    [EventFilter(), EventFilter(("a",)), EventFilter(("b",)), EventFilter(("a",), (Condition("data.plan", "!=", ("pro",)),))]
)
QUESTIONS = st.builds(
    lambda start, dose, measure, response, days, exposure, within, since, lasts: DoseResponse(
        start=start,
        dose=dose,
        measure=measure,
        value="" if measure == "count" else "data.ms",
        response=response,
        days=days,
        exposure_ms=exposure,
        within_ms=within,
        from_ms=since,
        to_ms=since + lasts,
        strata=("data.plan", ACTIVITY),
    ),
    MATCHES,
    MATCHES,
    st.sampled_from(["count", "mean", "max"]),
    MATCHES,
    st.booleans(),
    st.one_of(st.integers(1, 9), st.just(DAY_MS)),
    st.one_of(st.integers(1, 9), st.just(DAY_MS), st.just(2 * DAY_MS)),
    st.integers(0, 6),
    st.one_of(st.integers(1, 9), st.just(DAY_MS)),
)

Row = tuple[float | None, int, int, str | None, str | None]


def matches(event: Happened, match: EventFilter) -> bool:
    typed = not match.event_types or event.event_type in match.event_types
    return typed and all((event.get("plan") == one.values[0]) == (one.op == "=") for one in match.conditions)


def slow(asked: DoseResponse, events: list[Happened]) -> dict[int, Row]:
    """The definition, user by user."""
    found: dict[int, Row] = {}
    for user in {event.user for event in events}:
        mine = [event for event in events if event.user == user]
        starts = [event for event in mine if matches(event, asked.start) and asked.from_ms <= event.ms < asked.to_ms]
        if not starts:
            continue
        first = min(event.ms for event in starts)
        over = first + asked.exposure_ms
        met = [event for event in mine if matches(event, asked.dose) and first <= event.ms < over]
        numbers = [float(ms) for event in met if isinstance(ms := event.data.get("ms"), (int, float))]
        dose: float | None
        if asked.measure == "count":
            dose = float(len(met))
        elif not numbers:
            dose = None
        else:
            dose = max(numbers) if asked.measure == "max" else round(sum(numbers) / len(numbers), 6)
        done = [event for event in mine if matches(event, asked.response) and over <= event.ms < over + asked.within_ms]
        response = len({event.ms // DAY_MS for event in done}) if asked.days else int(bool(done))
        plan = min(
            (event.get("plan") for event in starts if event.ms == first), key=lambda name: (name is not None, name or "")
        )
        times = sum(event.ms < over for event in starts)
        least = 1 << (times.bit_length() - 1)
        activity = "1" if times == 1 else f"{least}-{2 * least - 1}"
        found[user] = (dose, response, over + asked.within_ms, plan, activity)
    return found


def fast(asked: DoseResponse, events: list[Happened], parts: int = 1) -> dict[int, Row]:
    found = DoseResponses(labels=asked.no_labels())
    for days in buckets(events, parts):
        count_bucket(asked, days, found)
    met = found.all()
    names = [list(found.labels[name]) for name in asked.strata]
    return {
        int(user): (
            None if math.isnan(dose) else float(dose),
            int(response),
            int(over),
            names[0][strata[0]],
            names[1][strata[1]],
        )
        for user, dose, response, over, strata in zip(met.users, met.doses, met.responses, met.over, met.strata, strict=True)
    }


@given(QUESTIONS, EVENTS, st.randoms())
@settings(max_examples=500, deadline=None)
def test_who_met_and_did_what_is_that_of_the_definition(
    asked: DoseResponse, events: list[Happened], chance: random.Random
) -> None:
    wanted = slow(asked, events)
    assert fast(asked, events) == wanted
    shuffled = events.copy()
    chance.shuffle(shuffled)
    assert fast(asked, shuffled, parts=3) == wanted


def test_wilson_intervals_are_those_of_newcombe() -> None:
    for (successes, count), wanted in {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0, 0.1611)}.items():
        assert association.wilson(successes, count) == pytest.approx(wanted, abs=5e-5)
    assert association.wilson(29, 29) == pytest.approx((0.8830, 1), abs=5e-5)


def cochran_armitage(table: list[tuple[int, int]]) -> float:
    """As it is written in Agresti, Categorical Data Analysis, 5.3.5: from successes and users of ranges."""
    count = sum(n for _, n in table)
    p = sum(s for s, _ in table) / count
    mean = sum(place * n for place, (_, n) in enumerate(table)) / count
    top = sum((place - mean) * s for place, (s, _) in enumerate(table))
    return top / math.sqrt(p * (1 - p) * sum(n * (place - mean) ** 2 for place, (_, n) in enumerate(table)))


def spread(table: list[tuple[int, int]]) -> tuple[Any, Any]:
    scores = np.repeat(np.arange(len(table)), [n for _, n in table])
    return scores, np.concatenate([np.arange(n) < s for s, n in table]).astype(np.int64)


@pytest.mark.parametrize("table", [[(10, 40), (20, 40), (30, 40)], [(30, 31), (5, 90)], [(1, 3), (0, 9), (2, 2), (1, 50)]])
def test_the_trend_is_that_of_cochran_and_armitage(table: list[tuple[int, int]]) -> None:
    found = association.trend(*spread(table))
    assert found is not None
    assert found.z == pytest.approx(cochran_armitage(table))
    assert found.p == pytest.approx(math.erfc(abs(found.z) / math.sqrt(2)))


def test_no_trend_is_told_where_there_is_none_to_test() -> None:
    assert association.trend(*spread([(0, 9), (0, 9)])) is None
    assert association.trend(*spread([(4, 9)])) is None
    nothing = np.empty(0, np.int64)
    assert association.trend(nothing, nothing) is None
    assert association.spearman(nothing.astype(np.float64), nothing) is None
    assert association.quantile_edges(nothing.astype(np.float64), 5) == []


def test_a_trend_that_another_property_makes_is_gone_within_its_values() -> None:
    few, many = spread([(45, 50), (9, 10)]), spread([(1, 10), (5, 50)])  # nine of ten, and one of ten, whatever the dose
    scores, responses = (np.concatenate(parts) for parts in zip(few, many, strict=True))
    everybody = association.trend(scores, responses)
    within = association.trend_within(scores, responses, [np.arange(60), np.arange(60, 120)])
    assert everybody is not None
    assert within is not None
    assert everybody.z < -4
    assert abs(within.z) < 1e-9


def test_chance_alone_is_called_a_trend_as_often_as_p_says() -> None:
    chance = np.random.default_rng(7)
    scores = np.repeat(np.arange(5), 60)
    found = [association.trend(scores, (chance.random(300) < 0.4).astype(np.int64)) for _ in range(1_000)]
    assert 0.03 < sum(one is not None and one.p < 0.05 for one in found) / 1_000 < 0.07


def test_ranges_have_as_many_users_as_equal_doses_allow() -> None:
    doses = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    edges = association.quantile_edges(doses, 5)
    assert edges == [3, 5, 7, 9]
    assert np.bincount(association.range_of(doses, edges)).tolist() == [2, 2, 2, 2, 2]
    assert association.quantile_edges(np.array([0.0, 0, 0, 0, 0, 1]), 3) == []
    assert association.quantile_edges(np.array([0.0, 0, 0, 1, 1, 2]), 3) == [1]


def test_spearman_gives_ties_the_mean_of_their_ranks() -> None:
    assert association.spearman(np.array([1.0, 2, 3, 4]), np.array([5, 6, 7, 8])) == pytest.approx(1)
    assert association.spearman(np.array([1.0, 2, 2, 3]), np.array([1, 0, 1, 0])) == pytest.approx(-3 / math.sqrt(4.5 * 4))


def test_means_are_numbers_where_sums_are_beyond_what_a_float_holds() -> None:
    largest = float(np.finfo(np.float64).max)
    asked = DoseResponse(
        start=EventFilter(), dose=EventFilter(), measure="mean", value="data.ms", response=EventFilter(), days=False,
        exposure_ms=DAY_MS, within_ms=1, from_ms=0, to_ms=DAY_MS, strata=(),
    )  # fmt: skip
    values = {0: [1e308, 1e308, -1e308], 1: [largest] * 3, 5: [-1e308], -1: [0.1, 0.2]}
    events = [Happened(user, ms, "a", {"ms": value}) for user, sent in values.items() for ms, value in enumerate(sent)]
    found = DoseResponses(labels=asked.no_labels())
    for days in buckets(events, 1):
        count_bucket(asked, days, found)
    met = found.all()
    doses = dict(zip(met.users.tolist(), met.doses.tolist(), strict=True))
    assert doses == pytest.approx({0: 1e308 / 3, 1: largest, 5: -1e308, -1: 0.15})
    assert doses[-1] == 0.15
    of_all = association.means(np.array([0, 0, 2]), np.array([largest, largest, -1.5]), 3)
    assert of_all.tolist() == pytest.approx([largest, math.nan, -1.5], nan_ok=True)
