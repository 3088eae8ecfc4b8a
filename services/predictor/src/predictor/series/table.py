"""The newest minutes of all series together, by the second. Pure.

A metric of a tenant has ``capacity`` rows at most, and all together what the :class:`~predictor.series.budget.Budget` allows.
Where there is no new row, a series gets that of one that has been silent for an hour: of its own metric, or of all where it is
all together that are too many.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.series.budget import Budget
from predictor.series.likelihood import Likelihoods
from predictor.series.ring import Bools, Floats, Ints, Ring, grown
from predictor.series.watch import SeriesKey, Watch

LENGTH = 728
"""Seconds: what the detector's baseline needs (twelve minutes), and some more for late corrections."""

LIKELIHOODS = 640
"""The same for likelihoods, whose windows are shorter."""

HEAVIEST = 65_535
"""Observations of one second that are kept apart: of more, the same number stands for them."""

CAPACITY = 2_000
"""Series of one metric of a tenant: two fields of as many series as analytics counts."""

STALE_S = 3600
"""A series that was silent for so long may lose its row to a new one."""

LOOK_AGAIN_S = 60
"""After a series was refused, no silent one is looked for again before so long."""


class SeriesTable:
    """``amount`` and ``weight`` (see :mod:`predictor.series.watch`) of every series, and which seconds are not normal.

    ``refused`` counts the values of series for which there was no room. Tables that share a ``budget`` are all known to it.
    """

    def __init__(self, capacity: int = CAPACITY, *, budget: Budget | None = None) -> None:
        self.capacity = capacity
        self.budget = budget or Budget(held=lambda: (self,))
        self.keys: list[SeriesKey] = []
        self.watches: list[Watch] = []
        self.refused = 0
        self.kind: Ints = np.zeros(0, np.int64)
        self.side: Ints = np.zeros(0, np.int64)
        self.difference: Floats = np.zeros(0)
        self.relative: Bools = np.zeros(0, np.bool_)
        self.tiny: Floats = np.zeros(0)
        self.heard: Ints = np.zeros(0, np.int64)
        self.seconds = Ring(LENGTH, {"amount": np.float32, "weight": np.uint16, "excluded": np.bool_})
        self.likelihoods = Likelihoods(LIKELIHOODS)
        self._rows: dict[SeriesKey, int] = {}
        self._groups: dict[tuple[str, str], list[int]] = {}
        """The rows of each metric of each tenant, in ascending order."""
        self._look_again: dict[tuple[str, str], int] = {}
        """The metrics of which series were refused, and the second from which on a silent one is looked for again."""

    def __len__(self) -> int:
        return len(self.keys)

    def counts(self) -> dict[tuple[str, str], int]:
        """How many series there are of each metric of each tenant."""
        return {metric: len(rows) for metric, rows in self._groups.items() if rows}

    def surplus(self, more: Mapping[tuple[str, str], int], at: int) -> list[int]:
        """The rows to be given up of metrics that have so many ``more`` than their share at second ``at``: those that were
        silent for an hour, then those that came last."""
        rows: list[int] = []
        for metric, count in more.items():
            group = self._groups.get(metric, [])
            order = sorted(group, key=lambda row: (self.heard[row] > at - STALE_S, -row))
            rows += order[:count]
        return rows

    def find(self, key: SeriesKey) -> int | None:
        return self._rows.get(key)

    def add(self, key: SeriesKey, watch: Watch, at: int) -> int | None:
        """A row for ``key``, which has none yet, from second ``at`` on; ``None`` when its metric, or all together, have as
        many living series as they may. The row may have been another metric's."""
        metric = (key.tenant, key.metric)
        group = self._groups.setdefault(metric, [])
        if len(group) < self.capacity and self.budget.admits(metric, len(group)):
            row = len(self.keys)
            self.keys.append(key)
            self.watches.append(watch)
            group.append(row)
            self._reserve(row + 1)
        else:
            row = self._silent(metric, group, at)
            if row < 0:
                self.refused += 1
                self.budget.refuse(metric, hash(key))
                return None
            before = self.keys[row]
            del self._rows[before]
            self._groups[before.tenant, before.metric].remove(row)
            insort(group, row)
            self.keys[row], self.watches[row] = key, watch
        self._rows[key] = row
        self.budget.admitted(metric, hash(key))
        self._describe(row, watch)
        self.seconds.reserve(row + 1)
        self.seconds.clear(row, at - 1)
        self.likelihoods.clear(row, at - 1)
        self.heard[row] = at
        return row

    def _silent(self, metric: tuple[str, str], group: list[int], at: int) -> int:
        """The row that was silent longest, an hour at least; -1 where there is none."""
        if at < self._look_again.get(metric, 0) or not len(self.keys):
            return -1
        row = group[int(np.argmin(self.heard[group]))] if group else int(np.argmin(self.heard[: len(self.keys)]))
        if len(group) < self.capacity and self.heard[row] > at - STALE_S:
            row = int(np.argmin(self.heard[: len(self.keys)]))
        if self.heard[row] <= at - STALE_S:
            self._look_again.pop(metric, None)
            return row
        self._look_again[metric] = at + LOOK_AGAIN_S
        return -1

    def write(self, rows: Ints, at: int, amount: Floats, weight: Floats) -> None:
        """Puts second ``at`` of ``rows``, new or corrected."""
        kept = np.minimum(weight, HEAVIEST)
        if (kept < weight).any():
            amount = np.where(kept < weight, amount * kept / np.maximum(weight, 1.0), amount)
        self.seconds.write(rows, at, amount=amount, weight=kept)
        self.heard[rows[weight > 0]] = at

    def window(self, rows: Ints, end: int, seconds: int) -> tuple[Floats, Floats, Bools]:
        """``amount``, ``weight``, ``excluded`` of the ``seconds`` seconds up to and including ``end``, oldest first."""
        amount, weight, excluded = (self.seconds.window(n, rows, end, seconds) for n in ("amount", "weight", "excluded"))
        return amount.astype(np.float64), weight.astype(np.float64), excluded

    def exclude(self, row: int, start: int, end: int, value: bool = True) -> None:
        """Marks the seconds ``[start, end]`` as no part of what is normal (or as part of it again)."""
        self.seconds.fill("excluded", row, start, end, value)

    def any_excluded(self, rows: Ints, start: int, end: int) -> Bools:
        """Which of ``rows`` have a second in ``[start, end]`` that is no part of what is normal, as far as is known."""
        last = max(end, int(self.seconds.newest[rows].max(initial=end)))
        size = min(last - start + 1, LENGTH)
        seconds = self.seconds.window("excluded", rows, last, size)[:, : max(0, size - (last - end))]
        return np.asarray(seconds.any(axis=1))

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything but the keys, as arrays."""
        n = len(self.keys)
        parts = {"seconds": self.seconds.state(n), "likelihoods": self.likelihoods.state(n)}
        return {
            "heard": self.heard[:n],
            **{f"{part}.{name}": a for part, arrays in parts.items() for name, a in arrays.items()},
        }

    def restore(self, keys: list[SeriesKey], watches: list[Watch], state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`; for an empty table. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        n = len(keys)
        groups: dict[tuple[str, str], list[int]] = {}
        for row, key in enumerate(keys):
            groups.setdefault((key.tenant, key.metric), []).append(row)
        if (most := max(map(len, groups.values()), default=0)) > self.capacity:
            raise ValueError(f"{most} series are more than the {self.capacity} of a metric that may be watched")
        for part in ("seconds", "likelihoods"):
            own = {name.removeprefix(f"{part}."): array for name, array in state.items() if name.startswith(f"{part}.")}
            getattr(self, part).restore(n, own)
        self._reserve(n)
        self.heard[:n] = state["heard"]
        for row, watch in enumerate(watches):
            self._describe(row, watch)
        self.keys, self.watches = list(keys), list(watches)
        self._rows = {key: row for row, key in enumerate(keys)}
        self._groups = groups
        self._look_again = {}

    def _reserve(self, rows: int) -> None:
        for name in ("kind", "side", "difference", "relative", "tiny", "heard"):
            setattr(self, name, grown(getattr(self, name), rows))

    def describe(self, row: int, watch: Watch) -> None:
        """Has ``row`` judged as ``watch`` says."""
        self.watches[row] = watch
        self._describe(row, watch)

    def _describe(self, row: int, watch: Watch) -> None:
        self.kind[row], self.side[row], self.difference[row] = int(watch.kind), int(watch.side), watch.difference
        self.relative[row], self.tiny[row] = watch.relative, watch.tiny
