"""The ids under which events of a segment were sent, beside the persons whose they are; rows that become another's. Pure.

``users`` of a segment are persons. A row whose own id is another one has its hash in the column :data:`OWN`, as a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.product.segments.segment import ANY, Column, Ints, Segment, segment

OWN = "own_id"


@dataclass(frozen=True, eq=False, slots=True)
class Moves:
    """``ids``, ascending hashes, are of the persons ``to`` now, one for each; segments say that they are of ``before``."""

    ids: Ints
    to: Ints
    before: Ints

    @staticmethod
    def of(moves: Iterable[tuple[int, int, int]]) -> Moves:
        """Of ids, persons before, and persons now."""
        ordered = np.array(sorted(moves), np.int64).reshape(-1, 3)
        return Moves(ordered[:, 0], ordered[:, 2], ordered[:, 1])

    def persons(self, of: Segment, own: Ints) -> Ints:
        """The person of each row, as it is now."""
        return self.now(own, of.of_rows())

    def now(self, ids: Ints, persons: Ints) -> Ints:
        """The persons of these ids as they are now, of whom segments say that they are ``persons``."""
        if not len(self.ids):
            return persons
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        found: Ints = np.where(self.ids[at] == ids, self.to[at], persons)
        return found


def own_ids(of: Segment) -> Ints:
    """The hash of the id under which each row was sent."""
    return with_own(of.of_rows(), of.columns.get(OWN))


def with_own(persons: Ints, column: Column | None) -> Ints:
    """``persons``, or what ``column`` has instead."""
    if column is None:
        return persons
    hashes = np.array([0, *map(int, column.values)], np.int64)
    own: Ints = np.where(column.codes > 0, hashes[column.codes], persons)
    return own


def own_column(persons: Ints, own: Ints) -> Column | None:
    """What says that rows of ``persons`` were sent under the ids ``own``; ``None`` where these are the same."""
    other = np.flatnonzero(persons != own)
    if not len(other):
        return None
    hashes, codes = np.unique(own[other], return_inverse=True)
    column = np.zeros(len(own), np.uint32)
    column[other] = codes + 1
    return Column(column, list(map(str, hashes.tolist())))


def rows_of(of: Segment, chosen: NDArray[np.bool_], persons: Ints, own: Ints) -> Segment:
    """The ``chosen`` rows, as those of ``persons``, who are given for each row of the segment."""
    columns: Mapping[str, Column] = {
        name: Column(column.codes[chosen], column.values, None if column.numbers is None else column.numbers[chosen])
        for name, column in of.columns.items()
        if name != OWN
    }
    if ANY not in of.omitted:  # else a column says that nothing of it was omitted
        columns = {name: column for name, column in columns.items() if not column.is_empty()}
    if (sent := own_column(persons[chosen], own[chosen])) is not None:
        columns = {**columns, OWN: sent}
    return segment(persons[chosen], of.t[chosen], columns, of.omitted, keep=of.columns)
