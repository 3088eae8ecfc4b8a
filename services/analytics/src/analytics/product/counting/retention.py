"""Retention: of the users who began in a period, how many came back in later ones. Pure.

Definition
----------
Periods are days, weeks or months of a calendar. A user's *start* is an event that meets ``start``; a *return* is one that meets
``returning``. A user belongs to the cohort of period c

- if the user's first start of all that is kept lies in c, or
- with ``recurring``, if any start lies in c: then a user may belong to several cohorts.

A cell is a range of periods after the cohort's own, which is period 0; the cell n to m of cohort c is met by a user who has
a return in any of the periods c + n to c + m. Period 0 is met by the start itself, so the first column is the cohort.
``rolling``: a cell is also met by a return in any later period, up to the last event that is stored.

The value of ``breakdown`` is that of the start: the first one of all, or with ``recurring`` the first one in the cohort's
period. Of several at one instant the value that comes first in the order of texts counts, and none before any.

How it is computed
------------------
A table of users and periods says who returned when: each row of a segment sets one of its places, so nothing is sorted. Where
any event is meant, a day needs its distinct users alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.breakdowns import MAX_LABELS, OTHER, Labels, by_name, labels_of
from analytics.product.counting.day import Day
from analytics.product.counting.events import EventFilter
from analytics.product.counting.ordering import by_user, ranks, settle_ties
from analytics.product.counting.periods import are_days, period_of_day, periods_of
from analytics.product.segments.segment import Ints

Bools = NDArray[np.bool_]


class Cell(NamedTuple):
    """Periods after the cohort's own, ``last`` included."""

    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Retention:
    """``bounds`` are the periods of the first ``cohorts`` and of all cells; ``breakdown`` is a column."""

    start: EventFilter
    returning: EventFilter
    bounds: Sequence[int]
    cohorts: int
    cells: Sequence[Cell]
    recurring: bool = False
    rolling: bool = False
    breakdown: str = ""

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        return self.start.columns | self.returning.columns | ({self.breakdown} if self.breakdown else set())

    @property
    def by_day(self) -> bool:
        """Whether the days of events say enough, without their times."""
        return are_days(self.bounds) and not self.breakdown


@dataclass(kw_only=True)
class RetentionCounts:
    """Sums over buckets: by label the users of each cohort, and of these those who met each cell."""

    cohorts: int
    cells: int
    sizes: dict[str | None, Ints] = field(default_factory=dict)
    retained: dict[str | None, Ints] = field(default_factory=dict)

    def add(self, label: str | None, sizes: Ints, retained: Ints) -> None:
        """``retained``: a row for each cohort."""
        if label not in self.sizes and len(self.sizes) >= MAX_LABELS:
            label = OTHER
        self.sizes[label] = self.sizes.get(label, 0) + sizes
        self.retained[label] = self.retained.get(label, 0) + retained


class _Members(NamedTuple):
    """Users by their places, each with a cohort and a label. A user may be there several times."""

    users: Ints
    cohorts: Ints
    labels: Ints


def count_bucket(retention: Retention, days: Sequence[Day], counts: RetentionCounts) -> None:
    """Adds the users of one bucket; ``days`` in order."""
    if not days:
        return
    of_day = ranks([day.segment.users for day in days])
    count = 1 + max(int(rank.max()) for rank in of_day)
    labels: Labels = {None: 0}
    members = _members(retention, days, of_day, count, labels)
    returns = _Returns(retention, days, of_day, count)
    group = members.labels * retention.cohorts + members.cohorts
    shape = (len(labels), retention.cohorts)
    sizes = np.bincount(group, minlength=shape[0] * shape[1]).reshape(shape)
    retained = np.stack(
        [np.bincount(group[returns.met(members, cell)], minlength=sizes.size).reshape(shape) for cell in retention.cells],
        axis=2,
    )
    for label, place in labels.items():
        if sizes[place].any():
            counts.add(label, sizes[place], retained[place])


