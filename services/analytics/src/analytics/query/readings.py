"""What is read for a question, and what was read: cells by group and step. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from analytics.query.columns import Columns, Integers, Numbers
from analytics.query.steps import Steps
from analytics.rollup.buckets import Buckets
from analytics.rollup.histogram import COUNT_TYPES
from analytics.storage.rows import Record
from drishti.errors import QueryError

MAX_ROWS = 100_000
"""Rows of rollups with histograms or sketches that are read for one term, and groups and steps of any: more take seconds."""

HISTOGRAMS, UNIQUES, COUNTS = "histograms_by_step", "uniques_by_step", "counts_by_step"

COUNT_TYPE_OF_WIDTH = {np.dtype(kind).itemsize: kind for kind in COUNT_TYPES}

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
    """What was read: a cell for each group and step in which something was seen. ``group`` is a place in ``groups``. The cells
    of a group are in the order of their steps."""

    __slots__ = ("_totals", "columns", "group", "groups", "place")

    def __init__(
        self, groups: list[Group], group: Integers, place: Integers, columns: Columns, totals: Columns | None = None
    ) -> None:
        """``totals``: all steps of each group together, where that is known already."""
        self.groups = groups
        self.group = group
        self.place = place
        self.columns = columns
        self._totals = totals

    def totals(self) -> Columns:
        """All steps of each group together."""
        if self._totals is None:
            self._totals = self.columns.merged(self.group, len(self.groups))
        return self._totals

    def renamed(self, name: Callable[[Group], Group]) -> Cells:
        """With each group under its new ``name``; those with the same one are merged."""
        names = [name(group) for group in self.groups]
        groups = list(dict.fromkeys(names))
        if len(groups) == len(names):
            return Cells(groups, self.group, self.place, self.columns, self._totals)
        places = {group: place for place, group in enumerate(groups)}
        of = np.array([places[group] for group in names], np.int64)
        found, owners = _owners(of[self.group], self.place)
        totals = None if self._totals is None else self._totals.merged(of, len(groups))
        return Cells(groups, found >> 32, found & 0xFFFFFFFF, self.columns.merged(owners, len(found)), totals)


def rows_read(records: Sequence[Record]) -> int:
    """How many rows what was read is out of."""
    return sum(len(record["steps"]) for record in records) // 4


def cells(reading: Reading, records: Sequence[Record], steps: Steps, *, field: str) -> Cells:
    """The cells out of what was read; raises :class:`QueryError` that names ``field`` where it is too much."""
    if rows_read(records) > MAX_ROWS:
        raise QueryError(
            f"more than {MAX_ROWS} rows of {steps.rollup}: ask for a shorter range, a coarser resolution, or fewer labels",
            field=field,
        )
    names = [tuple(record[name] for name in ("one", "two", "three")[: len(reading.names)]) for record in records]
    groups = sorted(set(names))
    places = {group: place for place, group in enumerate(groups)}
    lengths = [len(record["steps"]) // 4 for record in records]
    group = np.repeat(np.array([places[name] for name in names], np.int64), lengths)
    found, owners = _owners(group, _column(records, "steps", ">i4").astype(np.int64) - 1)
    columns = _columns(reading.statement, records, len(group)).merged(owners, len(found))
    if reading.statement == HISTOGRAMS:
        columns.buckets = _buckets(records, owners)
    return Cells(groups, found >> 32, found & 0xFFFFFFFF, columns)


def _owners(group: Integers, place: Integers) -> tuple[Integers, Integers]:
    """Every group and step, as one number each and in order, and which of these each entry is of."""
    keys = (group << 32) + place
    if (np.diff(keys) > 0).all():
        return keys, np.arange(len(keys))
    found, owners = np.unique(keys, return_inverse=True)
    return found, owners.reshape(-1)


def _columns(statement: str, records: Sequence[Record], size: int) -> Columns:
    """Of ``size`` rows, all but their histograms."""
    nothing, none = np.zeros(size, np.int64), np.full(size, np.nan)
    if statement == UNIQUES:
        sketches: list[Sequence[bytes]] = [
            () if sketch is None else (sketch,) for record in records for sketch in record["sketches"]
        ]
        return Columns(count=nothing, errors=nothing, sum=np.zeros(size), min=none, max=none, sketches=sketches)
    least, most = _column(records, "min", ">f8"), _column(records, "max", ">f8")
    if statement == HISTOGRAMS:
        return Columns(count=nothing, errors=nothing, sum=np.zeros(size), min=least, max=most)
    return Columns(
        count=_column(records, "count", ">i8"),
        errors=_column(records, "errors", ">i8"),
        sum=_column(records, "sum", ">f8"),
        min=least,
        max=most,
    )


def _column(records: Sequence[Record], name: str, kind: str) -> Numbers:
    """The numbers of one column, which stand one behind the other in the byte string of each record."""
    numbers = np.frombuffer(b"".join([record[name] or b"" for record in records]), kind)
    return numbers.astype(numbers.dtype.newbyteorder("="))


def _buckets(records: Sequence[Record], owners: Integers) -> Buckets:
    """The histograms that were read, those of the same of ``owners`` merged; raises :class:`ValueError` for what is none."""
    sizes = _column(records, "sizes", ">i4").astype(np.int64)
    keys = _column(records, "keys", "<i2")
    counts = [_counts(record["width"], record["counts"] or b"") for record in records]
    found = np.concatenate(counts) if counts else keys
    if len(keys) != sizes.sum() or len(found) != len(keys):
        raise ValueError("a histogram that was cut short")
    return Buckets.of_histograms(owners, sizes, keys, found)


def _counts(width: int | None, stored: bytes) -> Numbers:
    """The counts of histograms that have ``width`` bytes for each; 0: of none."""
    if width is None:
        raise ValueError("not a histogram of a known version")
    kind = COUNT_TYPE_OF_WIDTH[max(width, 1)]
    if len(stored) % max(width, 1):
        raise ValueError("a histogram that was cut short")
    return np.frombuffer(stored, kind)
