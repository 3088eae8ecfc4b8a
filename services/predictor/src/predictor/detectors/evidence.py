"""How much speaks for the beginning of an incident in one observation, and what it looks like. Pure.

Each of the :mod:`.statistics` is held against what it usually reaches (:mod:`.reference`); the *strength* is the sum of how
far they are beyond. So it takes one that is far out or several that are a little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from predictor.detectors import alarms, reference, statistics
from predictor.detectors.interface import Ground
from predictor.detectors.memory import Memory, Numbers
from predictor.series.ring import Bools, Floats, Ints

STEP, FAST, SLOW, VALUE, SMOOTH, SCATTER, SEASON = range(len(statistics.NAMES))

RATE = 0.005
"""Sizes are means over about the last two hundred observations."""

CLIP = 10.0
"""What is learnt is at most this many times the usual size: one outlier makes nobody blind, nor does it come back as the level
of the next rows or as tomorrow's expectation."""

ROUGH_RATE = 0.15


@dataclass(frozen=True)
class Evidence:
    """Of one call: ``strength``, and what it is made of. ``drift``: the level left what is usual, and no observation jumped;
    ``scatter``: the scatter alone did; ``side``: above 0
    where what is out is too large, below where it is too small, 0 where only a size is."""

    strength: Floats
    drift: Bools
    scatter: Bools
    side: Floats
    step: Floats
    parts: Floats
    """What each statistic adds to the strength (rows × statistics); ``low`` and ``high`` are what it usually reaches."""
    low: reference.Table
    high: reference.Table
    around: Floats
    """What the first three are distances from; the mean and the scatter of the last ten, before (5 × rows)."""
    values: reference.Table
    """The statistics themselves (rows × statistics)."""


def weigh(memory: Memory, rows: Ints, at: Floats, value: Floats, apart: Floats, now: Numbers, most: Floats) -> Evidence:
    """Judges ``value``, which is ``apart`` from its season, then takes it into the statistics and what they reach; ``most`` is
    :func:`bound`'s."""
    step = np.abs(value - now.previous)
    around = np.array([now.previous, *now.levels[:3], np.sqrt(now.variance)])
    reference.turn(memory, rows, at, now)
    values = statistics.of(value, apart, now, most[0])
    above, below, low, high = reference.beyond(memory, rows, now, values)
    above[:, SEASON] *= now.compared >= alarms.READY
    reference.learn(memory, rows, values)
    jumped = (above[:, STEP] > 0.0) | (above[:, FAST] > 0.0)
    level = above[:, SMOOTH] + below[:, SMOOTH]
    total = above.sum(axis=1) + below.sum(axis=1)
    scatter = above[:, SCATTER] + below[:, SCATTER]
    return Evidence(
        strength=total,
        drift=~jumped & (level > 0.0),
        scatter=~jumped & (scatter > 0.5 * total),
        side=above[:, VALUE] + above[:, SMOOTH] - below[:, VALUE] - below[:, SMOOTH],
        step=step,
        parts=above + below,
        low=low,
        high=high,
        around=around,
        values=values,
    )


def grounds(evidence: Evidence, place: int, origin: float, season: float, value: float, expected: float) -> list[Ground]:
    """The bands whose statistics made the ``place``-th of the rows as strong as it is, the strongest first. ``season``: what
    the nearest hour of yesterday or last week had (NaN: not known), ``value`` and what was ``expected`` of it, all relative to
    ``origin``."""
    low, high = evidence.low[place].astype(np.float64), evidence.high[place].astype(np.float64)
    *around, mean, scatter = evidence.around[:, place].tolist()
    bands: dict[int, list[Ground]] = {}
    for which, middle in zip((STEP, FAST, SLOW), around, strict=True):
        bands[which] = [Ground("step", float(origin + middle - high[which]), float(origin + middle + high[which]))]
    apart = math.copysign(float(evidence.values[place, SEASON]), value - season)
    bands[SEASON] = [
        Ground("level", float(origin + season - high[SEASON]), float(origin + season + high[SEASON])),
        Ground("distance", -float(high[SEASON]), float(high[SEASON]), observed=apart),
    ]
    of_mean = origin + float(evidence.values[place, SMOOTH])
    for which, usual, observed in ((VALUE, expected, math.nan), (SMOOTH, mean, of_mean)):
        lower, upper = float(origin + low[which]), float(origin + high[which])
        usual = min(max(origin + usual, lower), upper)
        bands[which] = [Ground("level", lower, upper, which == SMOOTH, observed, usual)]
    usual = min(max(scatter, low[SCATTER]), high[SCATTER])
    observed = float(evidence.values[place, SCATTER])
    bands[SCATTER] = [Ground("scatter", float(low[SCATTER]), float(high[SCATTER]), observed=observed, expected=float(usual))]
    parts = evidence.parts[place]
    order = sorted((which for which in bands if parts[which] > 0.0), key=lambda which: -parts[which])
    ordered = (ground for which in order for ground in bands[which])
    return [ground for ground in ordered if math.isfinite(ground.lower) and math.isfinite(ground.upper)]


def learn(evidence: Evidence, now: Numbers, surprise: Floats, rate: Floats, most: Floats) -> None:
    """Moves the sizes by which bands and kinds are distinguished. ``rate``: how fast; ``most`` is :func:`bound`'s."""
    size = np.array([np.abs(surprise), evidence.step])
    now.sizes += rate * (np.minimum(size, most) - now.sizes)
    now.roughness += np.maximum(ROUGH_RATE, rate) * (evidence.step - now.roughness)


def settle_unseen(memory: Memory, rows: Ints, now: Numbers, by: Floats) -> None:
    """The same of a level that moved while nothing was learnt: all that is known of the level moves along."""
    now.levels += by
    now.previous += by
    now.offsets += by
    reference.move_unseen(memory, rows, by)


def settle(memory: Memory, rows: Ints, by: Floats) -> None:
    """The level of ``rows`` moved ``by`` for good: so does what the value and its mean usually reach."""
    reference.move(memory, rows, by)


def bound(now: Numbers, rate: Floats) -> Floats:
    """The largest surprise, and step, that is learnt from as it is; infinite where too little is known."""
    largest: Floats = np.where((now.sizes > 0.0) & (rate <= 2 * RATE), CLIP * now.sizes, np.inf)
    return largest
