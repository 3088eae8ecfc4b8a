"""What is read for a question, and what was read: cells by group and step. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analytics.query.columns import Columns, Integers, floats
from analytics.query.steps import Steps
from analytics.rollup.buckets import Buckets
from analytics.storage.rows import Record
from drishti.errors import QueryError

MAX_ROWS = 100_000
"""Rows of rollups with histograms or sketches that are read for one term, and groups and steps of any: more take seconds."""

HISTOGRAMS, UNIQUES, COUNTS = "histograms_by_step", "uniques_by_step", "counts_by_step"

Group = tuple[str, ...]


class Reading(NamedTuple):
    """One metric's rows whose labels hold ``labels`` (JSON) and meet ``path``, kept apart by the labels ``names``.

    ``statement``: which columns of them are read.
    """

    statement: str
    metric: str
    labels: str
    path: str
    names: tuple[str, ...]


class Cells:
    """What was read: a cell for each group and step in which something was seen, ordered by both. ``group`` is a place in
    ``groups``, which are sorted."""

    __slots__ = ("columns", "group", "groups", "place")

    def __init__(self, groups: list[Group], group: Integers, place: Integers, columns: Columns) -> None:
        self.groups = groups
        self.group = group
        self.place = place
        self.columns = columns

    def totals(self) -> Columns:
        """All steps of each group together."""
        return self.columns.merged(self.group, len(self.groups))

    def renamed(self, name: Callable[[Group], Group]) -> Cells:
        """With each group under its new ``name``; those with the same one are merged."""
        names = [name(group) for group in self.groups]
        groups = sorted(set(names))
        places = {group: place for place, group in enumerate(groups)}
        return merged(groups, np.array([places[group] for group in names], np.int64)[self.group], self.place, self.columns)


def merged(groups: list[Group], group: Integers, place: Integers, columns: Columns) -> Cells:
    """The cells out of ``columns`` in any order, of which some may be of the same group and step."""
    keys = (group << 32) + place
    if (np.diff(keys) > 0).all():
        return Cells(groups, group, place, columns)
    found, owners = np.unique(keys, return_inverse=True)
    return Cells(groups, found >> 32, found & 0xFFFFFFFF, columns.merged(owners.reshape(-1), len(found)))


def cells(reading: Reading, records: Sequence[Record], steps: Steps, *, field: str) -> Cells:
    """The cells out of the rows that were read; raises :class:`QueryError` that names ``field`` where they are too many."""
    if len(records) > MAX_ROWS:
        raise _too_many(steps, field)
    width = len(reading.names)
    names: list[Group] = [()] * len(records)
    if width:
        names = list(zip(*([record[name] for record in records] for name in ("one", "two", "three")[:width]), strict=True))
    groups = sorted(set(names))
    places = {group: place for place, group in enumerate(groups)}
    group = np.array([places[name] for name in names], np.int64)
    place = np.array([record["step"] for record in records], np.int64) - 1
    columns = _columns(reading.statement, records)
    if columns is None:
        raise _too_many(steps, field)
    return merged(groups, group, place, columns)


def _columns(statement: str, records: Sequence[Record]) -> Columns | None:
    """``None`` where they are out of more rows than :data:`MAX_ROWS`."""

    def column(name: str) -> list[Any]:
        return [record[name] for record in records]

    def parts(name: str) -> list[Any]:
        return [found or b"" for found in column(name)]

    nothing = np.zeros(len(records), np.int64)
    if statement == UNIQUES:
        sketches: list[Sequence[bytes]] = [found or () for found in column("sketches")]
        if sum(map(len, sketches)) > MAX_ROWS:
            return None
        none = np.full(len(records), np.nan)
        return Columns(count=nothing, errors=nothing, sum=nothing.astype(np.float64), min=none, max=none, sketches=sketches)
    least, most = floats(column("min")), floats(column("max"))
    if statement == HISTOGRAMS:
        lengths = parts("lengths")
        if sum(map(len, lengths)) > 4 * MAX_ROWS:
            return None
        buckets = Buckets.of_stored(parts("histograms"), lengths)
        return Columns(count=nothing, errors=nothing, sum=nothing.astype(np.float64), min=least, max=most, buckets=buckets)
    return Columns(
        count=np.array(column("count"), np.int64),
        errors=np.array(column("errors"), np.int64),
        sum=floats(column("sum")),
        min=least,
        max=most,
    )


def _too_many(steps: Steps, field: str) -> QueryError:
    return QueryError(
        f"more than {MAX_ROWS} rows of {steps.rollup}: ask for a shorter range, a coarser resolution, or fewer labels",
        field=field,
    )
