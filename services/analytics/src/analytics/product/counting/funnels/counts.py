"""What is counted of a funnel: sums over buckets, and the users behind them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from analytics.product.counting.breakdowns import MAX_LABELS, OTHER
from analytics.product.counting.day import Day
from analytics.product.counting.funnels.definition import Funnel
from analytics.product.counting.funnels.matching import Events, events_of
from analytics.product.counting.funnels.orders import walk
from analytics.product.segments.segment import Ints

Outcome = Literal["converted", "dropped"]


@dataclass(kw_only=True)
class FunnelCounts:
    """Sums over buckets. ``reached[label][n]``: units that got to step n + 1; ``times`` to convert in ms, by label.
    ``excluded`` units were dropped for an exclusion."""

    steps: int
    reached: dict[str | None, Ints] = field(default_factory=dict)
    times: dict[str | None, list[Ints]] = field(default_factory=dict)
    excluded: int = 0

    def add(self, label: str | None, depths: Ints, times: Ints) -> None:
        """``depths``: units by the steps that they reached, from 1."""
        if label not in self.reached and len(self.reached) >= MAX_LABELS:
            label = OTHER
        reached = np.cumsum(depths[::-1])[::-1]
        self.reached[label] = self.reached.get(label, np.zeros(self.steps, np.int64)) + reached
        if len(times):
            self.times.setdefault(label, []).append(times)


def count_bucket(funnel: Funnel, days: Iterable[Day], counts: FunnelCounts) -> None:
    """Adds the users or sessions of one bucket; ``days`` in order."""
    count_events(funnel, events_of(funnel, days), counts)


def count_events(funnel: Funnel, events: Events, counts: FunnelCounts) -> None:
    """Adds all units of ``events``."""
    walked, excluded = walk(funnel, events, counts.steps)
    counts.excluded += excluded
    names, label = list(events.labels), events.rows.labels
    started = np.flatnonzero(walked.depth)
    table = np.zeros((len(names), counts.steps), np.int64)
    np.add.at(table, (label[walked.start[started]], walked.depth[started] - 1), 1)
    done = np.flatnonzero(walked.arrival >= 0)
    start, end = walked.start[done], walked.arrival[done]
    order = np.argsort(label[start], kind="stable")
    times = (events.rows.t[end] - events.rows.t[start])[order]
    ends = np.searchsorted(label[start][order], np.arange(len(names) + 1))
    for place in np.flatnonzero(table.any(axis=1)).tolist():
        counts.add(names[place], table[place], times[ends[place] : ends[place + 1]])


@dataclass(kw_only=True)
class FunnelUsers:
    """Finds the users who reached step ``step``, counted from 1, or the one before and not that; those of ``values`` of the
    break-down only, where there are any. Of an account it is who took its first step."""

    funnel: Funnel
    step: int
    outcome: Outcome
    values: Sequence[str | None] = ()
    seen: bool = False
    """Whether one of the values was there at all."""

    def of_bucket(self, days: Iterable[Day]) -> Ints:
        """Their hashes, ascending."""
        return self.of_events(events_of(self.funnel, days))

    def of_events(self, events: Events) -> Ints:
        """Their hashes, ascending."""
        walked, _ = walk(self.funnel, events, self.step)
        chosen = walked.depth >= self.step if self.outcome == "converted" else walked.depth == self.step - 1
        start = walked.start[chosen & (walked.depth > 0)]
        if self.values:
            labels = [events.labels.get(value, -1) for value in self.values]
            self.seen |= bool(np.isin(events.rows.labels[walked.start[walked.depth > 0]], labels).any())
            start = start[np.isin(events.rows.labels[start], labels)]
        return np.unique(events.hashes[events.rows.users[start]])
