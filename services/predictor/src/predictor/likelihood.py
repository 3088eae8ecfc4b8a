"""How much better "everything takes twice as long" explains what a series shows than its own last minutes do. Pure.

Durations are mixtures: answers out of a cache beside those that a model writes, short texts beside long ones. The mean of ten
such observations scatters so widely that three times as long hardly shows in it, though each of them may lie where none ever
lay. So a series of durations remembers how its observations were distributed: a histogram of their logarithms, :data:`OCTAVE`
bins for each doubling, of which half is forgotten in :data:`HALF_LIFE_S`. With it, an observation ``x`` says

    log p(x / 2) - log p(x),

the logarithm of the likelihood ratio of the series taking twice as long to the series as it is, by which the two are told apart
soonest (Neyman and Pearson). The sum over a second is what is kept. It is about minus one for each observation while nothing is
unusual, and above zero where all of them together are nearer to twice the usual than to the usual.

A second's observations are read out of its aggregate: up to three exactly, more along its quantiles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drishti.events import AggregateSeries
from predictor.ring import Floats, Ints, Ring

OCTAVE = 3
LOWEST = -4
BINS = 20 * OCTAVE
"""From a sixteenth of a millisecond (or whatever the unit is) to a minute; what is outside counts in the last bin."""

HALF_LIFE_S = 300.0
LEAST = 60.0
"""Observations that must be remembered before anything is said."""

CHANCE = 0.003
"""Of all observations, that share may be anywhere: one alone proves nothing."""

POINTS = 32
"""Of a second with more observations, so many are looked at, evenly along its quantiles."""

TINY = 1e-9
"""Stands for zero where a logarithm is taken."""

_KNOTS = np.array([0.0, 0.5, 0.95, 0.99, 1.0])


def observations(series: AggregateSeries) -> Floats | None:
    """The second's observations, or :data:`POINTS` that stand for them, in logarithms to base 2; ``None`` where nothing tells.

    They have the least, the greatest and the percentiles of ``series``, and lie evenly between (as logarithms).
    """
    told = [value for value in (series.min, series.p50, series.p95, series.p99, series.max) if value is not None]
    if series.count < 1 or len(told) < len(_KNOTS) or not np.isfinite(told).all():
        return None
    logarithms = np.log2(np.maximum(told, TINY))
    if series.count > POINTS:
        return np.interp((np.arange(POINTS) + 0.5) / POINTS, _KNOTS, logarithms)
    if series.count > 2:
        return np.interp(np.linspace(0.0, 1.0, series.count), _KNOTS, logarithms)
    return logarithms[[0, -1]][: series.count]  # the median of two is none of them


class Likelihoods:
    """The histograms of some rows of a table, and the ratio of each of their newest ``length`` seconds."""

    def __init__(self, length: int) -> None:
        self._places: dict[int, int] = {}
        self._known: NDArray[np.float32] = np.zeros((0, BINS), np.float32)
        self._seconds = Ring(length, {"ratio": np.float16}, empty=np.nan)

    @property
    def nbytes(self) -> int:
        """How much is kept, without the room for more."""
        n = len(self._places)
        arrays = (self._known, *self._seconds.planes.values())
        return sum(array[:n].nbytes for array in arrays)

    def clear(self, row: int, before: int) -> None:
        """Forgets what is known of ``row``, if anything is."""
        place = self._places.get(row)
        if place is not None:
            self._known[place] = 0.0
            self._seconds.clear(place, before)

    def write(self, at: int, told: dict[int, tuple[Floats, float]], learns: dict[int, bool]) -> None:
        """Weighs second ``at`` of some rows, given as ``{row: (observations, count)}`` (see :func:`observations`); ``learns``
        says of which rows it is normal as far as anybody knows."""
        if not told:
            return
        places = np.array([self._place(row, at) for row in told], np.int64)
        new = at > self._seconds.newest[places]
        passed = np.maximum(at - self._seconds.newest[places], 0)
        known = self._known[places] * (0.5 ** (passed / HALF_LIFE_S))[:, None]
        sizes = np.array([len(values) for values, _ in told.values()])
        of = np.repeat(np.arange(len(told)), sizes)
        stands_for = np.repeat(np.array([count for _, count in told.values()]) / sizes, sizes)
        bins = _bins(np.concatenate([values for values, _ in told.values()]))
        ratio = np.zeros(len(told))
        np.add.at(ratio, of, _ratios(known)[of, bins] * stands_for)
        ratio[known.sum(1) < LEAST] = np.nan
        seen = np.zeros_like(known)
        np.add.at(seen, (of, bins), stands_for)
        normal = new & np.array([learns[row] for row in told])
        self._known[places[new]] = known[new]
        self._known[places[normal]] += seen[normal]
        self._seconds.write(places, at, ratio=ratio)

    def window(self, rows: Ints, end: int, size: int) -> Floats:
        """The ratio of ``size`` seconds up to and including ``end``, oldest first; NaN where nothing is known."""
        found = np.full((len(rows), size), np.nan)
        have = [(i, self._places[row]) for i, row in enumerate(rows.tolist()) if row in self._places]
        if have:
            index, places = np.array(have).T
            stale = np.clip(end - self._seconds.newest[places], 0, size)
            values = self._seconds.window("ratio", places, end, size).astype(np.float64)
            values[np.arange(size)[None, :] >= size - stale[:, None]] = np.nan  # of later than its newest, the ring knows older
            found[index] = values
        return found

    def _place(self, row: int, at: int) -> int:
        place = self._places.get(row)
        if place is None:
            place = self._places[row] = len(self._places)
            self._seconds.reserve(place + 1)
            more = len(self._seconds.newest) - len(self._known)
            self._known = np.concatenate([self._known, np.zeros((more, BINS), np.float32)])
            self._seconds.clear(place, at - 1)
        return place

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """What is known, with one row for each of the table's ``rows``."""
        have = np.array([(row, place) for row, place in self._places.items() if row < rows], np.int64).reshape(-1, 2)
        known = np.zeros((rows, BINS), np.float32)
        known[have[:, 0]] = self._known[have[:, 1]]
        found: dict[str, NDArray[Any]] = {"known": known, "kept": np.isin(np.arange(rows), have[:, 0])}
        for name, array in self._seconds.state(len(self._seconds.newest)).items():
            whole = np.zeros((rows, *array.shape[1:]), array.dtype)
            whole[have[:, 0]] = array[have[:, 1]]
            found[name] = whole
        return found

    def restore(self, rows: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        if state["known"].shape != (rows, BINS) or state["kept"].shape != (rows,):
            raise ValueError(f"likelihoods have shape {state['known'].shape}")
        have = np.flatnonzero(state["kept"])
        self._places = {row: place for place, row in enumerate(have.tolist())}
        self._seconds.restore(len(have), {name: state[name][have] for name in ("newest", *self._seconds.planes)})
        self._known = np.zeros((len(self._seconds.newest), BINS), np.float32)
        self._known[: len(have)] = state["known"][have]


def _bins(logarithms: Floats) -> Ints:
    return np.asarray(np.clip(np.floor((logarithms - LOWEST) * OCTAVE), 0, BINS - 1), np.int64)


def _ratios(known: Floats) -> Floats:
    """What an observation in each bin says, by histogram: ``(histograms, BINS)``."""
    padded = np.pad(known, ((0, 0), (1, 1)), mode="edge")
    smooth = 0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    p = smooth / np.maximum(smooth.sum(1, keepdims=True), 1e-9) * (1.0 - CHANCE) + CHANCE / BINS
    scale = np.log(p)
    twice = np.concatenate([np.full((len(known), OCTAVE), np.log(CHANCE / BINS)), scale[:, :-OCTAVE]], axis=1)
    found: Floats = twice - scale
    return found
