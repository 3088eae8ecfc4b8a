"""The same hour of yesterday and of last week: what was expected, and how far from both a series is. Pure.

How this works
--------------
The means of the newest eight days' hours are kept. Three forecasts run beside each other, and each remembers how far it usually
errs: the *level* of the last few observations, and the hour a *day* and a *week* ago, each plus how far the series has been
above it of late. A series is held against the one that errs least. So a series without a season is never held against one,
and nobody says which season it has. Hours are the calendar's, in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictor.detectors.memory import HOURS, Memory, Numbers
from predictor.series.ring import Bools, Floats, Ints

HOUR_S = 3600.0

BACK = np.array([[24], [168]])
"""Yesterday and last week, in hours."""

OFFSET_RATE = 0.05
"""A season follows the level over some dozens of observations: quicker, and it would be the level forecast."""

HANDICAP = np.array([[2.0], [3.0]])
"""A season whose hour is not known errs by this many times the level's error: it must not seem the better."""

DISTANCE_RATE = 0.125
"""The distance from a season is a mean over the last eight observations."""


@dataclass(frozen=True)
class Forecast:
    """Made before anything learns from the value. ``surprise``: the value less what was expected. By season (yesterday, last
    week) and row: ``apart``, the value less the season's (NaN: not known). ``residuals`` of the level and the seasons."""

    surprise: Floats
    apart: Floats
    known: Bools
    residuals: Floats


def enter(memory: Memory, rows: Ints, at: Floats, now: Numbers) -> Ints:
    """The hours of ``at``, since 1970. Forgets those between that had no observation, and begins a new one where it is due."""
    hour = np.floor(at / HOUR_S)
    gone = np.where(now.seen > 0.0, np.minimum(hour - now.hour, HOURS), HOURS)
    whole = hour.astype(np.int64)
    if (gone > 0.0).any():
        means = memory.tables["hours"]
        for back in range(int(gone.max())):
            passed = gone > back
            means[rows[passed], (whole[passed] - back) % HOURS] = np.nan
        now.hour_rows[:] = np.where(gone > 0.0, 0.0, now.hour_rows)
        now.hour[:] = np.where(gone > 0.0, hour, now.hour)
    return whole


def forecast(memory: Memory, rows: Ints, hour: Ints, old: Numbers, value: Floats) -> Forecast:
    apart = value - memory.tables["hours"][rows, (hour - BACK) % HOURS].astype(np.float64)
    known = apart == apart
    residuals = np.empty((3, len(value)))
    residuals[0] = value - old.levels[0]
    residuals[1:] = np.where(known, apart - old.offsets, residuals[0])
    surprise = residuals[old.errors.argmin(axis=0), np.arange(len(value))]
    return Forecast(surprise, apart, known, residuals)


def distance(made: Forecast, now: Numbers) -> Floats:
    """How far the last observations are from the nearer of yesterday and last week (root of the mean square); NaN where neither
    is known. Learns them."""
    if not made.known.any():
        return np.full(made.known.shape[1], np.nan)
    square = made.apart * made.apart
    began = np.where(now.distances >= 0.0, now.distances + DISTANCE_RATE * (square - now.distances), square)
    now.distances[:] = np.where(made.known, began, now.distances)
    known = made.known.any(axis=0)
    now.compared += known
    nearest = np.where(made.known, now.distances, np.inf).min(axis=0)
    return np.where(known, np.sqrt(nearest), np.nan)


def learn(
    memory: Memory, made: Forecast, rows: Ints, hour: Ints, now: Numbers, value: Floats, rate: Floats, bound: Floats
) -> None:
    """Learns from the value that was forecast; hours and offsets as if it were at most ``bound`` from what was expected.
    ``rate``: of the errors."""
    size = np.abs(made.residuals)
    size[1:] *= np.where(made.known, 1.0, HANDICAP)
    now.errors += rate * (size - now.errors)
    now.offsets += np.where(made.known, OFFSET_RATE * np.clip(made.residuals[1:], -bound, bound), 0.0)
    value = value - made.surprise + np.clip(made.surprise, -bound, bound)
    now.hour_rows += 1.0
    means: NDArray[np.float32] = memory.tables["hours"]
    place = (rows, hour % HOURS)
    mean = means[place].astype(np.float64)
    means[place] = np.where(now.hour_rows > 1.0, mean + (value - mean) / now.hour_rows, value)


def settle(made: Forecast, now: Numbers, value: Floats, where: Bools) -> None:
    """Takes the level of the last few observations for the new normal ``where`` it moved for good."""
    moved = now.levels[0] - (value - made.apart)
    now.offsets[:] = np.where(where & made.known, moved, now.offsets)
