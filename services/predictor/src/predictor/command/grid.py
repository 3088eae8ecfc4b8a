"""Rows on an even grid, as forecasts need them: the spacing is found, gaps are gaps. Pure.

The spacing is the median distance between neighbouring times. Each row goes to the nearest place; of several rows in one place
the last one counts. A file that is mostly gap (:data:`SPARSEST`) has no spacing that means anything, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from predictor.command.rows import Row
from predictor.errors import UnreadableInput
from predictor.ring import Floats

SPARSEST = 50
"""Places of the grid for each row."""

ALONE_S = 60.0
"""What one row alone is taken to be apart from the next."""


@dataclass(frozen=True)
class Grid:
    """``values`` (NaN: missing), the first at ``start`` (seconds since 1970), each ``step`` seconds after the one before."""

    start: float
    step: float
    values: Floats

    def times(self, first: int = 0, count: int | None = None) -> Floats:
        """Seconds since 1970 of ``count`` places from ``first`` on; they may lie behind the last value."""
        places = np.arange(first, first + (len(self.values) if count is None else count))
        result: Floats = self.start + self.step * places.astype(np.float64)
        return result


def lay(rows: Iterable[Row]) -> Grid:
    """The rows that have a time, in order of time. Raises :class:`UnreadableInput`."""
    pairs = [(row.at, row.value) for row in rows if row.at == row.at]
    if not pairs:
        raise UnreadableInput("there is no row in it after the header")
    at, values = np.array(pairs).T
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    apart = np.diff(at)
    step = float(np.median(apart[apart > 0])) if (apart > 0).any() else ALONE_S
    place = np.rint((at - at[0]) / step).astype(np.int64)
    if place[-1] >= SPARSEST * len(place):
        raise UnreadableInput(
            f"the rows are {step:g} s apart, but would fill only {len(place) / (place[-1] + 1):.1%} of the time they span: "
            "one of the times may be wrong"
        )
    grid = np.full(int(place[-1]) + 1, np.nan)
    grid[place] = values
    return Grid(float(at[0]), step, grid)
