"""From a forecast to a date: when a threshold is crossed, and how many replicas the load will need. Pure."""

from __future__ import annotations

import math

import numpy as np

from drishti.events import Breach, Capacity
from predictor.forecasters.interface import Forecast
from predictor.series.ring import Floats

NORMAL_80 = 1.2815515655446004
"""The normal distribution holds 80 % within so many standard deviations."""


def breach(forecast: Forecast, times_ms: Floats, threshold: float, *, rising: bool = True) -> Breach:
    """When ``forecast`` (whose steps are at ``times_ms``) crosses ``threshold`` from below, or from above where not ``rising``.

    The dates are the first steps in which the mean, and the edges of the 80 % interval, are beyond it. The probability is the
    largest of any step, with the spread of its interval taken as a normal one's: a bound from below for the whole horizon,
    since a series that is not beyond at its likeliest moment may still be at another.
    """
    sign = 1.0 if rising else -1.0
    mean = sign * (forecast.mean - threshold)
    far, near = sign * (forecast.upper[0] - threshold), sign * (forecast.lower[0] - threshold)
    if not rising:
        far, near = near, far
    spread = np.maximum(np.abs(forecast.upper[0] - forecast.lower[0]) / (2 * NORMAL_80), 1e-12)
    likeliest = float(np.max(mean / spread))
    return Breach(
        threshold=threshold,
        direction="up" if rising else "down",
        probability=0.5 * math.erfc(-likeliest / math.sqrt(2.0)),
        at=_first(mean, times_ms),
        earliest=_first(far, times_ms),
        latest=_first(near, times_ms),
    )


def replicas(forecast: Forecast, times_ms: Floats, load: float, per_replica: float) -> Capacity:
    """What carries ``load`` now, and what the upper edge of the forecast's 80 % interval needs at its highest."""
    peak = int(np.argmax(forecast.upper[0]))
    return Capacity(
        per_replica=per_replica,
        now=_count(load, per_replica),
        needed=_count(float(forecast.upper[0][peak]), per_replica),
        needed_at=round(float(times_ms[peak])),
    )


def _count(load: float, per_replica: float) -> int:
    return max(0, math.ceil(load / per_replica - 1e-9))


def _first(distance: Floats, times_ms: Floats) -> int | None:
    beyond = np.flatnonzero(distance >= 0)
    return round(float(times_ms[beyond[0]])) if len(beyond) else None
