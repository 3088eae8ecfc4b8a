"""Funnels by passes over arrays give what trying every sequence of events gives, however events come."""

from __future__ import annotations

import itertools
import json
import random
from collections import defaultdict
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting.conditions import Condition, column_of
from analytics.product.counting.day import Day
from analytics.product.counting.funnels import Funnel, FunnelCounts, Step, count_bucket
from analytics.product.segments.event_rows import EventRow, EventRows
from analytics.product.segments.segment import merge

DAY_MS = 86_400_000


class Happened(NamedTuple):
    user: int
    ms: int
    event_type: str
    topic: str | None


EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from([0, 1, 2, 1 << 60, -1]),
        st.one_of(st.integers(0, 12), st.integers(DAY_MS - 4, DAY_MS + 4)),
        st.sampled_from("abc"),
        st.sampled_from([None, "x", "y"]),
    ),
    max_size=14,
)
X = Condition("data.topic", "=", ("x",))
STEPS = st.lists(
    st.builds(Step, st.sampled_from("abc"), st.sampled_from([(), (X,), (Condition("data.topic", "!=", ("y",)),)])),
    min_size=2,
    max_size=4,
)


def matches(event: Happened, step: Step) -> bool:
    return event.event_type == step.event_type and all(
        (event.topic == condition.values[0]) == (condition.op == "=") for condition in step.conditions
    )


def slow(funnel: Funnel, events: list[Happened]) -> dict[str | None, tuple[list[int], list[int]]]:
    """The definition, word by word: for each user every start and every sequence from it."""
    counts: defaultdict[str | None, tuple[list[int], list[int]]] = defaultdict(lambda: ([0] * len(funnel.steps), []))

    def steps_of(event: Happened) -> list[int]:
        found = [place for place, step in enumerate(funnel.steps) if matches(event, step)]
        return found if event.ms < funnel.to_ms else [place for place in found if place]

    for user in {event.user for event in events}:
        mine = [event for event in events if event.user == user and steps_of(event)]
        mine = [event for event in mine if funnel.from_ms <= event.ms < funnel.to_ms + funnel.window_ms]
        mine.sort(key=lambda e: (e.ms, steps_of(e)[0], sum(1 << s for s in steps_of(e)), (e.topic is not None, e.topic or "")))

        def furthest(start: int, at: int, step: int, mine: list[Happened] = mine) -> tuple[int, int]:
            """The most steps, and the least time that all of them take."""
            best = (step, 0 if step < len(funnel.steps) else -(mine[at].ms - mine[start].ms))
            if step == len(funnel.steps):
                return best
            for later in range(at + 1, len(mine)):
                if mine[later].ms - mine[start].ms <= funnel.window_ms and step in steps_of(mine[later]):
                    best = max(best, furthest(start, later, step + 1))
            return best

        starts = [(furthest(start, start, 1), start) for start in range(len(mine)) if 0 in steps_of(mine[start])]
        if not starts:
            continue
        depth = max(reached for (reached, _), _ in starts)
        (_, took), start = max((found for found in starts if found[0][0] == depth), key=lambda found: found[1])
        reached, times = counts[mine[start].topic if funnel.breakdown else None]
        for step in range(depth):
            reached[step] += 1
        if depth == len(funnel.steps):
            times.append(-took)
    return {label: (reached, sorted(times)) for label, (reached, times) in counts.items()}


def fast(funnel: Funnel, events: list[Happened], parts: int = 1) -> dict[str | None, tuple[list[int], list[int]]]:
    """By segments of days, made of ``parts`` that are merged, bucket by bucket."""
    counts = FunnelCounts(steps=len(funnel.steps))
    days: defaultdict[int, dict[int, Any]] = defaultdict(dict)
    for part in range(parts):
        rows: defaultdict[int, EventRows] = defaultdict(EventRows)
        for event in events[part::parts]:
            data = None if event.topic is None else json.dumps({"topic": event.topic})
            rows[event.ms // DAY_MS].add([EventRow(event.user, event.ms % DAY_MS, event.event_type, None, None, data)])
        for day, collected in rows.items():
            for bucket, segment in collected.segments().items():
                of_day = days[bucket]
                of_day[day] = merge(of_day[day], segment) if day in of_day else segment
    for of_day in days.values():
        count_bucket(funnel, [Day(day * DAY_MS, of_day[day]) for day in sorted(of_day)], counts)
    return {
        label: (reached.tolist(), sorted(int(ms) for times in counts.times.get(label, []) for ms in times))
        for label, reached in counts.reached.items()
    }


@given(EVENTS, STEPS, st.integers(1, 9), st.integers(0, 6), st.integers(7, DAY_MS + 6), st.booleans(), st.randoms())
@settings(max_examples=400, deadline=None)
def test_a_funnel_is_that_of_the_definition(
    events: list[Happened], steps: list[Step], window_ms: int, from_ms: int, to_ms: int, by_topic: bool, chance: random.Random
) -> None:
    breakdown = column_of("topic") if by_topic else ""
    funnel = Funnel(steps=steps, window_ms=window_ms, from_ms=from_ms, to_ms=to_ms, breakdown=breakdown)
    wanted = slow(funnel, events)
    assert fast(funnel, events) == wanted
    shuffled = events.copy()
    chance.shuffle(shuffled)
    assert fast(funnel, shuffled, parts=3) == wanted


def of(*happened: tuple[int, str]) -> list[Happened]:
    return [Happened(7, ms, event_type, None) for ms, event_type in happened]


@pytest.mark.parametrize(
    ("events", "reached"),
    [
        (of((0, "a"), (1, "b"), (2, "c")), [1, 1, 1]),
        (of((0, "c"), (1, "b"), (2, "a")), [1, 0, 0]),
        (of((0, "a"), (50, "a"), (60, "b"), (90, "c")), [1, 1, 1]),  # not from the first start
        (of((0, "a"), (101, "b")), [1, 0, 0]),
        (of((0, "a"), (100, "b")), [1, 1, 0]),
        (of((5, "c"), (5, "b"), (5, "a")), [1, 1, 1]),  # at one instant: as the steps are
        (of((0, "b"), (1, "c")), []),
        ([], []),
    ],
)
def test_ordered_steps_within_a_window(events: list[Happened], reached: list[int]) -> None:
    funnel = Funnel(steps=[Step("a"), Step("b"), Step("c")], window_ms=100, from_ms=0, to_ms=1_000)
    for order in itertools.permutations(events):
        assert fast(funnel, list(order)).get(None, ([], []))[0] == reached


def test_one_event_is_one_step() -> None:
    funnel = Funnel(steps=[Step("a"), Step("a")], window_ms=10, from_ms=0, to_ms=100)
    assert fast(funnel, of((1, "a")))[None] == ([1, 0], [])
    assert fast(funnel, of((1, "a"), (1, "a")))[None] == ([1, 1], [0])


def test_steps_may_follow_after_the_range_and_starts_may_not() -> None:
    funnel = Funnel(steps=[Step("a"), Step("b")], window_ms=10, from_ms=5, to_ms=10)
    assert fast(funnel, of((9, "a"), (19, "b")))[None] == ([1, 1], [10])
    assert fast(funnel, of((10, "a"), (12, "b"))) == {}
    assert fast(funnel, of((4, "a"), (6, "b"))) == {}
