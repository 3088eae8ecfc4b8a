"""How the values of a distribution are spread: counted in ranges whose bounds are those of buckets, so exactly. Pure.

The ranges of one answer are the same for all its groups and steps, and as many times as wide as the one below each: buckets are
(:mod:`analytics.rollup.histogram`), and a range is some of them. The first begins with the least value, the last ends with the
largest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.query.readings import Cells, Group
from analytics.rollup.buckets import Buckets, Integers
from analytics.rollup.histogram import bounds_of_keys

MAX_BINS = 100


class Bins(NamedTuple):
    """``edges`` are the bounds of the ranges, one more than these; ``totals`` the counts of each group over all steps, and
    ``steps`` those of each step in which something was seen, by its place."""

    edges: list[float]
    totals: list[list[int]]
    steps: list[list[tuple[int, list[int]]]]


def bins(cells: Cells, groups: list[Group], most: int) -> Bins:
    """The values of each of ``groups`` in at most ``most`` ranges; fewer where they are close to each other."""
    nothing = Bins([], [[] for _ in groups], [[] for _ in groups])
    totals = cells.totals()
    if totals.buckets is None or cells.columns.buckets is None or not len(totals.buckets.keys):
        return nothing
    keys = totals.buckets.keys
    low, high = int(keys.min()), int(keys.max())
    count = min(most, high - low + 1)
    cuts = low + -(-np.arange(count + 1, dtype=np.int64) * (high - low + 1) // count)
    edges = bounds_of_keys(cuts)
    edges[0], edges[-1] = np.fmin.reduce(totals.min), np.fmax.reduce(totals.max)
    by_group = _counted(totals.buckets, cuts, len(cells.groups))
    by_cell = _counted(cells.columns.buckets, cuts, len(cells.group))
    places = {group: place for place, group in enumerate(cells.groups)}
    found = nothing._replace(edges=edges.tolist())
    for at, group in enumerate(groups):
        place = places.get(group)
        if place is None:
            continue
        found.totals[at] = by_group[place].tolist()
        for cell in np.flatnonzero(cells.group == place).tolist():
            found.steps[at].append((int(cells.place[cell]), by_cell[cell].tolist()))
    return found


def _counted(buckets: Buckets, cuts: Integers, size: int) -> Integers:
    """The counts of each owner in each range between ``cuts``."""
    count = len(cuts) - 1
    place = buckets.owners * count + np.searchsorted(cuts, buckets.keys, side="right") - 1
    found: Integers = np.zeros(size * count, np.int64)
    np.add.at(found, place, buckets.counts)
    return found.reshape(size, count)
