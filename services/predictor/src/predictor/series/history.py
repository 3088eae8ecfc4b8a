"""The past of series by the minute, by five minutes and by the hour. Pure.

What is judged needs twenty minutes, and a day of five-minute means. Forecasts learn from more: half a day of minutes, five days
of five-minute means, so that a day has been seen often enough to be a season, and five weeks of hours, for weeks the same. So
there are two pools of rows: a series that is not forecast takes 1.3 KB, one that is 12 KB. A value is what people see (requests
per second, milliseconds, a share); NaN stands for a time without one. Minutes and hours come as the aggregates have them, five
minutes are made of the minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.series.ring import Bools, Floats, Ints, Ring, grown

GIVEN = ("1m", "1h")
"""The resolutions in which values are written."""

LENGTHS = {"1m": 720, "5m": 1440, "1h": 840}
"""What is kept of a series that is forecast."""

SHORT = {"1m": 20, "5m": 300, "1h": 1}
"""And of the others."""

STEPS_S = {"1m": 60, "5m": 300, "1h": 3600}

FIVE = STEPS_S["5m"] // STEPS_S["1m"]


class Pool:
    """Rows of one length. Each has a place, in the order in which they came; ``rows`` is the number of places."""

    def __init__(self, lengths: Mapping[str, int]) -> None:
        self.rings = {name: Ring(length, {"value": np.float32}, empty=np.nan) for name, length in lengths.items()}
        self.free: list[int] = []
        self.rows = 0

    def take(self) -> int:
        """An empty place."""
        if self.free:
            place = self.free.pop()
        else:
            place, self.rows = self.rows, self.rows + 1
        for ring in self.rings.values():
            ring.reserve(self.rows)
            ring.clear(place, 0)
        return place

    def write(self, resolution: str, places: Ints, at_s: int, values: Floats) -> None:
        self.rings[resolution].write(places, at_s // STEPS_S[resolution], value=values)
        if resolution == "1m":
            self._write_five(places, at_s // STEPS_S["1m"])

    def _write_five(self, places: Ints, minute: int) -> None:
        """Puts the mean of what is known of the five minutes to which ``minute`` belongs."""
        ring = self.rings["1m"]
        minutes = minute - minute % FIVE + np.arange(FIVE)
        newest = ring.newest[places][:, None]
        values = ring.planes["value"][places[:, None], minutes % ring.length].astype(np.float64)
        known = np.isfinite(values) & (minutes <= newest) & (minutes > newest - ring.length)
        count = known.sum(axis=1)
        means = np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
        self.rings["5m"].write(places, minute // FIVE, value=means)


class History:
    """One row a series, the same as in the :class:`~predictor.series.table.SeriesTable` beside it."""

    def __init__(self) -> None:
        self._pools = (Pool(SHORT), Pool(LENGTHS))
        self._is_long: Bools = np.zeros(0, np.bool_)
        """Of each row, in which pool it is, and at which place."""
        self._place: Ints = np.zeros(0, np.int64)
        self._known: Bools = np.zeros(0, np.bool_)

    def clear(self, row: int, *, forecast: bool) -> None:
        """Makes ``row`` a series without a past, which is ``forecast`` or not."""
        have = len(self._place)
        if row >= have:
            self._is_long, self._place, self._known = (grown(a, row + 1) for a in (self._is_long, self._place, self._known))
        if self._known[row]:
            self._pools[int(self._is_long[row])].free.append(int(self._place[row]))
        self._known[row], self._is_long[row] = True, forecast
        self._place[row] = self._pools[int(forecast)].take()

    def describe(self, row: int, *, forecast: bool) -> None:
        """Has ``row`` keep as much as a series that is ``forecast`` or not; what is known goes along, as much as fits."""
        if self._is_long[row] == forecast:
            return
        before, place = self._pools[int(self._is_long[row])], int(self._place[row])
        after = self._pools[int(forecast)]
        self._is_long[row], self._place[row] = forecast, after.take()
        for name, ring in after.rings.items():
            source = before.rings[name]
            newest = int(source.newest[place])
            size = min(ring.length, source.length)
            values = source.window("value", np.array([place]), newest, size)[0]
            ring.newest[self._place[row]] = newest
            ring.planes["value"][self._place[row], np.arange(newest - size + 1, newest + 1) % ring.length] = values
        before.free.append(place)

    def write(self, resolution: str, rows: Ints, at_s: int, values: Floats) -> None:
        """Puts the window that began at ``at_s``, new or corrected; ``resolution`` is one of :data:`GIVEN`."""
        if not len(rows):
            return
        long = self._is_long[rows]
        for pool, chosen in zip(self._pools, (~long, long), strict=True):
            if chosen.any():
                pool.write(resolution, self._place[rows[chosen]], at_s, values[chosen])

    def newest_s(self, resolution: str, row: int) -> int:
        """When the newest window of ``row`` that is over began; 0 where there is none."""
        rings, place = self._at(row)
        if resolution == "5m":
            return max(0, ((int(rings["1m"].newest[place]) + 1) // FIVE - 1) * STEPS_S["5m"])
        return int(rings[resolution].newest[place]) * STEPS_S[resolution]

    def values(self, resolution: str, row: int) -> Floats:
        """From the first value that is known to the newest window that is over, oldest first; NaN where there was none."""
        rings, place = self._at(row)
        ring = rings[resolution]
        newest = int(ring.newest[place])
        held: Floats = ring.window("value", np.array([place]), newest, ring.length)[0].astype(np.float64)
        if resolution == "5m" and newest * STEPS_S["5m"] > self.newest_s("5m", row):
            held = held[:-1]
        known = np.flatnonzero(np.isfinite(held))
        return held[known[0] :] if len(known) else held[:0]

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """Everything of rows ``0 .. rows - 1`` as arrays. Those of each pool have one row for each of its ``rows``."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, pool, here in zip(NAMES, self._pools, (~self._is_long[:rows], self._is_long[:rows]), strict=True):
            own = np.flatnonzero(here)
            arrays[f"{name}.rows"] = own
            places = self._place[own]
            for resolution, ring in pool.rings.items():
                for part, array in ring.state(pool.rows).items():
                    arrays[f"{name}.{resolution}.{part}"] = array[places]
        return arrays

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        self._pools = (Pool(SHORT), Pool(LENGTHS))
        self._is_long, self._place = np.zeros(rows, np.bool_), np.zeros(rows, np.int64)
        self._known = np.zeros(rows, np.bool_)
        for long, (name, pool) in enumerate(zip(NAMES, self._pools, strict=True)):
            own = state[f"{name}.rows"]
            if own.ndim != 1 or ((own < 0) | (own >= rows)).any() or self._known[own].any():
                raise ValueError(f"{name} has other rows")
            self._known[own], self._is_long[own], self._place[own] = True, bool(long), np.arange(len(own))
            pool.rows = len(own)
            for resolution, ring in pool.rings.items():
                prefix = f"{name}.{resolution}."
                ring.restore(len(own), {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        if not self._known.all():
            raise ValueError(f"history has {int(self._known.sum())} of {rows} rows")

    def _at(self, row: int) -> tuple[dict[str, Ring], int]:
        return self._pools[int(self._is_long[row])].rings, int(self._place[row])


NAMES = ("history.short", "history.long")
"""Of the pools, in a state."""
