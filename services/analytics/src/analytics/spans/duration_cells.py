"""Durations by series and second, turned into cells of a distribution all at once. Pure."""

from __future__ import annotations

import numpy as np

from analytics.rollup.cells import Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels, Observations, Series


class DurationCells:
    """Durations of one metric. Most cells of a batch of spans hold a few: histograms are made for all together."""

    __slots__ = ("_durations", "_failed", "_owners", "_places")

    def __init__(self) -> None:
        self._places: dict[tuple[str, int, Labels], int] = {}
        self._owners: list[int] = []
        self._durations: list[int] = []
        self._failed: dict[int, int] = {}

    def add(self, tenant: str, second: int, labels: Labels, duration_ns: int, failed: bool) -> None:
        place = self._places.setdefault((tenant, second, labels), len(self._places))
        self._owners.append(place)
        self._durations.append(duration_ns)
        if failed:
            self._failed[place] = self._failed.get(place, 0) + 1

    def observe(self, metric: str, observations: Observations) -> None:
        """Adds all that was added as cells of ``metric``, in milliseconds."""
        if not self._owners:
            return
        owner, milliseconds = np.array(self._owners, np.int64), np.array(self._durations, np.float64) / 1e6
        histograms = Histogram.of_groups(owner, milliseconds, np.ones(len(owner), np.int64))
        counts = np.bincount(owner).tolist()
        order = np.argsort(owner, kind="stable")
        in_order = milliseconds[order]
        starts = np.searchsorted(owner[order], np.arange(len(self._places)))
        sums = np.add.reduceat(in_order, starts).tolist()
        least, most = np.minimum.reduceat(in_order, starts).tolist(), np.maximum.reduceat(in_order, starts).tolist()
        for (tenant, second, labels), place in self._places.items():
            cell = Cell(
                count=counts[place],
                errors=self._failed.get(place, 0),
                sum=sums[place],
                min=least[place],
                max=most[place],
                histogram=histograms[place],
            )
            observations.add(Series(tenant, metric, labels, second), cell)
