"""What forecasts learn from: the values of series by the minute and by the hour, as the aggregates have them. Pure.

A day of minutes and three weeks of hours cost 8 KB a series. A value is what people see (requests per second,
milliseconds, a share); NaN stands for a time without one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.ring import Floats, Ints, Ring

LENGTHS = {"1m": 1440, "1h": 504}
STEPS_S = {"1m": 60, "1h": 3600}


class History:
    """One row a series, the same as in the :class:`~predictor.series.SeriesTable` beside it."""

    def __init__(self) -> None:
        self._rings = {name: Ring(length, {"value": np.float32}, empty=np.nan) for name, length in LENGTHS.items()}

    def clear(self, row: int) -> None:
        """Makes ``row`` a series without a past."""
        for ring in self._rings.values():
            ring.reserve(row + 1)
            ring.clear(row, 0)

    def write(self, resolution: str, rows: Ints, at_s: int, values: Floats) -> None:
        """Puts the window that began at ``at_s``, new or corrected."""
        self._rings[resolution].write(rows, at_s // STEPS_S[resolution], value=values)

    def newest_s(self, resolution: str, row: int) -> int:
        """When the newest window of ``row`` began; 0 where there is none."""
        return int(self._rings[resolution].newest[row]) * STEPS_S[resolution]

    def values(self, resolution: str, row: int) -> Floats:
        """From the first value that is known to the newest window, oldest first; NaN where there was none."""
        ring = self._rings[resolution]
        rows = np.array([row])
        held: Floats = ring.window("value", rows, int(ring.newest[row]), ring.length)[0].astype(np.float64)
        known = np.flatnonzero(np.isfinite(held))
        return held[known[0] :] if len(known) else held[:0]

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """Everything of rows ``0 .. rows - 1`` as arrays."""
        return {
            f"history.{name}.{part}": array for name, ring in self._rings.items() for part, array in ring.state(rows).items()
        }

    def restore(self, rows: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        for name, ring in self._rings.items():
            prefix = f"history.{name}."
            ring.restore(rows, {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
