"""Events of one tenant, day and bucket of users as columns, sorted by user and time. Pure.

A bucket is a sixteenth of all users, by the highest bits of the hash of ``user_id``. Texts are codes into the segment's own
dictionary, so segments are made without any agreement on ids; numbers are floats. Code 0 and NaN stand for a missing value. A
property may be a text in one event and a number in another: then its column has both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from analytics.product.people.bots import PROPERTIES as USER_AGENTS

BUCKETS = 16
BUCKET_BITS = 60
"""Bits of a hash below those that say its bucket."""

MAX_PROPERTIES = 200
"""Properties of a segment that have a column, beside those of :data:`KEPT`."""

MAX_OMITTED = 1_000
"""Names of properties without a column that are remembered."""

ANY = "*"
"""Among the omitted: there were more than are remembered."""

PROPERTY = "data."
"""What the columns of properties begin with; others are fields of the event itself."""

KEPT = frozenset(PROPERTY + name for name in USER_AGENTS)
"""Columns that properties have however many others there are: rules by which people are left out read them."""

OF_USER, OF_ACCOUNT = "user.", "account."
"""What properties of users and accounts begin with, which no stored segment has."""

Ints = NDArray[np.int64]
Codes = NDArray[np.unsignedinteger[Any]]


class Column(NamedTuple):
    """One value for each row: code ``n`` is ``values[n - 1]``. Codes are of whatever width has room for them."""

    codes: Codes
    values: Sequence[str]
    numbers: NDArray[np.float64] | None = None

    def between(self, first: int, end: int) -> Column:
        """Some rows, not copied."""
        numbers = None if self.numbers is None else self.numbers[first:end]
        return Column(self.codes[first:end], self.values, numbers)

    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return not self.codes.any() and (self.numbers is None or bool(np.isnan(self.numbers).all()))


ROWS_OF_SEGMENT = ("users", "counts", "t", "omitted")
"""The columns that say which rows a segment has; the others say something of each."""


class StoredColumn(NamedTuple):
    """A column as the database keeps it."""

    name: str
    data: bytes
    dictionary: bytes | None = None
    numbers: bytes | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """``users`` are distinct and ascending, each with ``counts`` rows; ``t`` is the millisecond of the UTC day. ``omitted`` are
    properties that events have and that have no column here."""

    users: Ints
    counts: NDArray[np.uint32]
    t: NDArray[np.int32]
    columns: Mapping[str, Column] = field(default_factory=dict)
    omitted: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        return len(self.t)

    def of_rows(self) -> Ints:
        """The user of each row."""
        return np.repeat(self.users, self.counts)

    def omits(self, column: str) -> bool:
        """Whether rows may have a value for ``column`` that is not here."""
        return _omits(self.omitted, self.columns, column)


def _omits(omitted: Collection[str], columns: Collection[str], column: str) -> bool:
    return column not in columns and (column in omitted or (ANY in omitted and column.startswith(PROPERTY)))


def bucket_of(users: Ints) -> Ints:
    """The buckets of hashes of users."""
    return (users >> BUCKET_BITS) & (BUCKETS - 1)


def segment(
    users: Ints, t: NDArray[np.int32], columns: Mapping[str, Column], omitted: Iterable[str] = (), keep: Iterable[str] = ()
) -> Segment:
    """The segment of rows in any order. Of too many properties those of ``keep`` come first, then by name."""
    rows, order, names = _sorted(users, t, columns, omitted, keep)
    return replace(rows, columns={name: _used(columns[name], order) for name in names})


def merge(older: Segment, newer: Segment) -> Segment:
    """The rows of both. Properties that ``older`` omits stay omitted: their column would lack its rows."""
    merging = Merging.of(older, older.columns, newer)
    return replace(merging.rows, columns={name: merging.column(name, older.columns.get(name)) for name in merging.names})


@dataclass(frozen=True, eq=False, slots=True)
class Merging:
    """How two segments become one, column by column, so that no more than one of the older segment has to be in memory.
    ``rows`` is the segment of both, still without its columns, which are ``names``."""

    rows: Segment
    names: Sequence[str]
    _order: Ints
    _older_rows: int
    _newer: Segment

    @staticmethod
    def of(older: Segment, columns: Collection[str], newer: Segment) -> Merging:
        """``columns`` are those that ``older`` has, whether they are there or not."""
        every = {*columns, *newer.columns}
        lost = {name for name in every if _omits(older.omitted, columns, name) or newer.omits(name)}
        rows, order, names = _sorted(
            np.concatenate([older.of_rows(), newer.of_rows()]),
            np.concatenate([older.t, newer.t]),
            sorted(every - lost),
            older.omitted | newer.omitted | lost,
            columns,
        )
        return Merging(rows, names, order, older.rows, newer)

    def column(self, name: str, older: Column | None) -> Column:
        """The column of both, where the older segment has this one."""
        return _used(_joined(older, self._older_rows, self._newer.columns.get(name), self._newer.rows), self._order)


def _sorted(
    users: Ints, t: NDArray[np.int32], columns: Collection[str], omitted: Iterable[str], keep: Iterable[str]
) -> tuple[Segment, Ints, list[str]]:
    """A segment without its columns, the order of its rows, and which columns it is to have."""
    order = np.lexsort((t, users))
    users = users[order]
    starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]]) if len(users) else np.empty(0, np.int64)
    counts = np.diff(np.r_[starts, len(users)]).astype(np.uint32)
    first = set(keep)
    others = (name for name in columns if name.startswith(PROPERTY) and name not in KEPT)
    properties = sorted(others, key=lambda name: (name not in first, name))
    without = set(properties[MAX_PROPERTIES:])
    names = [name for name in columns if name not in without]
    return Segment(users[starts], counts, t[order], omitted=_bounded(without.union(omitted).difference(names))), order, names


def cut_at(given: Segment, bounds: Ints) -> list[Segment]:
    """The rows of users below the first of ``bounds``, which are ascending, those up to the next, and so on; not copied."""
    users = [0, *np.searchsorted(given.users, bounds).tolist(), len(given.users)]
    rows = np.r_[0, np.cumsum(given.counts, dtype=np.int64)][users].tolist()
    return [
        Segment(
            given.users[first:end],
            given.counts[first:end],
            given.t[row:last],
            {name: column.between(row, last) for name, column in given.columns.items()},
            given.omitted,
        )
        for (first, end), (row, last) in zip(pairwise(users), pairwise(rows), strict=True)
    ]


def encode(given: Segment) -> Iterator[StoredColumn]:
    """All columns of a segment."""
    yield StoredColumn("users", given.users.astype("<i8").tobytes())
    yield StoredColumn("counts", given.counts.astype("<u4").tobytes())
    yield StoredColumn("t", given.t.astype("<i4").tobytes())
    if given.omitted:
        yield StoredColumn("omitted", b"", msgspec.json.encode(sorted(given.omitted)))
    for name, column in given.columns.items():
        yield encode_column(name, column)


def encode_column(name: str, column: Column) -> StoredColumn:
    """As the database keeps it."""
    numbers = None if column.numbers is None else column.numbers.astype("<f8", copy=False).tobytes()
    dictionary = msgspec.json.encode(list(column.values))
    codes = column.codes.astype(_width(len(column.values)), copy=False).tobytes()
    return StoredColumn(name, codes, dictionary, numbers)


def _width(values: int) -> str:
    return "<u1" if values < 1 << 8 else "<u2" if values < 1 << 16 else "<u4"


_names = msgspec.json.Decoder(list[str])


def decode(stored: Iterable[StoredColumn]) -> Segment:
    """The segment of these columns, of which all but ``users`` may be left out. Without ``t`` all rows are of the beginning of
    the day; without ``counts``, which other columns need, each user has one row."""
    found = {column.name: column for column in stored}
    users = np.frombuffer(found.pop("users").data, "<i8")
    counts = np.frombuffer(found.pop("counts").data, "<u4") if "counts" in found else np.ones(len(users), np.uint32)
    rows = int(counts.sum())
    t = np.frombuffer(found.pop("t").data, "<i4") if "t" in found else np.zeros(rows, np.int32)
    omitted = found.pop("omitted", None)
    columns = {name: decode_column(column, rows) for name, column in found.items()}
    return Segment(users, counts, t, columns, frozenset(dictionary_of(omitted) if omitted else ()))


def dictionary_of(stored: StoredColumn) -> list[str]:
    """The values that a stored column can have."""
    return _names.decode(stored.dictionary or b"[]")


def decode_column(stored: StoredColumn, rows: int) -> Column:
    """Of so many rows."""
    width = len(stored.data) // rows
    codes: Codes = np.frombuffer(stored.data, f"<u{width}")
    numbers = None if stored.numbers is None else np.frombuffer(stored.numbers, "<f8")
    return Column(codes, dictionary_of(stored), numbers)


def _used(column: Column, order: Ints) -> Column:
    """The rows of ``order``, and of the dictionary what they use."""
    codes = column.codes[order]
    used = np.flatnonzero(np.bincount(codes, minlength=1)[1:]) + 1
    places = np.zeros(len(column.values) + 1, _width(len(used)))
    places[used] = np.arange(1, len(used) + 1)
    numbers = None if column.numbers is None else column.numbers[order]
    if numbers is not None and np.isnan(numbers).all():
        numbers = None
    return Column(places[codes], [column.values[code - 1] for code in used.tolist()], numbers)


def _joined(first: Column | None, n: int, second: Column | None, m: int) -> Column:
    a = first or Column(np.zeros(n, np.uint8), ())
    b = second or Column(np.zeros(m, np.uint8), ())
    places = {value: code for code, value in enumerate(a.values, 1)}
    codes = [0, *(places.setdefault(value, len(places) + 1) for value in b.values)]
    lut = np.array(codes, _width(len(places)))
    numbers: Any = None
    if a.numbers is not None or b.numbers is not None:
        numbers = np.concatenate([np.full(rows, np.nan) if of.numbers is None else of.numbers for of, rows in ((a, n), (b, m))])
    return Column(np.concatenate([a.codes, lut[b.codes]]), list(places), numbers)


def _bounded(names: set[str]) -> frozenset[str]:
    if len(names) <= MAX_OMITTED:
        return frozenset(names)
    return frozenset([ANY, *sorted(names - {ANY})[: MAX_OMITTED - 1]])
