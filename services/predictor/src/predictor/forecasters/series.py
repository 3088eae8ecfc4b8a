"""Makes a history fit to learn from: gaps filled, dead beginning cut off, scatter evened out. Pure.

A history becomes :class:`Prepared`: values on a working scale on which errors are of similar size at every level. Amounts,
rates and durations scatter in proportion to their level while it is high, and evenly near zero, so series without negative
values are taken through ``asinh(x / knee)``, which is the logarithm far above the knee and a straight line below; series that
go below zero are only divided by their spread. Both are undone exactly, so that a scaled series has the scaled forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.series.ring import Bools, Floats

KNEE = 0.3
"""Where proportional scatter ends, as a share of the mean size: below a third of it, differences count as they are."""

HEADROOM = 0.25
"""How far beyond the range seen so far a forecast may go, as a share of that range on the working scale."""


@dataclass(frozen=True)
class Scale:
    """Between a series' unit and the working scale. ``bent`` says whether it is the asinh scale; ``size`` is its divisor."""

    bent: bool
    size: float

    @classmethod
    def of(cls, values: Floats) -> Scale:
        """For ``values`` without NaN, at least one."""
        if values.min() >= 0:
            return cls(True, KNEE * float(values.mean()) or 1.0)
        return cls(False, float(values.std()) or 1.0)

    def work(self, values: Floats) -> Floats:
        scaled: Floats = values / self.size
        return np.arcsinh(scaled) if self.bent else scaled

    def original(self, values: Floats) -> Floats:
        """Undoes :meth:`work`; what cannot be negative is not negative."""
        scaled: Floats = np.maximum(np.sinh(values), 0.0) if self.bent else values
        return scaled * self.size


@dataclass(frozen=True)
class Prepared:
    """``values`` on the working scale (rows), of which ``known`` were measured and the others filled; cut at the front."""

    values: Floats
    known: Bools
    scale: Scale
    total: Floats
    """Running sum of ``values``, from 0: the mean of any window is the difference of two of its rows + 1."""


def prepare(history: Floats, season: int, scale: Scale | None = None) -> Prepared:
    """``scale`` is the one found in training, or ``None`` to find it now. A history without a value counts as a zero."""
    finite = np.isfinite(history)
    if not finite.any():
        history, finite = np.zeros(1), np.ones(1, bool)
    start = beginning(history)
    raw, known = np.asarray(history[start:], float), finite[start:]
    filled = fill(raw, known, season)
    scale = scale or Scale.of(filled)
    values = scale.work(filled)
    return Prepared(values, known, scale, np.concatenate([[0.0], np.cumsum(values)]))


def fill(values: Floats, known: Bools, season: int) -> Floats:
    """Gaps get the value of one season before where there is one, else the last value. The first row must be known."""
    filled = values.copy()
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    for row in np.flatnonzero(~known):
        filled[row] = filled[row - season] if 1 < season <= row else values[last[row]]
    return filled


def beginning(history: Floats) -> int:
    """The first row worth learning from: a series that stood still since its first value had not begun."""
    rows = np.flatnonzero(np.isfinite(history))
    if not len(rows):
        return 0
    changed = np.flatnonzero(history[rows] != history[rows[0]])
    return int(rows[max(changed[0] - 1, 0)]) if len(changed) else int(rows[0])
