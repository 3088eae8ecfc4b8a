"""What forecasts learn from: the values of series by the minute, by five minutes and by the hour. Pure.

Half a day of minutes, five days of five-minute means, so that a day has been seen often enough to be a season, and five weeks
of hours, for weeks the same: 12 KB a series. A value is what people see (requests per second, milliseconds, a share); NaN
stands for a time without one. Minutes and hours come as the aggregates have them, five minutes are made of the minutes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.series.ring import Floats, Ints, Ring

GIVEN = ("1m", "1h")
"""The resolutions in which values are written."""

LENGTHS = {"1m": 720, "5m": 1440, "1h": 840}
STEPS_S = {"1m": 60, "5m": 300, "1h": 3600}

FIVE = STEPS_S["5m"] // STEPS_S["1m"]


class History:
    """One row a series, the same as in the :class:`~predictor.series.table.SeriesTable` beside it."""

    def __init__(self) -> None:
        self._rings = {name: Ring(length, {"value": np.float32}, empty=np.nan) for name, length in LENGTHS.items()}

    def clear(self, row: int) -> None:
        """Makes ``row`` a series without a past."""
        for ring in self._rings.values():
            ring.reserve(row + 1)
            ring.clear(row, 0)

    def write(self, resolution: str, rows: Ints, at_s: int, values: Floats) -> None:
        """Puts the window that began at ``at_s``, new or corrected; ``resolution`` is one of :data:`GIVEN`."""
        self._rings[resolution].write(rows, at_s // STEPS_S[resolution], value=values)
        if resolution == "1m":
            self._write_five(rows, at_s // STEPS_S["1m"])

    def newest_s(self, resolution: str, row: int) -> int:
        """When the newest window of ``row`` that is over began; 0 where there is none."""
        if resolution == "5m":
            return max(0, ((int(self._rings["1m"].newest[row]) + 1) // FIVE - 1) * STEPS_S["5m"])
        return int(self._rings[resolution].newest[row]) * STEPS_S[resolution]

    def values(self, resolution: str, row: int) -> Floats:
        """From the first value that is known to the newest window that is over, oldest first; NaN where there was none."""
        ring, rows = self._rings[resolution], np.array([row])
        newest = int(ring.newest[row])
        held: Floats = ring.window("value", rows, newest, ring.length)[0].astype(np.float64)
        if resolution == "5m" and newest * STEPS_S["5m"] > self.newest_s("5m", row):
            held = held[:-1]
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

    def _write_five(self, rows: Ints, minute: int) -> None:
        """Puts the mean of what is known of the five minutes to which ``minute`` belongs."""
        ring = self._rings["1m"]
        minutes = minute - minute % FIVE + np.arange(FIVE)
        newest = ring.newest[rows][:, None]
        values = ring.planes["value"][rows[:, None], minutes % ring.length].astype(np.float64)
        known = np.isfinite(values) & (minutes <= newest) & (minutes > newest - ring.length)
        count = known.sum(axis=1)
        means = np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
        self._rings["5m"].write(rows, minute // FIVE, value=means)
