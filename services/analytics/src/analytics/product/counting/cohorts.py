"""Sets of users: who meets a tree of conditions on what they did. Pure.

Definition
----------
A user meets :class:`Did` with at least, and at most, so many events that are meant and lie in ``[from, to)``; :class:`Metric`
where the number that ``function`` makes of the finite numbers of ``column`` in these events compares as ``op`` says. Of no
number the count is 0, and nothing else is met, not even ``!=``. The last number is that of the latest event, and the largest
of several at one instant. :class:`All` of nothing is met by everybody, :class:`AnyOf` of nothing by nobody.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.association import SMALL
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.events import EventFilter
from analytics.product.segments.segment import Column, Ints, Segment

Function = Literal["count", "sum", "mean", "min", "max", "last"]
Comparison = Literal["=", "!=", "<", "<=", ">", ">="]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_VALUES = ("true", "false")
MEMBER, OTHERS = 1, 2
"""Codes in the column of a cohort."""


class Did(NamedTuple):
    """So many events."""

    events: EventFilter
    from_ms: int
    to_ms: int
    at_least: int = 1
    at_most: int | None = None


class Metric(NamedTuple):
    """A number of the user."""

    events: EventFilter
    from_ms: int
    to_ms: int
    function: Function
    column: str
    op: Comparison
    value: float


class All(NamedTuple):
    """Each of these."""

    parts: tuple[Members, ...]


class AnyOf(NamedTuple):
    """At least one of these."""

    parts: tuple[Members, ...]


class Not(NamedTuple):
    """Not this one."""

    part: Members


class Listed(NamedTuple):
    """One of these hashes, which are in order."""

    users: Ints


Members = Did | Metric | All | AnyOf | Not | Listed


def leaves(members: Members) -> Iterator[Did | Metric]:
    """The conditions on events in a tree."""
    match members:
        case Did() | Metric():
            yield members
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case Listed():
            pass


def members_of(members: Members, users: Ints, days: Sequence[Day]) -> Bools:
    """Whether each of ``users``, distinct hashes in order, meets ``members``; ``days``: all events of these users in the ranges
    of the conditions, in order. Others' count for nothing."""
    match members:
        case Did(events, from_ms, to_ms, at_least, at_most):
            counts = np.zeros(len(users), np.int64)
            for rows in _matching(events, from_ms, to_ms, users, days):
                counts += np.bincount(rows.places, minlength=len(users))
            return (counts >= at_least) & (counts <= at_most if at_most is not None else True)
        case Metric():
            return _compared(members, users, days)
        case All(parts):
            found = np.ones(len(users), np.bool_)
            for part in parts:
                found &= members_of(part, users, days)
            return found
        case AnyOf(parts):
            found = np.zeros(len(users), np.bool_)
            for part in parts:
                found |= members_of(part, users, days)
            return found
        case Not(part):
            return ~members_of(part, users, days)
        case Listed(listed):
            return np.isin(users, listed)


def users_of(days: Iterable[Day]) -> Ints:
    """The distinct users of these days, in order."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *(day.segment.users for day in days)]))


def only(days: Iterable[Day], users: Ints) -> list[Day]:
    """The rows of ``users``, of each day that has any."""
    kept = []
    for day in days:
        segment, chosen = day.segment, np.isin(day.segment.users, users)
        if not chosen.any():
            continue
        rows = np.repeat(chosen, segment.counts)
        columns = {name: _rows(column, rows) for name, column in segment.columns.items()}
        found = Segment(segment.users[chosen], segment.counts[chosen], segment.t[rows], columns, segment.omitted)
        kept.append(Day(day.start_ms, found))
    return kept


def told_apart(days: Iterable[Day], column: str, users: Ints) -> list[Day]:
    """The days with a ``column`` that says of each row whether it is of one of ``users``: `true` or `false`."""
    found = []
    for day in days:
        segment = day.segment
        codes = np.repeat(np.where(np.isin(segment.users, users), MEMBER, OTHERS).astype(np.uint32), segment.counts)
        columns = {**segment.columns, column: Column(codes, _VALUES)}
        found.append(Day(day.start_ms, Segment(segment.users, segment.counts, segment.t, columns, segment.omitted)))
    return found


class _Rows(NamedTuple):
    """Rows that are meant: places of their users, and where they are."""

    places: Ints
    day: Day
    at: Ints


def _matching(events: EventFilter, from_ms: int, to_ms: int, users: Ints, days: Sequence[Day]) -> Iterator[_Rows]:
    if not len(users):
        return
    for day in days:
        if day.start_ms >= to_ms or day.start_ms + DAY_MS <= from_ms:
            continue
        at = events.rows(day.segment)
        t = day.start_ms + day.segment.t[at].astype(np.int64)
        at = at[(t >= from_ms) & (t < to_ms)]
        places = np.minimum(np.searchsorted(users, day.segment.users), len(users) - 1)
        places = np.where(users[places] == day.segment.users, places, -1)
        of_rows = np.repeat(places, day.segment.counts)[at]
        yield _Rows(of_rows[of_rows >= 0], day, at[of_rows >= 0])


def _compared(metric: Metric, users: Ints, days: Sequence[Day]) -> Bools:
    counts, found = np.zeros(len(users), np.int64), _start(metric.function, len(users))
    for rows in _matching(metric.events, metric.from_ms, metric.to_ms, users, days):
        column = rows.day.segment.columns.get(metric.column)
        if column is None or column.numbers is None:
            continue
        values = column.numbers[rows.at]
        known = np.isfinite(values)
        places, values = rows.places[known], values[known]
        counts += np.bincount(places, minlength=len(users))
        match metric.function:
            case "sum" | "mean":
                found += np.bincount(places, values * SMALL, minlength=len(users))
            case "min":
                np.minimum.at(found, places, values)
            case "max":
                np.maximum.at(found, places, values)
            case "last" if len(places):
                of_latest = _of_latest(places, rows.day.segment.t[rows.at][known])
                places, values = places[of_latest], values[of_latest]
                found[places] = -np.inf  # of an earlier day
                np.maximum.at(found, places, values)
            case _:
                pass
    compare = _COMPARE[metric.op]
    if metric.function == "count":
        of_counts: Bools = compare(counts, metric.value)
        return of_counts
    if metric.function == "mean":
        found = found / np.maximum(counts, 1)
    value = metric.value * SMALL if metric.function in ("sum", "mean") else metric.value
    compared: Bools = (counts > 0) & compare(found, value)
    return compared


def _of_latest(places: Ints, t: NDArray[np.int32]) -> Bools:
    """Whether each row is of the latest instant of its user; rows are in the order of users and times, as those of segments."""
    ends = np.flatnonzero(np.r_[places[1:] != places[:-1], True])
    of_latest: Bools = t == np.repeat(t[ends], np.diff(np.r_[-1, ends]))
    return of_latest


def _start(function: Function, users: int) -> NDArray[np.float64]:
    return np.full(users, {"min": np.inf, "max": -np.inf}.get(function, 0.0))


def _rows(column: Column, rows: Bools) -> Column:
    return Column(column.codes[rows], column.values, None if column.numbers is None else column.numbers[rows])
