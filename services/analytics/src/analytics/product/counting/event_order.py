"""The events of one bucket of users, each user's in order, with what a question reads of them. Pure.

The order is that of time; events of one instant come by type, then by the other values that are read, column by column, and
then by what they meet: so rows that are still equal are alike in everything that can be asked of them, and the order in which
events arrived never counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.breakdowns import Labels, by_name, labels_of
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.events import ANY_EVENT, EventFilter
from analytics.product.counting.ordering import by_user, ranks, settle_ties
from analytics.product.segments.segment import Ints, Segment

Floats = NDArray[np.float64]


class Flag(Protocol):
    """What is so or not of each event."""

    @property
    def columns(self) -> set[str]: ...

    def of(self, segment: Segment, at: Ints, /) -> Bools: ...


class Events(NamedTuple):
    """Events of users by their places among all of the bucket, each user's in order. ``values``: of each column that is read
    the number of its value in ``labels``, 0 for none; ``numbers``: of each column that is read as numbers, NaN for none;
    ``flags``: of each :class:`Flag`."""

    users: Ints
    t: Ints
    values: Mapping[str, Ints]
    numbers: Mapping[str, Floats]
    flags: Sequence[Bools]

    def __len__(self) -> int:
        return len(self.users)


def no_labels(columns: Collection[str]) -> dict[str, Labels]:
    """For each column no value but that there is none."""
    return {column: {None: 0} for column in columns}


def events_in_order(
    days: Sequence[Day],
    from_ms: int,
    to_ms: int,
    labels: Mapping[str, Labels],
    *,
    kept: EventFilter = ANY_EVENT,
    numbers: Sequence[str] = (),
    flags: Sequence[Flag] = (),
) -> Events:
    """The events in ``[from_ms, to_ms)`` that are ``kept``, with the columns of ``labels``, to which values are added."""
    columns = list(labels)
    parts: list[list[Any]] = []
    for day, rank in zip(days, ranks([day.segment.users for day in days]), strict=True):
        segment = day.segment
        t = day.start_ms + segment.t.astype(np.int64)
        users = np.repeat(rank, segment.counts)
        at = np.arange(segment.rows)
        if from_ms > day.start_ms or to_ms < day.start_ms + DAY_MS:
            at = at[(t >= from_ms) & (t < to_ms)]
        if not kept.is_any:
            at = at[kept.of(segment, at)]
        if len(at) < segment.rows:
            t, users = t[at], users[at]
        values = [labels_of(column, segment, at, labels[column]) for column in columns]
        numeric = [_numbers(segment, column, at) for column in numbers]
        parts.append([users, t, *values, *numeric, *(flag.of(segment, at) for flag in flags)])
    if not parts:
        empty: list[Any] = [np.empty(0, np.int64)] * (2 + len(columns))
        parts = [[*empty, *[np.empty(0)] * len(numbers), *[np.empty(0, np.bool_)] * len(flags)]]
    users, t, *rest = (np.concatenate(column) for column in zip(*parts, strict=True))
    del parts
    ties = [by_name(labels[column])[of] for column, of in zip(columns, rest, strict=False)]
    order = settle_ties(by_user(users), users, t, *ties, *rest[len(columns) :])
    del ties
    users, t, *rest = (column[order] for column in (users, t, *rest))
    first_flag = len(columns) + len(numbers)
    return Events(
        users,
        t,
        dict(zip(columns, rest, strict=False)),
        dict(zip(numbers, rest[len(columns) :], strict=False)),
        rest[first_flag:],
    )


def _numbers(segment: Segment, column: str, at: Ints) -> Floats:
    found = segment.columns.get(column)
    return np.full(len(at), np.nan) if found is None or found.numbers is None else found.numbers[at]
