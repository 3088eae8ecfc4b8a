"""A straight line, where a history that is too short to learn from shows one. Pure.

A disk that fills up is to be reported long before there is enough history for a model. So the older two thirds of the history
forecast the newest third, by a line and by their last value; where the line is clearly better, it goes on. It goes no further
than half the time that was seen: then it stays where it is, for much that rises turns back.

The slope is the median of those between each value and the one half the history later (a cheap relative of Theil and Sen's
estimator). The interval is that of the differences around the line, wider by as much as both halves' slopes disagree.
"""

from __future__ import annotations

import numpy as np

from predictor.forecasters import naive
from predictor.forecasters.interface import Forecast
from predictor.forecasters.intervals import around
from predictor.forecasters.series import Prepared
from predictor.series.ring import Floats

NAME = "trend"

LEAST = 24
"""Values that a line must have been seen in."""

CLEARLY = 0.5
"""The line's error on the newest third over the last value's, below which it is taken."""

SMOOTH = 8
"""The line goes through the mean of the newest ``1 / SMOOTH`` of the values."""


def forecast(prepared: Prepared, horizon: int) -> Forecast | None:
    """After the newest of ``prepared``; ``None`` where a line is not what it shows."""
    values = prepared.scale.original(prepared.values)
    rows = len(values)
    if rows < LEAST:
        return None
    early, late = np.split(values, [rows - rows // 3])
    slope, level = _line(early)
    ahead = np.arange(1, len(late) + 1)
    error, naive_error = (np.abs(said - late).mean() for said in (level + slope * ahead, early[-1]))
    if not error < CLEARLY * naive_error:
        return None
    slope, level = _line(values)
    steps = np.minimum(np.arange(1, horizon + 1), rows // 2)
    mean = level + slope * steps
    distances, place = np.unique(steps, return_inverse=True)
    offsets = naive.differences(values - slope * np.arange(rows), distances)[:, place]
    halves = [_line(half)[0] for half in np.split(values, [rows // 2])]
    offsets += np.sign(offsets) * abs(halves[1] - halves[0]) * steps
    lower, upper = around(mean, offsets)
    if prepared.scale.bent:  # what never was negative
        mean, lower, upper = (np.maximum(line, 0.0) for line in (mean, lower, upper))
    return Forecast(mean, lower, upper, NAME, "A straight line, until there is enough history to learn from.")


def _line(values: Floats) -> tuple[float, float]:
    """Slope a step, and the level at the newest value."""
    rows = len(values)
    apart = max(1, rows // 2)
    slope = float(np.median(values[apart:] - values[:-apart])) / apart
    back = np.arange(max(1, rows // SMOOTH))
    return slope, float((values[rows - 1 - back] + slope * back).mean())
