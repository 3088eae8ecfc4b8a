"""What cumulative points add: the table of cases, and any history against a slow reference."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.ingest.signals.otlp import temporality
from analytics.ingest.signals.otlp.buckets import Explicit, Exponential, Quantiles
from analytics.ingest.signals.otlp.temporality import Increase, State, Step, accumulate, advance

SINCE = 1_000
"""Since when all streams are known, in these tests."""


def total(value: float, time: int, start: int = 0) -> State:
    return State(start, time, 0, value)


def run(points: Sequence[State], known_from: int = SINCE) -> list[Step]:
    state, steps = None, []
    for point in points:
        step = advance(state, point, known_from)
        state = step.state
        steps.append(step)
    return steps


def outcomes(*points: State) -> list[tuple[str, float | None]]:
    return [(step.outcome, None if step.increase is None else step.increase.sum) for step in run(points)]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([total(5, 1100, 1000), total(7, 1200, 1000)], [("began", 5), ("counted", 2)]),
        ([total(5, 1100, 999), total(7, 1200, 999)], [("baseline", None), ("counted", 2)]),
        ([total(5, 1100), total(7, 1200)], [("baseline", None), ("counted", 2)]),
        ([total(5, 1100, 1100), total(7, 1200, 1100)], [("baseline", None), ("counted", 2)]),
        ([total(5, 1100, 1000), total(3, 1200, 1150)], [("began", 5), ("restarted", 3)]),
        ([total(5, 1100, 1000), total(9, 1200, 1100)], [("began", 5), ("restarted", 9)]),
        ([total(5, 1100, 1000), total(9, 1200, 1200), total(10, 1300, 1200)],
         [("began", 5), ("baseline", None), ("counted", 1)]),
        ([total(5, 1100, 1000), total(3, 1200, 1000)], [("began", 5), ("fell", 3)]),
        ([total(5, 1100), total(3, 1200)], [("baseline", None), ("fell", 3)]),
        ([total(5, 1100, 1000), total(8, 9900, 1000)], [("began", 5), ("counted", 3)]),
        ([total(5, 1100, 1000), total(8, 1300, 1000), total(7, 1200, 1000)],
         [("began", 5), ("counted", 3), ("late", None)]),
        ([total(5, 1100, 1000), total(5, 1100, 1000)], [("began", 5), ("duplicate", None)]),
        ([total(50, 1100, 1000), total(5, 1110, 1105), total(60, 1200, 1000), total(6, 1210, 1105)],
         [("began", 50), ("restarted", 5), ("overlapping", None), ("counted", 1)]),
        ([total(5, 1100, 1000), total(7, 1200), total(9, 1300, 1000)],
         [("began", 5), ("counted", 2), ("counted", 2)]),
    ],
    ids=["whole from a known start", "a start before we knew", "no start", "unknown reset", "reset by start",
         "reset by start without falling", "unknown reset of a known stream", "reset by falling", "falling without start",
         "gap", "out of order", "duplicate", "two writers as one", "a start left out"],
)  # fmt: skip
def test_cases_of_sums(points: list[State], expected: list[tuple[str, float | None]]) -> None:
    assert outcomes(*points) == expected


def test_whole_numbers_of_fractions_add_up() -> None:
    steps = run([total(0.3 * n, 1100 + n, 1000) for n in range(1, 101)])
    increases = [step.increase for step in steps if step.increase is not None]
    assert sum(one.count for one in increases) == 30 - (0.3 * 100 < 30)
    assert sum(one.sum or 0 for one in increases) == pytest.approx(30)


def test_large_whole_numbers_stay_exact() -> None:
    steps = run([total(2**62, 1100, 1000), total(2**62 + 1, 1200, 1000)])
    assert steps[1].increase is not None
    assert steps[1].increase.sum == 1
    state = temporality.decode(temporality.encode(steps[1].state))
    assert state == steps[1].state
    assert state.sum == 2**62 + 1


def histogram(counts: tuple[int, ...], time: int, bounds: tuple[float, ...] = (1, 10)) -> State:
    return State(1000, time, sum(counts), float(sum(counts)), 0.5, 20.0, Explicit(bounds, counts))


def test_histograms_subtract_bucket_by_bucket() -> None:
    first, second = run([histogram((1, 2, 3), 1100), histogram((1, 4, 4), 1200)])
    assert first.increase is not None
    assert first.increase.count == 6
    assert second.increase == Increase(3, 3.0, 0.5, 20.0, Explicit((1, 10), (0, 2, 1)))


def test_a_bucket_that_holds_less_is_a_reset() -> None:
    _, second = run([histogram((1, 2, 3), 1100), histogram((7, 1, 0), 1200)])
    assert second.outcome == "fell"
    assert second.increase is not None
    assert second.increase.count == 8


def test_other_bounds_leave_counts_and_sums_exact() -> None:
    _, second = run([histogram((1, 2, 3), 1100), histogram((9, 1), 1200, bounds=(5,))])
    assert second.outcome == "counted"
    assert second.increase is not None
    assert (second.increase.count, second.increase.sum, second.increase.buckets) == (4, 4.0, None)


def exponential(scale: int, positive: dict[int, int], time: int, zeros: int = 0, threshold: float = 0.0) -> State:
    count = sum(positive.values()) + zeros
    return State(1000, time, count, float(count), None, None, Exponential(scale, zeros, threshold, positive, {}))


def test_exponential_histograms_subtract_across_scales_and_thresholds() -> None:
    _, coarser = run([exponential(2, {4: 1, 5: 2, -3: 1}, 1100), exponential(0, {1: 4, -1: 1, 7: 1}, 1200)])
    assert coarser.increase is not None
    assert coarser.increase.buckets == Exponential(0, 0, 0.0, {1: 1, 7: 1}, {})
    _, wider = run([exponential(0, {-5: 2, 0: 1}, 1100, zeros=1), exponential(0, {0: 3}, 1200, zeros=4, threshold=0.1)])
    assert wider.increase is not None
    assert wider.increase.buckets == Exponential(0, 1, 0.1, {0: 2}, {})
    _, fallen = run([exponential(0, {3: 2}, 1100), exponential(0, {4: 5}, 1200)])
    assert fallen.outcome == "fell"


def test_every_state_survives_storage() -> None:
    summary = State(1, 2, 3, 4.5, None, None, Quantiles((0.5, 0.9), (1.0, 2.0)))
    for state in (histogram((1, 2, 3), 5), exponential(-3, {-7: 2, 2: 1}, 6, 3, 0.5), summary, total(0, 1)):
        assert temporality.decode(temporality.encode(state)) == state


def test_levels_are_the_sum_of_changes_in_any_order() -> None:
    changes = [total(change, 1100 + n, 1000 + n) for n, change in enumerate((5, -3, 10, -1))]
    for seed in range(10):
        shuffled = random.Random(seed).sample(changes, len(changes))
        state: State | None = None
        for change in shuffled:
            state = accumulate(state, change)
        assert state is not None
        assert (state.sum, state.time) == (11, 1103)


def test_a_level_beyond_what_an_integer_holds_is_a_float() -> None:
    state: State | None = None
    for number in range(4):
        state = accumulate(state, total(2**63 - 1, 1100 + number, 1000))
        assert temporality.decode(temporality.encode(state)) == state
    assert state is not None
    assert state.sum == pytest.approx(4 * 2.0**63)


Life = list[list[int]]
lives: st.SearchStrategy[Life] = st.lists(st.lists(st.integers(0, 1000), min_size=1, max_size=8), min_size=1, max_size=5)
"""What a program counted between exports, life by life."""


def exports(lives: Life) -> list[State]:
    points, clock = [], SINCE
    for life in lives:
        clock += 10
        start, sum_so_far = clock, 0
        for more in life:
            clock += 10
            sum_so_far += more
            points.append(total(sum_so_far, clock, start))
    return points


@given(lives, st.data())
def test_any_history_adds_up_to_what_was_counted(lives: Life, data: st.DataObject) -> None:
    """Losing exports loses nothing but the end of a life; sending them twice adds nothing."""
    points = exports(lives)
    lasts = {start: max(point.time for point in points if point.start == start) for start in {p.start for p in points}}
    kept = [p for p in points if p.time == lasts[p.start] or data.draw(st.booleans())]
    repeated = [point for point in kept for _ in range(data.draw(st.integers(1, 3)))]
    added = sum(step.increase.sum or 0 for step in run(repeated) if step.increase is not None)
    assert added == sum(map(sum, lives))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_points_of_one_life_in_any_order_never_add_too_much(life: list[int], random_: random.Random) -> None:
    """The last point has everything: whatever comes late is in it already."""
    points = exports([life])
    random_.shuffle(points)
    added = sum(step.increase.sum or 0 for step in run(points) if step.increase is not None)
    assert added == sum(life)
