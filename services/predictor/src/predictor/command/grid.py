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
    found = [(row.at, row.value, row.line) for row in rows if row.at == row.at]
    if not found:
        raise UnreadableInput("there is no row in it after the header")
    at, values, lines = np.array(found).T
    order = np.argsort(at, kind="stable")
    at, values, lines = at[order], values[order], lines[order]
    if not np.isfinite(values).any():
        raise UnreadableInput("none of its rows has a value")
    step = spacing(at)
    place = np.rint((at - at[0]) / step)
    if place[-1] >= SPARSEST * len(place):
        gap = int(np.argmax(np.diff(at)))
        lonely = gap if gap + 1 < len(at) / 2 else gap + 1
        raise UnreadableInput(
            f"the rows are {step:g} s apart, but would fill only {len(at) / (place[-1] + 1):.2g} of the time they span; "
            f"line {lines[lonely]:.0f} stands far from the others: is its time right?"
        )
    whole = place.astype(np.int64)
    grid = np.full(int(whole[-1]) + 1, np.nan)
    grid[whole] = values
    return Grid(float(at[0]), step, grid)


def spacing(at: Floats) -> float:
    """The usual distance between neighbours of ``at``, seconds; steps that are not forward (or NaN) do not count."""
    apart = np.diff(at)
    apart = apart[apart > 0]
    return float(np.median(apart)) if len(apart) else ALONE_S


def uneven(at: Floats, step: float) -> int:
    """How many rows do not come one ``step``, give or take half of it, after the row before them."""
    return int((~(np.abs(np.diff(at) - step) <= 0.5 * step)).sum())
