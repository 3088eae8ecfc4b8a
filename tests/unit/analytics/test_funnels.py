"""Funnels by passes over arrays give what trying every sequence of events gives, however events come."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting.conditions import Condition, column_of
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.events import EventFilter
from analytics.product.counting.funnels.counts import FunnelCounts, FunnelUsers, Outcome, count_bucket, count_events
from analytics.product.counting.funnels.definition import Exclusion, Funnel
from analytics.product.counting.funnels.matching import AccountEvents, TooManyEvents
from rigs.product_days import Happened, buckets

Counts = dict[str | None, tuple[list[int], list[int]]]


def matching(event_type: str, conditions: tuple[Condition, ...] = ()) -> EventFilter:
    return EventFilter(frozenset([event_type]), conditions)


EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from([0, 1, 2, 1 << 60, -1]),
        st.one_of(st.integers(0, 12), st.integers(DAY_MS - 4, DAY_MS + 4)),
        st.sampled_from("abcz"),
        st.fixed_dictionaries({}, optional={"topic": st.sampled_from(["x", "y"]), "company": st.sampled_from(["acme", "tea"])}),
    ),
    max_size=12,
)
X = Condition("data.topic", "=", ("x",))
STEP = st.builds(matching, st.sampled_from("abc"), st.sampled_from([(), (X,), (Condition("data.topic", "!=", ("y",)),)]))
STEPS = st.lists(STEP, min_size=2, max_size=4)
EXCLUDED = st.builds(matching, st.sampled_from("abcz"), st.sampled_from([(), (X,)]))


@st.composite
def funnels(draw: st.DrawFn) -> Funnel:
    steps = draw(STEPS)
    order = draw(st.sampled_from(["ordered", "strict", "any"]))
    exclusions = []
    for step in draw(st.lists(EXCLUDED, max_size=2)) if order != "strict" else []:
        after = draw(st.integers(0, len(steps) - 2)) if order == "ordered" else 0
        before = draw(st.integers(after + 1, len(steps) - 1)) if order == "ordered" else len(steps) - 1
        exclusions.append(Exclusion(step, after, before))
    unit = draw(st.sampled_from(["user", "session", "account"]))
    return Funnel(
        steps=steps,
        window_ms=draw(st.integers(1, 9)),
        from_ms=draw(st.integers(0, 6)),
        to_ms=draw(st.integers(7, DAY_MS + 6)),
        breakdown=column_of("topic") if draw(st.booleans()) else "",
        order=order,
        unit=unit,
        session_gap_ms=draw(st.integers(1, 4)),
        account="data.company" if unit == "account" else "",
        exclusions=exclusions,
    )


def matches(event: Happened, step: EventFilter) -> bool:
    return event.event_type in step.event_types and all(
        (event.get("topic") == condition.values[0]) == (condition.op == "=") for condition in step.conditions
    )


class Unit(NamedTuple):
    """How far one unit got, by the definition."""

    depth: int
    start: Happened
    took: int | None
    dropped: bool = False


def units_of(funnel: Funnel, events: Sequence[Happened]) -> Iterator[list[Happened]]:
    """The events of each unit in their order."""
    events = [event for event in events if funnel.from_ms <= event.ms < funnel.to_ms + funnel.window_ms]

    def place(e: Happened) -> Any:
        steps, excluded = steps_of(funnel, e), gaps_of(funnel, e)
        first = (0, steps[0]) if steps else (1, min(excluded)) if excluded else (2, 0)
        masks = sum(1 << gap for gap in excluded), sum(1 << step for step in steps)
        return (e.ms, first, masks, (e.get("topic") is not None, e.get("topic") or ""), e.user)

    of: defaultdict[Any, list[Happened]] = defaultdict(list)
    for event in sorted(events, key=place):
        of[event.get("company") if funnel.unit == "account" else event.user].append(event)
    for key, mine in of.items():
        if funnel.unit == "account" and key is None:
            continue
        cuts = [0, len(mine)]
        if funnel.unit == "session":
            cuts += [n for n in range(1, len(mine)) if mine[n].ms - mine[n - 1].ms > funnel.session_gap_ms]
        for first, last in itertools.pairwise(sorted(cuts)):
            if mine[first:last]:
                yield mine[first:last]


def steps_of(funnel: Funnel, event: Happened) -> list[int]:
    found = [place for place, step in enumerate(funnel.steps) if matches(event, step)]
    return found if event.ms < funnel.to_ms or funnel.order == "any" else [place for place in found if place]


def gaps_of(funnel: Funnel, event: Happened) -> set[int]:
    """The steps after which the event must not come before the next."""
    met = [one for one in funnel.exclusions if matches(event, one.match)]
    return {gap for one in met for gap in range(one.after, one.before)}


def sequences(funnel: Funnel, mine: list[Happened]) -> Iterator[tuple[list[int], bool]]:
    """Every sequence of events that are steps of the funnel, and whether something excluded lies in between."""

    def spoiled(taken: list[int], at: int) -> bool:
        between = range(taken[-1] + 1, at)
        if funnel.order == "any":
            between = range(taken[0] + 1, at)
            return any(gaps_of(funnel, mine[n]) for n in between)
        return any(len(taken) - 1 in gaps_of(funnel, mine[n]) for n in between)

    def longer(taken: list[int], steps: frozenset[int], bad: bool) -> Iterator[tuple[list[int], bool]]:
        yield taken, bad
        last = taken[-1] + 2 if funnel.order == "strict" else len(mine)
        for at in range(taken[-1] + 1, min(last, len(mine))):
            if mine[at].ms - mine[taken[0]].ms > funnel.window_ms:
                break
            of_any = [step for step in steps_of(funnel, mine[at]) if step not in steps]
            for step in of_any if funnel.order == "any" else [step for step in of_any if step == len(taken)]:
                yield from longer([*taken, at], steps | {step}, bad or spoiled(taken, at))

    for start in range(len(mine)):
        if mine[start].ms < funnel.to_ms:
            for step in steps_of(funnel, mine[start]):
                if step == 0 or funnel.order == "any":
                    yield from longer([start], frozenset([step]), False)


def slow(funnel: Funnel, events: list[Happened]) -> list[Unit]:
    """The definition, word by word: for each unit every sequence of its events."""
    found = []
    for mine in units_of(funnel, events):
        every = list(sequences(funnel, mine))
        clean = [taken for taken, bad in every if not bad]
        if not clean:
            continue
        depth = max(len(taken) for taken in clean)
        start = max(taken[0] for taken in clean if len(taken) == depth)
        took = min(mine[taken[-1]].ms - mine[start].ms for taken in clean if len(taken) == depth and taken[0] == start)
        dropped = max(len(taken) for taken, _ in every) > depth
        found.append(Unit(depth, mine[start], took if depth == len(funnel.steps) else None, dropped))
    return found


def counted(funnel: Funnel, units: list[Unit]) -> Counts:
    counts: defaultdict[str | None, tuple[list[int], list[int]]] = defaultdict(lambda: ([0] * len(funnel.steps), []))
    for unit in units:
        if unit.dropped:
            continue
        reached, times = counts[unit.start.get("topic") if funnel.breakdown else None]
        for step in range(unit.depth):
            reached[step] += 1
        if unit.took is not None:
            times.append(unit.took)
    return {label: (reached, sorted(times)) for label, (reached, times) in counts.items()}


def fast(funnel: Funnel, events: list[Happened], parts: int = 1) -> tuple[Counts, int]:
    counts = FunnelCounts(steps=len(funnel.steps))
    accounts = AccountEvents(funnel)
    for days in buckets(events, parts):
        if funnel.unit == "account":
            accounts.add(days)
        else:
            count_bucket(funnel, days, counts)
    if funnel.unit == "account":
        count_events(funnel, accounts.events(), counts)
    found = {
        label: (reached.tolist(), sorted(int(ms) for times in counts.times.get(label, []) for ms in times))
        for label, reached in counts.reached.items()
    }
    return found, counts.excluded


def users(funnel: Funnel, events: list[Happened], step: int, outcome: Outcome, values: Sequence[str | None]) -> set[int]:
    found = FunnelUsers(funnel=funnel, step=step, outcome=outcome, values=values)
    accounts = AccountEvents(funnel)
    hashes: set[int] = set()
    for days in buckets(events):
        if funnel.unit == "account":
            accounts.add(days)
        else:
            hashes.update(found.of_bucket(days).tolist())
    if funnel.unit == "account":
        hashes.update(found.of_events(accounts.events()).tolist())
    return hashes


@given(EVENTS, funnels(), st.randoms())
@settings(max_examples=1200, deadline=None)
def test_a_funnel_is_that_of_the_definition(events: list[Happened], funnel: Funnel, chance: random.Random) -> None:
    units = slow(funnel, events)
    wanted = counted(funnel, units), sum(unit.dropped for unit in units)
    assert fast(funnel, events) == wanted
    shuffled = events.copy()
    chance.shuffle(shuffled)
    assert fast(funnel, shuffled, parts=3) == wanted


@given(EVENTS, funnels(), st.integers(1, 4), st.sampled_from(["converted", "dropped"]), st.sampled_from([(), (None,), ("x",)]))
@settings(max_examples=300, deadline=None)
def test_users_of_a_step_are_those_who_were_counted(
    events: list[Happened], funnel: Funnel, step: int, outcome: Outcome, values: tuple[str | None, ...]
) -> None:
    step = min(step, len(funnel.steps))
    values = values if funnel.breakdown else ()
    units = [unit for unit in slow(funnel, events) if not unit.dropped]
    if values:
        units = [unit for unit in units if unit.start.get("topic") in values]
    wanted = {unit.start.user for unit in units if (unit.depth >= step if outcome == "converted" else unit.depth == step - 1)}
    assert users(funnel, events, step, outcome, values) == wanted


def of(*happened: tuple[int, str]) -> list[Happened]:
    return [Happened(7, ms, event_type) for ms, event_type in happened]


def reached(funnel: Funnel, events: list[Happened]) -> list[int]:
    return fast(funnel, events)[0].get(None, ([], []))[0]


@pytest.mark.parametrize(
    ("events", "wanted"),
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
def test_ordered_steps_within_a_window(events: list[Happened], wanted: list[int]) -> None:
    funnel = Funnel(steps=[matching("a"), matching("b"), matching("c")], window_ms=100, from_ms=0, to_ms=1_000)
    for order in itertools.permutations(events):
        assert reached(funnel, list(order)) == wanted


@pytest.mark.parametrize(
    ("events", "strict", "in_any_order"),
    [
        (of((0, "a"), (1, "b")), [1, 1], [1, 1]),
        (of((0, "a"), (1, "z"), (2, "b")), [1, 0], [1, 1]),
        (of((0, "a"), (1, "a"), (2, "b")), [1, 1], [1, 1]),  # from the second start
        (of((0, "b"), (1, "a")), [1, 0], [1, 1]),
        (of((0, "b"), (101, "a")), [1, 0], [1, 0]),
        (of((0, "z")), [], []),
    ],
)
def test_strict_steps_have_nothing_in_between_and_those_in_any_order_may_begin_with_any(
    events: list[Happened], strict: list[int], in_any_order: list[int]
) -> None:
    def asked(order: Any) -> Funnel:
        return Funnel(steps=[matching("a"), matching("b")], window_ms=100, from_ms=0, to_ms=1_000, order=order)

    assert reached(asked("strict"), events) == strict
    assert reached(asked("any"), events) == in_any_order


def test_who_did_what_is_excluded_is_dropped_unless_another_try_is_without_it() -> None:
    funnel = Funnel(
        steps=[matching("a"), matching("b")],
        window_ms=100,
        from_ms=0,
        to_ms=1_000,
        exclusions=[Exclusion(matching("z"), 0, 1)],
    )
    assert fast(funnel, of((0, "a"), (1, "z"), (2, "b"))) == ({}, 1)
    assert fast(funnel, of((0, "a"), (1, "z"), (2, "a"), (3, "b")))[0] == {None: ([1, 1], [1])}
    assert fast(funnel, of((0, "a"), (1, "b"), (2, "z"))) == ({None: ([1, 1], [1])}, 0)
    assert fast(funnel, of((0, "a"), (1, "z"))) == ({None: ([1, 0], [])}, 0)  # it lies between no steps


def test_sessions_end_after_a_gap_and_any_event_keeps_them_alive() -> None:
    funnel = Funnel(
        steps=[matching("a"), matching("b")], window_ms=100, from_ms=0, to_ms=1_000, unit="session", session_gap_ms=10
    )
    assert reached(funnel, of((0, "a"), (10, "b"))) == [1, 1]
    assert reached(funnel, of((0, "a"), (11, "b"))) == [1, 0]
    assert reached(funnel, of((0, "a"), (9, "z"), (18, "b"))) == [1, 1]
    assert reached(funnel, of((0, "a"), (50, "a"), (51, "b"))) == [2, 1]


def test_an_account_converts_by_what_its_users_do_together_whichever_buckets_they_are_in() -> None:
    funnel = Funnel(
        steps=[matching("a"), matching("b")], window_ms=100, from_ms=0, to_ms=1_000, unit="account", account="data.company"
    )
    acme = {"company": "acme"}
    together = [Happened(1, 0, "a", acme), Happened(-1, 5, "b", acme), Happened(1, 7, "a"), Happened(1, 8, "b")]
    assert fast(funnel, together)[0] == {None: ([1, 1], [5])}
    accounts = AccountEvents(funnel, most=1)
    first, second = buckets(together[:2])
    accounts.add(first)
    with pytest.raises(TooManyEvents):
        accounts.add(second)


def test_one_event_is_one_step() -> None:
    for order in ("ordered", "strict", "any"):
        funnel = Funnel(steps=[matching("a"), matching("a")], window_ms=10, from_ms=0, to_ms=100, order=order)  # type: ignore[arg-type]
        assert fast(funnel, of((1, "a")))[0][None] == ([1, 0], [])
        assert fast(funnel, of((1, "a"), (1, "a")))[0][None] == ([1, 1], [0])


def test_steps_may_follow_after_the_range_and_starts_may_not() -> None:
    funnel = Funnel(steps=[matching("a"), matching("b")], window_ms=10, from_ms=5, to_ms=10)
    assert fast(funnel, of((9, "a"), (19, "b")))[0][None] == ([1, 1], [10])
    assert fast(funnel, of((10, "a"), (12, "b"))) == ({}, 0)
    assert fast(funnel, of((4, "a"), (6, "b"))) == ({}, 0)
