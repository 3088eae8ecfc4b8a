"""How much better "everything takes longer" explains what a series shows than its own last minutes do. Pure.

Durations are mixtures: answers out of a cache beside those that a model writes, short texts beside long ones. The mean of ten
such observations scatters so widely that three times as long hardly shows in it, though each of them may lie where none ever
lay. So a series of durations remembers how its observations were distributed: a histogram of their logarithms, :data:`OCTAVE`
bins for each doubling, of which half is forgotten in :data:`HALF_LIFE_S`. With it, an observation ``x`` says

    log mean p(x / f) - log p(x), f from 1.6 to 5 (:data:`SHIFTS`),

the logarithm of the likelihood ratio of the series taking that many times as long to the series as it is, by which the two are
distinguished first (Neyman and Pearson). One factor alone would fail where the next sort of answer lies that far away. The sum
over a second is what is kept. It is about minus one for each observation while nothing is unusual, and above zero where all of
them together are nearer to longer than to usual.

A second's observations are read out of its aggregate: up to three exactly, more along its quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drishti.events import AggregateSeries
from predictor.series.ring import Bools, Floats, Ints, Ring, grown
from predictor.series.watch import Watch

OCTAVE = 3
SHIFTS = (2, 3, 4, 5, 6, 7)
"""The factors in question, in bins."""

LOWEST = -4
BINS = 20 * OCTAVE
"""From a sixteenth of a millisecond (or whatever the unit is) to a minute; what is outside counts in the last bin."""

HALF_LIFE_S = 300.0
SETTLE_S = 20
"""What is learnt counts 20 to 40 seconds later: until then it can be taken back (:meth:`Likelihoods.forget_newest`)."""

LEAST = 60.0
"""Observations that must be remembered before anything is said."""

CHANCE = 0.003
"""Of all observations, that share may be anywhere: one alone proves nothing."""

POINTS = 32
"""Of a second with more observations, so many are looked at, evenly along its quantiles."""

TINY = 1e-9
"""Stands for zero where a logarithm is taken."""

_KNOTS = np.array([0.0, 0.5, 0.95, 0.99, 1.0])


class Observations(NamedTuple):
    """Of several series: ``logarithms`` (base 2) of the observations, of which series (its place) each is, and how many it
    ``stands_for``."""

    logarithms: Floats
    of: Ints
    stands_for: Floats


def observations(series: Sequence[AggregateSeries]) -> Observations:
    """What one second's aggregates say of single observations, :data:`POINTS` at most of each; nothing of those without
    percentiles.

    They have the least, the greatest and the percentiles of their series, and lie evenly between (as logarithms).
    """
    known = np.array([(s.min, s.p50, s.p95, s.p99, s.max) for s in series], np.float64).reshape(-1, len(_KNOTS))  # None is NaN
    counts = np.where(np.isfinite(known).all(1), np.array([s.count for s in series], np.int64), 0)
    points = np.minimum(counts, POINTS)
    of = np.repeat(np.arange(len(series)), points)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(points) - points, points)
    between = np.where(points[of] > 1, nth / np.maximum(points[of] - 1, 1), 0.5)
    place = np.where(counts[of] > POINTS, (nth + 0.5) / POINTS, between)
    left = np.clip(np.searchsorted(_KNOTS, place, side="right") - 1, 0, len(_KNOTS) - 2)
    share = (place - _KNOTS[left]) / (_KNOTS[left + 1] - _KNOTS[left])
    logarithms = np.log2(np.maximum(known, TINY))
    values = logarithms[of, left] * (1.0 - share) + logarithms[of, left + 1] * share
    return Observations(values, of, (counts / np.maximum(points, 1))[of])


def in_ms(series: AggregateSeries, watch: Watch) -> AggregateSeries:
    """What the histograms are made for: the same in milliseconds."""
    if watch.per_ms is None or watch.per_ms == 1.0:
        return series
    return AggregateSeries(
        count=series.count,
        min=_over(series.min, watch.per_ms),
        p50=_over(series.p50, watch.per_ms),
        p95=_over(series.p95, watch.per_ms),
        p99=_over(series.p99, watch.per_ms),
        max=_over(series.max, watch.per_ms),
    )


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


class Likelihoods:
    """The histograms of some rows of a table, and the ratio of each of their newest ``length`` seconds."""

    def __init__(self, length: int) -> None:
        self._place: Ints = np.zeros(0, np.int64)
        """Of each row of the table: its own place here, -1 where it has none."""
        self._known: NDArray[np.float32] = np.zeros((0, BINS), np.float32)
        self._fresh: NDArray[np.float32] = np.zeros((0, 2, BINS), np.float32)
        """What does not count yet: of the :data:`SETTLE_S` before, and of the present ones."""
        self._turn: Ints = np.zeros(0, np.int64)
        self._count = 0
        self._seconds = Ring(length, {"ratio": np.float16}, empty=np.nan)

    @property
    def nbytes(self) -> int:
        """How much is kept, without the room for more."""
        arrays = (self._known, self._fresh, *self._seconds.planes.values())
        return sum(array[: self._count].nbytes for array in arrays)

    def has(self, rows: Ints) -> Bools:
        """Of which ``rows`` observations are known."""
        return self._places(rows) >= 0

    def clear(self, row: int, before: int) -> None:
        """Forgets what is known of ``row``, if anything is."""
        if row < len(self._place) and (place := self._place[row]) >= 0:
            self._known[place] = 0.0
            self._fresh[place] = 0.0
            self._seconds.clear(int(place), before)

    def forget_newest(self, row: int) -> None:
        """Takes back what was learnt of ``row`` in the last seconds, :data:`SETTLE_S` of them at least."""
        if row < len(self._place) and (place := self._place[row]) >= 0:
            self._fresh[place] = 0.0

    def write(self, rows: Ints, at: int, series: Sequence[AggregateSeries], normal: Bools) -> None:
        """Weighs what second ``at`` brought of ``rows``, and learns it where it is ``normal`` as far as anybody knows."""
        observed = observations(series)
        some = np.unique(observed.of)
        if not len(some):
            return
        of = np.searchsorted(some, observed.of)
        places = self._reserve(rows[some], at)
        passed = at - self._seconds.newest[places]
        self._settle(places, at // SETTLE_S)
        known = self._known[places] * (0.5 ** (np.maximum(passed, 0) / HALF_LIFE_S))[:, None]
        bins = np.clip(np.floor((observed.logarithms - LOWEST) * OCTAVE), 0, BINS - 1).astype(np.int64)
        ratio = np.bincount(of, _ratios(known)[of, bins] * observed.stands_for, minlength=len(some)).astype(np.float64)
        ratio[known.sum(1) < LEAST] = np.nan
        seen = np.bincount(of * BINS + bins, observed.stands_for, minlength=known.size).reshape(known.shape)
        new = passed > 0
        learnt = new & normal[some]
        self._known[places[new]] = known[new]
        self._fresh[places[learnt], 1] += seen[learnt].astype(np.float32)
        self._seconds.write(places, at, ratio=ratio)

    def _settle(self, places: Ints, turn: int) -> None:
        """Has what is old enough count. ``turn``: which :data:`SETTLE_S` seconds these are."""
        passed = turn - self._turn[places]
        for due, slots in ((places[passed == 1], slice(0, 1)), (places[passed > 1], slice(0, 2))):
            self._known[due] += self._fresh[due, slots].sum(axis=1)
            self._fresh[due, slots] = 0.0
        turned = places[passed == 1]
        self._fresh[turned] = self._fresh[turned, ::-1]
        self._turn[places] = np.maximum(self._turn[places], turn)

    def window(self, rows: Ints, end: int, size: int) -> Floats:
        """The ratio of ``size`` seconds up to and including ``end``, oldest first; NaN where nothing is known. All ``rows``
        must be such that :meth:`has` is true of them."""
        places = self._places(rows)
        stale = np.clip(end - self._seconds.newest[places], 0, size)
        ratios: Floats = self._seconds.window("ratio", places, end, size).astype(np.float64)
        if stale.any():
            ratios[np.arange(size)[None, :] >= size - stale[:, None]] = np.nan  # of later than its newest, the ring has older
        return ratios

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """What is known, with one row for each of the table's ``rows``."""
        place = self._places(np.arange(rows))
        kept = place >= 0
        result: dict[str, NDArray[Any]] = {"kept": kept}
        arrays: dict[str, NDArray[Any]] = {"known": self._known, "fresh": self._fresh, "turn": self._turn}
        for name, array in (arrays | self._seconds.state(self._count)).items():
            whole = np.zeros((rows, *array.shape[1:]), array.dtype)
            whole[kept] = array[place[kept]]
            result[name] = whole
        return result

    def restore(self, rows: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        if state["known"].shape != (rows, BINS) or state["fresh"].shape != (rows, 2, BINS) or state["kept"].shape != (rows,):
            raise ValueError(f"likelihoods have shape {state['known'].shape}")
        kept = np.flatnonzero(state["kept"])
        self._count = len(kept)
        self._place = np.full(rows, -1)
        self._place[kept] = np.arange(self._count)
        self._seconds.restore(self._count, {name: state[name][kept] for name in ("newest", *self._seconds.planes)})
        self._known = state["known"][kept].astype(np.float32)
        self._fresh = state["fresh"][kept].astype(np.float32)
        self._turn = state["turn"][kept].astype(np.int64)

    def _places(self, rows: Ints) -> Ints:
        if not len(self._place):
            return np.full(len(rows), -1)
        inside = rows < len(self._place)
        return np.where(inside, self._place[np.where(inside, rows, 0)], -1)

    def _reserve(self, rows: Ints, at: int) -> Ints:
        """The places of ``rows``, new where they have none."""
        if (more := int(rows.max()) + 1 - len(self._place)) > 0:
            self._place = np.concatenate([self._place, np.full(max(more, len(self._place)), -1)])
        new = rows[self._place[rows] < 0]
        if len(new):
            self._place[new] = self._count + np.arange(len(new))
            self._count += len(new)
            self._seconds.reserve(self._count)
            self._known, self._fresh = grown(self._known, self._count), grown(self._fresh, self._count)
            self._turn = grown(self._turn, self._count)
            for place in self._place[new].tolist():
                self._seconds.clear(place, at - 1)
        return self._place[rows]


def _ratios(known: Floats) -> Floats:
    """What an observation in each bin says, by histogram: ``(histograms, BINS)``."""
    padded = np.pad(known, ((0, 0), (1, 1)), mode="edge")
    smooth = 0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    p = smooth / np.maximum(smooth.sum(1, keepdims=True), 1e-9) * (1.0 - CHANCE) + CHANCE / BINS
    below = np.full((len(known), max(SHIFTS)), CHANCE / BINS)
    wide = np.concatenate([below, p], axis=1)
    longer = sum(wide[:, max(SHIFTS) - shift :][:, :BINS] for shift in SHIFTS) / len(SHIFTS)
    ratios: Floats = np.log(longer / p)
    return ratios
