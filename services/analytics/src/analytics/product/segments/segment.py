"""Events of one tenant, day and bucket of users as columns, sorted by user and time. Pure.

A bucket is a sixteenth of all users, by the highest bits of the hash of ``user_id``. Texts are codes into the segment's own
dictionary, so segments are made without any agreement on ids; numbers are floats. Code 0 and NaN stand for a missing value. A
property may be a text in one event and a number in another: then its column has both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

BUCKETS = 16

MAX_PROPERTIES = 200
"""Properties of a segment that have a column."""

MAX_OMITTED = 1_000
"""Names of properties without a column that are remembered."""

ANY = "*"
"""Among the omitted: there were more than are remembered."""

PROPERTY = "data."
"""What the columns of properties begin with; others are fields of the event itself."""

Ints = NDArray[np.int64]
Codes = NDArray[np.unsignedinteger[Any]]


class Column(NamedTuple):
    """One value for each row: code ``n`` is ``values[n - 1]``. Codes are of whatever width has room for them."""

    codes: Codes
    values: Sequence[str]
    numbers: NDArray[np.float64] | None = None

    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return not self.codes.any() and (self.numbers is None or bool(np.isnan(self.numbers).all()))


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
        return column not in self.columns and (column in self.omitted or (ANY in self.omitted and column.startswith(PROPERTY)))


def bucket_of(users: Ints) -> Ints:
    """The buckets of hashes of users."""
    return (users >> 60) & (BUCKETS - 1)


def segment(
    users: Ints, t: NDArray[np.int32], columns: Mapping[str, Column], omitted: Iterable[str] = (), keep: Iterable[str] = ()
) -> Segment:
    """The segment of rows in any order. Of too many properties those of ``keep`` come first, then by name."""
    order = np.lexsort((t, users))
    users = users[order]
    starts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]]) if len(users) else np.empty(0, np.int64)
    counts = np.diff(np.r_[starts, len(users)]).astype(np.uint32)
    first = set(keep)
    properties = sorted((name for name in columns if name.startswith(PROPERTY)), key=lambda name: (name not in first, name))
    without = set(properties[MAX_PROPERTIES:])
    kept = {name: _used(column, order) for name, column in columns.items() if name not in without}
    return Segment(users[starts], counts, t[order], kept, _bounded(without.union(omitted) - kept.keys()))


def merge(older: Segment, newer: Segment) -> Segment:
    """The rows of both. Properties that ``older`` omits stay omitted: their column would lack its rows."""
    n, m = older.rows, newer.rows
    omitted = older.omitted | newer.omitted
    columns = {}
    lost = set()
    for name in sorted({*older.columns, *newer.columns}):
        if older.omits(name) or newer.omits(name):
            lost.add(name)
            continue
        columns[name] = _joined(older.columns.get(name), n, newer.columns.get(name), m)
    users = np.concatenate([older.of_rows(), newer.of_rows()])
    return segment(users, np.concatenate([older.t, newer.t]), columns, omitted | lost, keep=older.columns)


def encode(given: Segment) -> list[StoredColumn]:
    """All columns of a segment."""
    stored = [
        StoredColumn("users", given.users.astype("<i8").tobytes()),
        StoredColumn("counts", given.counts.astype("<u4").tobytes()),
        StoredColumn("t", given.t.astype("<i4").tobytes()),
    ]
    for name, column in given.columns.items():
        width = "<u1" if len(column.values) < 1 << 8 else "<u2" if len(column.values) < 1 << 16 else "<u4"
        numbers = None if column.numbers is None else column.numbers.astype("<f8").tobytes()
        dictionary = msgspec.json.encode(list(column.values))
        stored.append(StoredColumn(name, column.codes.astype(width).tobytes(), dictionary, numbers))
    if given.omitted:
        stored.append(StoredColumn("omitted", b"", msgspec.json.encode(sorted(given.omitted))))
    return stored


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
    columns = {name: _column(column, rows) for name, column in found.items()}
    return Segment(users, counts, t, columns, frozenset(dictionary_of(omitted) if omitted else ()))


def dictionary_of(stored: StoredColumn) -> list[str]:
    """The values that a stored column can have."""
    return _names.decode(stored.dictionary or b"[]")


def _column(stored: StoredColumn, rows: int) -> Column:
    width = len(stored.data) // rows
    codes: Codes = np.frombuffer(stored.data, f"<u{width}")
    numbers = None if stored.numbers is None else np.frombuffer(stored.numbers, "<f8")
    return Column(codes, dictionary_of(stored), numbers)


def _used(column: Column, order: Ints) -> Column:
    """The rows of ``order``, and of the dictionary what they use."""
    used, codes = np.unique(np.r_[np.uint32(0), column.codes[order]], return_inverse=True)
    numbers = None if column.numbers is None else column.numbers[order]
    if numbers is not None and np.isnan(numbers).all():
        numbers = None
    return Column(codes[1:].astype(np.uint32), [column.values[code - 1] for code in used[1:].tolist()], numbers)


def _joined(first: Column | None, n: int, second: Column | None, m: int) -> Column:
    a = first or Column(np.zeros(n, np.uint32), ())
    b = second or Column(np.zeros(m, np.uint32), ())
    places = {value: code for code, value in enumerate(a.values, 1)}
    lut = np.array([0, *(places.setdefault(value, len(places) + 1) for value in b.values)], np.uint32)
    numbers: Any = None
    if a.numbers is not None or b.numbers is not None:
        numbers = np.concatenate([np.full(rows, np.nan) if of.numbers is None else of.numbers for of, rows in ((a, n), (b, m))])
    return Column(np.concatenate([a.codes, lut[b.codes]]), list(places), numbers)


def _bounded(names: set[str]) -> frozenset[str]:
    if len(names) <= MAX_OMITTED:
        return frozenset(names)
    return frozenset([ANY, *sorted(names - {ANY})[: MAX_OMITTED - 1]])
