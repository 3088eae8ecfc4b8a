"""Which series of a metric have rows of their own in an hour. Pure: the decision; it is kept in the table ``admissions``.

A metric has at most so many series in an hour, whichever writers see them, and they are the same in all windows of that hour at
every resolution: a question by the second and one by the hour name the same series. Further ones are counted together under the
label ``other``. Whoever comes first has its place until the hour ends.

A batch that brings many new series at once leaves some of the room to those that bring few: a flood of names does not take the
place of the next name that means something.
"""

from __future__ import annotations

from typing import NamedTuple

from analytics.rollup.cells import Cell
from analytics.rollup.observations import Labels, Series
from drishti.measures.definitions import OTHER

HOUR_S = 3600

FEW = 8
"""New series that a batch may bring to a metric's hour and still use all of its room."""

RESERVE = 5
"""One in so many of the series of a metric's hour is kept for batches that bring few."""

RESERVED_FROM = 50
"""A lower limit of series has no part that is kept."""


class Admitted(NamedTuple):
    """A cell of one second, and the id of the series that it counts for: its own, or that of ``other``."""

    series: Series
    id: int
    cell: Cell


def room(limit: int, admitted: int, new: int) -> int:
    """How many of ``new`` series, which a batch brings, get rows of their own where ``admitted`` have them."""
    left = limit - admitted
    if limit >= RESERVED_FROM and new > FEW:
        left -= limit // RESERVE
    return max(0, min(new, left))


def other(labels: Labels) -> Labels:
    """The labels of the series that has what is beyond the limit."""
    return (OTHER,) * len(labels)


def needs_room(labels: Labels) -> bool:
    """Whether a series counts towards the limit: not ``other``, and not the only one of a metric without labels."""
    return any(value != OTHER for value in labels)
