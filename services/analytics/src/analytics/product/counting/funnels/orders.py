"""How far each unit gets in a funnel, in each order of steps. Pure.

How it is computed
------------------
*Ordered*: for each step, the running maximum of the *latest start that got this far*: a later start is never worse, for the
window is counted from it. So each step is a pass over arrays, whatever the number of events a unit has. After an event that
must not lie before the next step, the maximum begins anew.

*Strict*: the event of step n is the n-th from the start.

*In any order*: as many steps as can each be given an event of their own, of those from the start to the end of its window. By
the theorem of D. König and P. Hall that is the least, over all subsets of steps, of the number of events that match one of them
plus the number of steps that are not among them; and subsets need be tried only of steps that one event can match together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from analytics.product.counting.funnels.definition import Funnel
from analytics.product.counting.funnels.matching import EXCLUDED, Events
from analytics.product.segments.segment import Ints

_DEEP = 40
"""Bits for the row of a start."""


class Walk(NamedTuple):
    """By unit: the steps that it got to, the row of its start, and that of the first event by which it got to the step that was
    asked for; -1: it did not."""

    depth: Ints
    start: Ints
    arrival: Ints


def walk(funnel: Funnel, events: Events, to_step: int) -> tuple[Walk, int]:
    """How far each unit gets, and how many units are dropped for an exclusion, which then have the depth 0."""
    of_order = {"ordered": _ordered, "strict": _strict, "any": _any}[funnel.order]
    walked = of_order(funnel, events, to_step, bool(funnel.exclusions))
    if not funnel.exclusions:
        return walked, 0
    dropped = of_order(funnel, events, to_step, False).depth > walked.depth
    depth, arrival = np.where(dropped, 0, walked.depth), np.where(dropped, -1, walked.arrival)
    return Walk(depth, walked.start, arrival), int(dropped.sum())


def _ordered(funnel: Funnel, events: Events, to_step: int, exclude: bool) -> Walk:
    rows, unit = events.rows, events.units
    n, mine = len(unit), events.first[unit]
    place = np.arange(n)
    starts = (rows.steps & 1) > 0
    best = np.where(starts, place, -1)
    deepest = np.where(starts, 1 << _DEEP | place, 0)
    kept = (np.flatnonzero(starts),) * 2
    for step in range(1, len(funnel.steps)):
        excluded = rows.steps >> (EXCLUDED + step - 1) & 1 if exclude else None
        before = np.r_[-1, _latest(best, excluded)[:-1]]
        at = np.flatnonzero((rows.steps >> step & 1 > 0) & (before >= mine))
        at = at[rows.t[at] - rows.t[before[at]] <= funnel.window_ms]
        since = before[at]
        best = np.full(n, -1)
        best[at] = since
        deepest[at] = np.maximum(deepest[at], (step + 1) << _DEEP | since)
        if step + 1 == to_step:
            kept = at, since
    return _walk(events, deepest, unit, *kept)


def _latest(best: Ints, excluded: Ints | None) -> Ints:
    """The greatest of ``best`` up to each row, since the last one that is excluded."""
    if excluded is None or not excluded.any():
        return np.maximum.accumulate(best)
    tries = np.cumsum(excluded) * (len(best) + 1)
    latest: Ints = np.maximum.accumulate(tries + best + 1) - tries - 1
    return latest


def _strict(funnel: Funnel, events: Events, to_step: int, exclude: bool) -> Walk:
    rows, unit = events.rows, events.units
    since = np.flatnonzero(rows.steps & 1)
    deepest = np.zeros(len(unit), np.int64)
    deepest[since] = 1 << _DEEP | since
    kept = since
    for step in range(1, len(funnel.steps)):
        since = since[since + step < len(unit)]
        at = since + step
        follows = (
            (unit[at] == unit[since]) & (rows.steps[at] >> step & 1 > 0) & (rows.t[at] - rows.t[since] <= funnel.window_ms)
        )
        since = since[follows]
        deepest[since] = (step + 1) << _DEEP | since
        if step + 1 == to_step:
            kept = since
    return _walk(events, deepest, unit, kept + (to_step - 1), kept)


def _walk(events: Events, deepest: Ints, unit: Ints, at: Ints, since: Ints) -> Walk:
    """``at`` are rows, in order, by which a unit got to the step that is asked for, having begun at the rows ``since``."""
    depth, start = _unpacked(deepest, events.first)
    own = since == start[unit[at]]
    done, earliest = np.unique(unit[at][own], return_index=True)
    arrival = np.full(len(depth), -1)
    arrival[done] = at[own][earliest]
    return Walk(depth, start, arrival)


def _unpacked(deepest: Ints, first: Ints) -> tuple[Ints, Ints]:
    furthest = np.maximum.reduceat(deepest, first) if len(first) else deepest
    return furthest >> _DEEP, furthest & ((1 << _DEEP) - 1)


def _any(funnel: Funnel, events: Events, to_step: int, exclude: bool) -> Walk:
    rows, unit = events.rows, events.units
    stepped = rows.steps & ((1 << EXCLUDED) - 1)
    start = np.flatnonzero((stepped > 0) & (rows.t < funnel.to_ms))
    ends = _ends(funnel, events, unit, start)
    if exclude:
        excluded = np.flatnonzero(rows.steps >> EXCLUDED)
        following = np.r_[excluded, len(unit)][np.searchsorted(excluded, start, "right")]
        ends = np.minimum(ends, following + 1)
    matched = _matching(stepped, len(funnel.steps))
    deepest = np.zeros(len(unit), np.int64)
    deepest[start] = matched(start, ends) << _DEEP | start
    depth, chosen = _unpacked(deepest, events.first)
    arrival = np.full(len(depth), -1)
    there = np.flatnonzero(depth >= to_step)
    end = np.zeros(len(unit), np.int64)
    end[start] = ends
    low, high = chosen[there], end[chosen[there]] - 1  # the first row by which enough are matched lies among these
    while (low < high).any():
        middle = (low + high) >> 1
        enough = matched(chosen[there], middle + 1) >= to_step
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    arrival[there] = low
    return Walk(depth, chosen, arrival)


def _ends(funnel: Funnel, events: Events, unit: Ints, start: Ints) -> Ints:
    """For each start, the row after the last one in its window."""
    times, rank = np.unique(events.rows.t, return_inverse=True)
    after = np.searchsorted(times, events.rows.t[start] + funnel.window_ms, "right")
    by_unit = len(times) + 1
    ends: Ints = np.searchsorted(unit * by_unit + rank, unit[start] * by_unit + after, "left")
    return ends


def _matching(stepped: Ints, steps: int) -> Callable[[Ints, Ints], Ints]:
    """What says how many steps can each be given one of the rows from ``start`` up to, and without, ``end``."""
    groups = _overlapping(np.unique(stepped).tolist(), steps)
    sums = {
        subset: np.r_[0, np.cumsum(stepped & sum(1 << step for step in subset) > 0, dtype=np.int32)]
        for group in groups
        for size in range(1, len(group) + 1)
        for subset in combinations(group, size)
    }

    def matched(start: Ints, end: Ints) -> Ints:
        total = np.zeros(len(start), np.int64)
        for group in groups:
            least = np.full(len(start), len(group), np.int64)
            for size in range(1, len(group) + 1):
                for subset in combinations(group, size):
                    least = np.minimum(least, sums[subset][end] - sums[subset][start] + len(group) - size)
            total += least
        return total

    return matched


def _overlapping(masks: Sequence[int], steps: int) -> list[tuple[int, ...]]:
    """Groups of steps: one event matches those of one group only."""
    groups = [1 << step for step in range(steps)]
    for mask in masks:
        touched = [group for group in groups if group & mask]
        groups = [group for group in groups if not group & mask]
        if touched:
            groups.append(sum(touched))
    return [tuple(step for step in range(steps) if group >> step & 1) for group in groups]
