"""Direct forecasts: for each step ahead a linear map from :mod:`.layout`'s inputs to the target, of many series at once. Pure.

The maps are fitted twice over: by least squares, then again with each row weighed down as its error in the first fit was large
(one round of iteratively reweighted least squares towards the least absolute error), because forecasts are judged by absolute
errors and because incidents in the history are no rule for the future.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from predictor.forecasters import pooling
from predictor.forecasters.layout import Layout, inputs, level, phase_means
from predictor.forecasters.pooling import Grams
from predictor.forecasters.series import Prepared
from predictor.series.ring import Floats, Ints

STEPS = 60
"""Steps that have maps of their own."""

ORIGINS = 2000
"""Most origins of one series to learn from: evenly spread, neighbours tell nearly the same."""

PASSES = 2
"""Times that :func:`fit` goes through all series."""

SMALL_ERROR = 0.5
"""Errors below this share of their mean size all weigh the same: the weight is bounded."""


@dataclass(frozen=True)
class Subject:
    """A series to learn from: its history, phase means, and ``origins`` (rows known), ``early`` of them before the trial."""

    prepared: Prepared
    means: tuple[Floats, ...]
    origins: Ints
    early: int

    @classmethod
    def of(cls, prepared: Prepared, layout: Layout, horizon: int, trial: int) -> Subject:
        """``trial`` is the first row that early origins' targets do not touch."""
        origins = spread(layout.reach, len(prepared.values) - horizon, ORIGINS)
        early = int(np.searchsorted(origins, trial - horizon, side="right"))
        return cls(prepared, phase_means(layout, prepared), origins, early)


def spread(start: int, end: int, most: int) -> Ints:
    """At most ``most`` rows from ``start`` to ``end``, evenly spaced, with the newest."""
    stride = max(1, -(-(end - start + 1) // most))
    return np.arange(end, start - 1, -stride)[::-1]


def own_steps(horizon: int, season: int) -> Ints:
    """Steps with maps of their own: all, or denser near the origin, and on both sides of each season's end."""
    if horizon <= STEPS:
        return np.arange(1, horizon + 1)
    ends = np.arange(season, horizon, season) if season > 1 else np.zeros(0, np.int64)
    ends = ends[:: max(1, 2 * len(ends) // STEPS)]
    even = np.rint(np.geomspace(1, horizon, STEPS)).astype(np.int64)
    return np.unique(np.concatenate([even, ends, ends + 1]))


def between(maps: Floats, steps: Ints, ahead: Ints) -> Floats:
    """Maps (ahead × n) for any steps, linear between those (steps × n) of ``steps``."""
    right = np.searchsorted(steps, ahead)
    left = np.maximum(right - 1, 0)
    share = np.where(steps[right] == ahead, 1.0, (ahead - steps[left]) / np.maximum(steps[right] - steps[left], 1))
    result: Floats = (1 - share)[:, None] * maps[left] + share[:, None] * maps[right]
    return result


def fit(subjects: list[Subject], layout: Layout, steps: Ints, gone_through: Callable[[], None]) -> tuple[Floats, Floats]:
    """Maps (series × steps × n) from the early origins, and from all. ``gone_through`` is called after each series."""
    early, _ = _gather(subjects, layout, steps, None, gone_through)
    early, late = _gather(subjects, layout, steps, pooling.fit(early), gone_through)
    return pooling.fit(early), pooling.fit(early + late)


def _gather(
    subjects: list[Subject], layout: Layout, steps: Ints, maps: Floats | None, gone_through: Callable[[], None]
) -> tuple[Grams, Grams]:
    """Grams of the early origins and of the others, weighed by the errors of ``maps`` if there are any yet."""
    early, late = (Grams.empty(len(subjects), len(steps), len(layout.names)) for _ in range(2))
    for k, subject in enumerate(subjects):
        one, origins, split = subject.prepared, subject.origins, subject.early
        base = level(layout, one, origins)
        for s, step in enumerate(steps):
            rows = origins + step - 1
            x = inputs(layout, one, subject.means, origins, step)
            y = one.values[rows] - base
            weights = one.known[rows].astype(float)
            if maps is not None:
                error = np.abs(y - x @ maps[k, s])
                weights /= np.maximum(error, SMALL_ERROR * error.mean() + pooling.TINY)
                weights /= max(weights.mean(), pooling.TINY)
            early.add(k, s, x[:split], y[:split], weights[:split])
            late.add(k, s, x[split:], y[split:], weights[split:])
        early.overlap[k] = np.maximum(1, steps / max(1, origins[-1] - origins[-2]))
        gone_through()
    return early, late
