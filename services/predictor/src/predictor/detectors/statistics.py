"""Seven numbers that an observation makes of a series, each large when something else is wrong. Pure.

========== ========================================================== =====================
name       what it is                                                 what it finds
========== ========================================================== =====================
step       size of the change since the observation before            jumps
fast       distance from the mean of the last few                     spikes
slow       distance from the mean of the last fifty                   lasting changes
value      the value                                                  what never was
smooth     the mean of the last ten                                   drifts
scatter    standard deviation of the last ten                         variance, and its end
season     distance from the same hour of yesterday or of last week,  a day that is none
           the nearer, over the last eight (:mod:`.season`)
========== ========================================================== =====================

Means are exponentially weighted. Values are relative to the series' first one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictor.detectors.memory import Numbers
from predictor.series.ring import Floats

NAMES = ("step", "fast", "slow", "value", "smooth", "scatter", "season")

RATES = np.array([[0.3], [0.02], [0.1], [0.1]])
"""Of the means: of few observations, of fifty, of ten, and that around which they scatter."""

WARMING = np.array([[1.0], [1.0], [1.0], [0.0]])
"""Those that are plain means of the first observations."""

SCATTER = 3

ROUNDING = 1e-12
"""Less than this share of the value is what floating point leaves over of nothing."""


def of(value: Floats, apart: Floats, now: Numbers, bound: Floats) -> NDArray[np.float32]:
    """The statistics (rows × :data:`NAMES`) of observations ``value``, ``apart`` from their season (NaN: not known); the means
    learn them, from errors of at most ``bound``."""
    error = value - now.levels
    rate = np.maximum(RATES, WARMING / (now.seen + 1.0))
    scatter, kept = error[SCATTER], 1.0 - RATES[SCATTER, 0]
    now.variance[:] = kept * (now.variance + RATES[SCATTER, 0] * scatter * scatter)
    now.levels += rate * np.clip(error, -bound, bound)
    result = np.empty((len(value), len(NAMES)))
    result[:, 0] = np.abs(value - now.previous)
    result[:, 1:3] = np.abs(error[:2]).T
    result[:, 3] = value
    result[:, 4] = now.levels[2]
    result[:, 5] = np.sqrt(now.variance)
    result[:, 6] = apart
    result[np.abs(result) <= ROUNDING * np.abs(value + now.origin)[:, None]] = 0.0
    now.previous[:] = value
    return result.astype(np.float32)