def users_of_cell(
    retention: Retention,
    days: Sequence[Day],
    cohort: int,
    cell: Cell,
    *,
    retained: bool,
    values: Sequence[str | None] = (),
) -> Ints:
    """The users of one bucket who belong to ``cohort`` and met ``cell``, or did not: of ``values`` of the break-down, where
    some are given."""
    if not days:
        return np.empty(0, np.int64)
    of_day = ranks([day.segment.users for day in days])
    users = np.unique(np.concatenate([day.segment.users for day in days]))
    labels: Labels = {None: 0}
    members = _members(retention, days, of_day, len(users), labels)
    chosen = members.cohorts == cohort
    if values:
        chosen &= np.isin(members.labels, [labels[value] for value in values if value in labels])
    members = _Members(*(column[chosen] for column in members))
    found = _Returns(retention, days, of_day, len(users)).met(members, cell)
    return users[members.users[found if retained else ~found]]


class _Returns:
    """Who returned when."""

    def __init__(self, retention: Retention, days: Sequence[Day], of_day: Sequence[Ints], count: int) -> None:
        self._rolling = retention.rolling
        periods = len(retention.bounds) - 1
        self._last = np.full(count if self._rolling else 0, -1)
        self._returned = np.zeros((count, 0 if self._rolling else periods), np.bool_)
        for day, rank in zip(days, of_day, strict=True):
            users, at = _users_and_periods(retention, day, rank, retention.returning)
            if self._rolling:
                np.maximum.at(self._last, users, at)
            else:
                inside = (at >= 0) & (at < periods)
                self._returned[users[inside], at[inside]] = True

    def met(self, members: _Members, cell: Cell) -> Bools:
        if cell.first == 0:
            return np.ones(len(members.users), np.bool_)
        if self._rolling:
            later: Bools = self._last[members.users] >= members.cohorts + cell.first
            return later
        found = np.zeros(len(members.users), np.bool_)
        for after in range(cell.first, cell.last + 1):
            found |= self._returned[members.users, members.cohorts + after]
        return found


def _users_and_periods(retention: Retention, day: Day, rank: Ints, wanted: EventFilter) -> tuple[Ints, Ints]:
    """User and period of each event of ``day`` that is meant; where all are of one period, perhaps once for each user."""
    period = period_of_day(retention.bounds, day)
    if period is not None and wanted.is_any:
        return rank, np.full(len(rank), period)
    at = wanted.rows(day.segment)
    users = np.repeat(rank, day.segment.counts)[at]
    if period is not None:
        return users, np.full(len(users), period)
    return users, periods_of(retention.bounds, day.start_ms + day.segment.t[at].astype(np.int64))


def _members(retention: Retention, days: Sequence[Day], of_day: Sequence[Ints], count: int, labels: Labels) -> _Members:
    if retention.breakdown:
        return _labelled_members(retention, days, of_day, labels)
    started = np.zeros((count, retention.cohorts + 1), np.bool_)  # its first column: before all cohorts
    for day, rank in zip(days, of_day, strict=True):
        users, at = _users_and_periods(retention, day, rank, retention.start)
        inside = at < retention.cohorts
        started[users[inside], at[inside] + 1] = True
    if retention.recurring:
        users, cohorts = np.nonzero(started[:, 1:])
    else:
        first = started.argmax(axis=1)
        users = np.flatnonzero(first)
        cohorts = first[users] - 1
    return _Members(users, cohorts, np.zeros(len(users), np.int64))


def _labelled_members(retention: Retention, days: Sequence[Day], of_day: Sequence[Ints], labels: Labels) -> _Members:
    parts = []
    for day, rank in zip(days, of_day, strict=True):
        at = retention.start.rows(day.segment)
        users = np.repeat(rank, day.segment.counts)[at]
        t = day.start_ms + day.segment.t[at].astype(np.int64)
        parts.append((users, t, labels_of(retention.breakdown, day.segment, at, labels)))
    users, t, label = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = settle_ties(by_user(users), users, t, by_name(labels)[label])
    users, cohorts, label = users[order], periods_of(retention.bounds, t[order]), label[order]
    changes = users[1:] != users[:-1]
    if retention.recurring:
        changes |= cohorts[1:] != cohorts[:-1]
    first = np.flatnonzero(np.r_[True, changes]) if len(users) else np.empty(0, np.int64)
    first = first[(cohorts[first] >= 0) & (cohorts[first] < retention.cohorts)]
    return _Members(users[first], cohorts[first], label[first])
