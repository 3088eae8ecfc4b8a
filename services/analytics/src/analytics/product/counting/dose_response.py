"""Dose and response: what users do later, by what they met in their first time. Pure.

Definition
----------
A user takes part who has an event that matches ``start`` in ``[from, to)``; the first of them is at t0. What is met from t0
until ``exposure`` later (that instant excluded) is the dose, and what is done from then until ``within`` later (excluded) is
the response: a dose can have no part in its response. A user whose response is not over at ``as_of`` is not counted yet.

Dose: the number of events that match ``dose``; or the mean or the largest of a numeric property of them, rounded to six digits,
which a user without such an event does not have: those are ``without_dose``.
Response: whether there is an event that matches ``response``; or the number of UTC days with one.

Stratum of a user for a column: its value in the event at t0 (of several at that instant the first by name, none before any).
For ``activity``: the number of events that match ``start`` in the time of the dose, as 1, 2-3, 4-7 and so on.

How it is computed
------------------
Of each user four numbers are kept, so that ranges of doses can be cut where an equal share of all users lies between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.association import means
from analytics.product.counting.breakdowns import Labels, by_name, check_values, labels_of
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.event_order import no_labels
from analytics.product.counting.events import TYPE, EventFilter
from analytics.product.counting.ordering import ranks
from analytics.product.segments.segment import Ints

ACTIVITY = "activity"

Measure = Literal["count", "mean", "max"]
Floats = NDArray[np.float64]

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class DoseResponse:
    """Times in ms since 1970. ``value``: the column that is measured, for all but ``count``. ``strata``: columns, or
    :data:`ACTIVITY`."""

    start: EventFilter
    dose: EventFilter
    measure: Measure
    value: str = ""
    response: EventFilter
    days: bool = False
    exposure_ms: int
    within_ms: int
    from_ms: int
    to_ms: int
    strata: Sequence[str] = ()

    @property
    def until_ms(self) -> int:
        """Where the last response ends."""
        return self.to_ms + self.exposure_ms + self.within_ms

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        strata = {name for name in self.strata if name != ACTIVITY}
        value = {self.value} if self.value else set()
        return {TYPE} | self.start.columns | self.dose.columns | self.response.columns | strata | value

    def no_labels(self) -> dict[str, Labels]:
        """For each stratum no value but that there is none."""
        return no_labels(self.strata)


@dataclass(frozen=True)
class Met:
    """Users, one row each: ``over`` is when the response was over, ``strata`` has a code for each name."""

    users: Ints
    doses: Floats
    responses: Ints
    over: Ints
    strata: NDArray[np.int64]


@dataclass(kw_only=True)
class DoseResponses:
    """What was met and done, bucket by bucket. ``labels``: values of a stratum by their codes."""

    labels: dict[str, Labels]
    parts: list[Met] = field(default_factory=list)

    def all(self) -> Met:
        """The users of all buckets."""
        if not self.parts:
            nothing = np.empty(0, np.int64)
            return Met(nothing, np.empty(0), nothing, nothing, np.empty((0, len(self.labels)), np.int64))
        columns = ("users", "doses", "responses", "over", "strata")
        return Met(*(np.concatenate([getattr(part, name) for part in self.parts]) for name in columns))


@dataclass(frozen=True)
class _Rows:
    """Rows that match anything, with a number for each user of the bucket."""

    users: Ints
    t: Ints
    starts: NDArray[np.bool_]
    doses: NDArray[np.bool_]
    responses: NDArray[np.bool_]
    values: Floats
    strata: NDArray[np.int64]


def count_bucket(asked: DoseResponse, days: Iterable[Day], found: DoseResponses) -> None:
    """Adds the users of one bucket; ``days`` in order. Raises :class:`TooManyValues`."""
    met = of_bucket(asked, days, found.labels)
    check_values(found.labels)
    if len(met.users):
        found.parts.append(met)


def of_bucket(asked: DoseResponse, days: Iterable[Day], labels: dict[str, Labels]) -> Met:
    """The users of one bucket, by their hashes; new values of strata are added to ``labels``."""
    given = list(days)
    hashes = np.unique(np.concatenate([np.empty(0, np.int64), *(day.segment.users for day in given)]))
    rows = _matching(asked, given, labels)
    count = len(hashes)
    first = np.full(count, _NEVER)
    np.minimum.at(first, rows.users[rows.starts], rows.t[rows.starts])
    since = np.where(first[rows.users] == _NEVER, -1, rows.t - first[rows.users])
    while_exposed = (since >= 0) & (since < asked.exposure_ms)
    later = (since >= asked.exposure_ms) & (since < asked.exposure_ms + asked.within_ms) & rows.responses
    exposed = np.flatnonzero(while_exposed & rows.doses)
    who = np.flatnonzero(first != _NEVER)
    return Met(
        hashes[who],
        _doses(asked, rows.users[exposed], rows.values[exposed], count)[who],
        _responses(asked, rows.users[later], rows.t[later], count)[who],
        first[who] + asked.exposure_ms + asked.within_ms,
        _strata(asked, rows, since, while_exposed, labels, count)[who],
    )


def _doses(asked: DoseResponse, users: Ints, values: Floats, count: int) -> Floats:
    times = np.bincount(users, minlength=count)
    if asked.measure == "count":
        return times.astype(np.float64)
    if asked.measure == "max":
        largest = np.full(count, -np.inf)
        np.maximum.at(largest, users, values)
        return np.where(times > 0, largest, np.nan)
    found = means(users, values, count)
    with np.errstate(over="ignore"):
        rounded = np.round(found, 6)
    return np.where(np.isinf(rounded), found, rounded)


def _responses(asked: DoseResponse, users: Ints, t: Ints, count: int) -> Ints:
    if not asked.days:
        return (np.bincount(users, minlength=count) > 0).astype(np.int64)
    last = int(t.max()) // DAY_MS + 1 if len(t) else 1
    return np.bincount(np.unique(users * last + t // DAY_MS) // last, minlength=count).astype(np.int64)


def _strata(
    asked: DoseResponse, rows: _Rows, since: Ints, while_exposed: NDArray[np.bool_], labels: dict[str, Labels], count: int
) -> NDArray[np.int64]:
    found = np.zeros((count, len(asked.strata)), np.int64)
    at = np.flatnonzero(rows.starts & (since == 0))
    for place, name in enumerate(asked.strata):
        of_name = labels[name]
        if name == ACTIVITY:
            times = np.bincount(rows.users[rows.starts & while_exposed], minlength=count)
            power = np.frexp(np.maximum(times, 1))[1] - 1
            used, places = np.unique(power, return_inverse=True)
            codes = [of_name.setdefault(_activity(int(one)), len(of_name)) for one in used]
            found[:, place] = np.array(codes, np.int64)[places] if len(codes) else 0
            continue
        if not len(at):
            continue
        rank = by_name(of_name)
        least = np.full(count, _NEVER)
        np.minimum.at(least, rows.users[at], rank[rows.strata[at, place]])
        of_rank = np.argsort(rank)
        found[:, place] = of_rank[np.where(least == _NEVER, 0, least)]
    return found


def _activity(power: int) -> str:
    least = 1 << power
    return "1" if power == 0 else f"{least}-{2 * least - 1}"


def _matching(asked: DoseResponse, days: Sequence[Day], labels: dict[str, Labels]) -> _Rows:
    parts = []
    for day, rank in zip(days, ranks([day.segment.users for day in days]), strict=True):
        segment = day.segment
        t = day.start_ms + segment.t.astype(np.int64)
        at = np.flatnonzero((t >= asked.from_ms) & (t < asked.until_ms))
        starts = asked.start.of(segment, at) & (t[at] < asked.to_ms)
        doses, responses = asked.dose.of(segment, at), asked.response.of(segment, at)
        values = np.full(len(at), np.nan)
        if asked.measure != "count":
            column = segment.columns.get(asked.value)
            if column is not None and column.numbers is not None:
                values = column.numbers[at]
            doses = doses & np.isfinite(values)
        wanted = starts | doses | responses
        at, users = at[wanted], np.repeat(rank, segment.counts)[at[wanted]]
        strata = np.zeros((len(at), len(asked.strata)), np.int64)
        for place, name in enumerate(asked.strata):
            if name != ACTIVITY:
                strata[:, place] = labels_of(name, segment, at, labels[name])
        parts.append(_Rows(users, t[at], starts[wanted], doses[wanted], responses[wanted], values[wanted], strata))
    if not parts:
        nothing, none = np.empty(0, np.int64), np.empty(0, np.bool_)
        return _Rows(nothing, nothing, none, none, none, np.empty(0), np.empty((0, len(asked.strata)), np.int64))
    names = ("users", "t", "starts", "doses", "responses", "values", "strata")
    return _Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
