"""Funnels: how many users do one thing after another within a window. Pure.

Definition
----------
The events of a user are in the order of time; those of one instant in the order of the first step that each matches, then of
all that it matches, then of its break-down value. A user reaches step n where n events, one after the other in this order,
match the steps 1 to n, the first of them lies in ``[from, to)``, and the last not more than the window after the first. Any
event may be the start, not the first one only; one event counts as one step. Later steps may lie after ``to``.

The start of a user is the latest one from which the user gets furthest; its break-down value is the user's. The time to convert
is from there to the first event that completes the funnel.

How it is computed
------------------
For each step, the running maximum of the *latest start that got this far*: a later start is never worse, for the window is
counted from it. So each step is a pass over arrays, whatever the number of events a user has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analytics.product.counting.breakdowns import MAX_LABELS, OTHER, Labels, by_name, labels_of
from analytics.product.counting.conditions import Condition, met
from analytics.product.counting.day import Day
from analytics.product.counting.ordering import by_user, ranks, settle_ties
from analytics.product.segments.segment import Ints

MAX_STEPS = 12
_DEEP = 40
"""Bits for the row of a start."""


class Step(NamedTuple):
    """An event of this type that meets all conditions."""

    event_type: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """Times in ms since 1970; ``breakdown`` is a column."""

    steps: Sequence[Step]
    window_ms: int
    from_ms: int
    to_ms: int
    breakdown: str = ""

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        wanted = {condition.column for step in self.steps for condition in step.conditions}
        return {"event_type", *wanted, *([self.breakdown] if self.breakdown else [])}


@dataclass(kw_only=True)
class FunnelCounts:
    """Sums over buckets. ``reached[label][n]``: users who got to step n + 1; ``times`` to convert in ms, by label."""

    steps: int
    reached: dict[str | None, Ints] = field(default_factory=dict)
    times: dict[str | None, list[Ints]] = field(default_factory=dict)

    def add(self, label: str | None, depths: Ints, times: Ints) -> None:
        """``depths``: users by the steps that they reached, from 1."""
        if label not in self.reached and len(self.reached) >= MAX_LABELS:
            label = OTHER
        reached = np.cumsum(depths[::-1])[::-1]
        self.reached[label] = self.reached.get(label, np.zeros(self.steps, np.int64)) + reached
        if len(times):
            self.times.setdefault(label, []).append(times)


class _Rows(NamedTuple):
    """Rows that match a step. ``steps`` has a bit for each."""

    users: Ints
    t: Ints
    steps: Ints
    labels: Ints


def count_bucket(funnel: Funnel, days: Iterable[Day], counts: FunnelCounts) -> None:
    """Adds the users of one bucket; ``days`` in order."""
    labels: Labels = {None: 0}
    rows = _ordered(_matching(funnel, list(days), labels), labels)
    n = len(rows.users)
    if not n:
        return
    first = np.flatnonzero(np.r_[True, rows.users[1:] != rows.users[:-1]])
    user = np.repeat(np.arange(len(first)), np.diff(np.r_[first, n]))
    mine = first[user]
    place = np.arange(n)
    starts = (rows.steps & 1) > 0
    best = np.where(starts, place, -1)
    deepest = np.where(starts, 1 << _DEEP | place, 0)
    at = since = place[:0]
    for step in range(1, len(funnel.steps)):
        before = np.r_[-1, np.maximum.accumulate(best)[:-1]]
        at = np.flatnonzero((rows.steps >> step & 1 > 0) & (before >= mine))
        at = at[rows.t[at] - rows.t[before[at]] <= funnel.window_ms]
        since = before[at]
        best = np.full(n, -1)
        best[at] = since
        deepest[at] = np.maximum(deepest[at], (step + 1) << _DEEP | since)
    furthest = np.maximum.reduceat(deepest, first)
    depth, start = furthest >> _DEEP, furthest & ((1 << _DEEP) - 1)
    own = since == start[user[at]]
    done, earliest = np.unique(user[at][own], return_index=True)
    times = (rows.t[at] - rows.t[since])[own][earliest]
    _add(counts, list(labels), rows.labels[start], depth, done, times)


def _add(counts: FunnelCounts, names: list[str | None], label: Ints, depth: Ints, done: Ints, times: Ints) -> None:
    started = np.flatnonzero(depth)
    table = np.zeros((len(names), counts.steps), np.int64)
    np.add.at(table, (label[started], depth[started] - 1), 1)
    order = np.argsort(label[done], kind="stable")
    ends = np.searchsorted(label[done][order], np.arange(len(names) + 1))
    for place in np.flatnonzero(table.any(axis=1)).tolist():
        counts.add(names[place], table[place], times[order[ends[place] : ends[place + 1]]])


def _matching(funnel: Funnel, days: Sequence[Day], labels: Labels) -> _Rows:
    parts = []
    for day, rank in zip(days, ranks([day.segment.users for day in days]), strict=True):
        segment = day.segment
        types = segment.columns.get("event_type")
        if types is None:
            continue
        codes = {value: code for code, value in enumerate(types.values, 1)}
        wanted = np.zeros(len(codes) + 1, np.bool_)
        wanted[[codes[step.event_type] for step in funnel.steps if step.event_type in codes]] = True
        t = day.start_ms + segment.t.astype(np.int64)
        at = np.flatnonzero(wanted[types.codes] & (t >= funnel.from_ms) & (t < funnel.to_ms + funnel.window_ms))
        steps = np.zeros(len(at), np.int64)
        for place, step in enumerate(funnel.steps):
            matches = types.codes[at] == codes.get(step.event_type, -1)
            for condition in step.conditions:
                matches &= met(segment, at, condition)
            steps |= matches.astype(np.int64) << place
        steps[t[at] >= funnel.to_ms] &= ~1
        at, steps = at[steps > 0], steps[steps > 0]
        users = np.repeat(rank, segment.counts)[at]
        parts.append(_Rows(users, t[at], steps, labels_of(funnel.breakdown, segment, at, labels)))
    if not parts:
        return _Rows(*(np.empty(0, np.int64) for _ in range(4)))
    return _Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _ordered(rows: _Rows, labels: Labels) -> _Rows:
    rank = by_name(labels)
    order = settle_ties(by_user(rows.users), rows.users, rows.t, rows.steps & -rows.steps, rows.steps, rank[rows.labels])
    return _Rows(*(column[order] for column in rows))
