"""Cohorts by columns of days have the users whom the definition has, however events come, and questions see these users."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting.cohorts import (
    All,
    AnyOf,
    Comparison,
    Did,
    Function,
    Listed,
    Members,
    Metric,
    Not,
    members_of,
    only,
    told_apart,
    users_of,
)
from analytics.product.counting.conditions import Condition
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.events import EventFilter
from rigs.product_days import Happened, buckets

BEGIN_MS = 19_782 * DAY_MS  # the day before a leap day
USERS = [0, 1, 2, 1 << 60, -1, -(1 << 63)]
END_MS = BEGIN_MS + 4 * DAY_MS

EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from(USERS),
        st.one_of(st.integers(BEGIN_MS, END_MS - 1), st.sampled_from([BEGIN_MS + DAY_MS - 1, BEGIN_MS + DAY_MS, BEGIN_MS + 5])),
        st.sampled_from("ab"),
        st.fixed_dictionaries({}, optional={"topic": st.sampled_from(["x", "y"]), "n": st.sampled_from([-2, 0, 0.5, 3, "3"])}),
    ),
    max_size=24,
)
FILTERS = st.sampled_from(
    [
        EventFilter(),
        EventFilter(("a",)),
        EventFilter(("a", "b"), (Condition("data.topic", "=", ("x",)),)),
        EventFilter(("never",)),
    ]
)
INSTANTS = st.one_of(st.integers(BEGIN_MS, END_MS), st.sampled_from([0, BEGIN_MS + DAY_MS, BEGIN_MS + 5]))
LEAVES = st.one_of(
    st.builds(Did, FILTERS, INSTANTS, INSTANTS, st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3))),
    st.builds(
        Metric,
        FILTERS,
        INSTANTS,
        INSTANTS,
        st.sampled_from(["count", "sum", "mean", "min", "max", "last"]),
        st.just("data.n"),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.sampled_from([-2.0, 0.0, 0.25, 1.0, 3.0]),
    ),
    st.builds(lambda users: Listed(np.array(sorted(users), np.int64)), st.sets(st.sampled_from(USERS))),
)
TREES: st.SearchStrategy[Members] = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(lambda some: All(tuple(some)), st.lists(parts, max_size=3)),
        st.builds(lambda some: AnyOf(tuple(some)), st.lists(parts, max_size=3)),
    ),
    max_leaves=6,
)

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def is_meant(event: Happened, wanted: EventFilter, from_ms: int, to_ms: int) -> bool:
    if not from_ms <= event.ms < to_ms or (wanted.event_types and event.event_type not in wanted.event_types):
        return False
    return all(event.data.get("topic") == condition.values[0] for condition in wanted.conditions)


def number(function: Function, events: list[Happened]) -> float | None:
    values = [(event.ms, float(event.data["n"])) for event in events if isinstance(event.data.get("n"), int | float)]
    numbers = [value for _, value in values]
    if function == "count":
        return len(numbers)
    if not numbers:
        return None
    of = {"sum": sum(numbers), "mean": math.fsum(numbers) / len(numbers), "min": min(numbers), "max": max(numbers)}
    return of.get(function, max(values)[1])


def meets(user: int, members: Members, events: list[Happened]) -> bool:
    """The definition, word by word."""
    match members:
        case Did(wanted, from_ms, to_ms, at_least, at_most):
            count = sum(1 for event in events if event.user == user and is_meant(event, wanted, from_ms, to_ms))
            return at_least <= count <= (math.inf if at_most is None else at_most)
        case Metric(wanted, from_ms, to_ms, function, _, op, value):
            mine = [event for event in events if event.user == user and is_meant(event, wanted, from_ms, to_ms)]
            found = number(function, mine)
            return found is not None and COMPARE[op](found, value)
        case All(parts):
            return all(meets(user, part, events) for part in parts)
        case AnyOf(parts):
            return any(meets(user, part, events) for part in parts)
        case Not(part):
            return not meets(user, part, events)
        case Listed(users):
            return user in users.tolist()


@given(TREES, EVENTS, st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=600, deadline=None)
def test_members_are_those_of_the_definition(
    members: Members, events: list[Happened], chance: random.Random, parts: int
) -> None:
    chance.shuffle(events)
    found: set[int] = set()
    for days in buckets(events, parts):
        users = users_of(days)
        found |= {*users[members_of(members, users, days)].tolist()}
    assert found == {event.user for event in events if meets(event.user, members, events)}


@given(EVENTS, st.sets(st.sampled_from(USERS)))
@settings(max_examples=200, deadline=None)
def test_a_question_sees_the_rows_of_members_only_or_who_they_are(events: list[Happened], chosen: set[int]) -> None:
    users = np.array(sorted(chosen), np.int64)
    left: list[tuple[int, int, str, str | None]] = []
    said: list[tuple[int, str]] = []
    for days in buckets(events):
        for day in only(days, users):
            segment = day.segment
            types, topics = segment.columns["event_type"], segment.columns.get("data.topic")
            for row, user in enumerate(segment.of_rows().tolist()):
                code = 0 if topics is None else int(topics.codes[row])
                topic = topics.values[code - 1] if topics is not None and code else None
                left.append((user, day.start_ms + int(segment.t[row]), types.values[types.codes[row] - 1], topic))
        for day in told_apart(days, "cohort:chosen", users):
            column = day.segment.columns["cohort:chosen"]
            values = [column.values[code - 1] for code in column.codes.tolist()]
            said += zip(day.segment.of_rows().tolist(), values, strict=True)
    kept = [event for event in events if event.user in chosen]
    wanted = [(event.user, event.ms, event.event_type, event.data.get("topic")) for event in kept]
    assert sorted(left, key=str) == sorted(wanted, key=str)
    assert sorted(said) == sorted((event.user, "true" if event.user in chosen else "false") for event in events)


def test_the_users_who_are_asked_about_need_have_no_events() -> None:
    never = Did(EventFilter(("a",)), 0, END_MS, 0, 0)
    assert members_of(never, np.array([3, 4]), []).tolist() == [True, True]
    assert members_of(never, np.empty(0, np.int64), []).tolist() == []


@pytest.mark.parametrize(
    ("function", "op", "value"), [("mean", "=", 0), ("sum", "=", 0), ("mean", "<=", 1e307), ("sum", ">=", -1)]
)
def test_numbers_whose_sum_no_float_holds_are_compared(function: Function, op: Comparison, value: float) -> None:
    numbers = [(0, 1e308), (0, 1e308), (1, -1e308), (1, -1e308)]
    events = [Happened(5, BEGIN_MS + day * DAY_MS, "a", {"n": number}) for day, number in numbers]
    members = Metric(EventFilter(), BEGIN_MS, END_MS, function, "data.n", op, value)
    (days,) = buckets(events)
    assert members_of(members, users_of(days), days).tolist() == [True]
