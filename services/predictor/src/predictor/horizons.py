"""How far forecasts look, from what, and how often. Pure.

Each horizon has its own history: a quarter of an hour is forecast from minutes, six hours from five minutes, a week from hours.
A horizon is forecast as soon as a naive forecast means something; what it takes to learn more, the forecaster knows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.history import STEPS_S
from predictor.ring import Floats


@dataclass(frozen=True)
class Horizon:
    """``steps`` of ``step_s`` seconds, each ``width`` windows of the history's ``resolution``, told every ``every_s`` seconds
    once the history has ``least`` steps. Of the steps every ``shown``-th is published, and ``kept`` of each forecast are
    marked when their hour comes."""

    name: str
    resolution: str
    width: int
    steps: int
    every_s: int
    least: int
    kept: int
    shown: int = 1

    @property
    def words(self) -> str:
        """As people say it: ``15 minutes``."""
        for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
            count, rest = divmod(self.length_s, seconds)
            if count and not rest:
                return f"{count} {unit}" + ("s" if count > 1 else "")
        return f"{self.length_s} s"

    @property
    def step_s(self) -> int:
        return STEPS_S[self.resolution] * self.width

    @property
    def length_s(self) -> int:
        return self.step_s * self.steps


HORIZONS = (
    Horizon("15m", "1m", 1, steps=15, every_s=60, least=10, kept=4),
    Horizon("6h", "1m", 5, steps=72, every_s=900, least=36, kept=4),
    Horizon("7d", "1h", 1, steps=168, every_s=3000, least=48, kept=2, shown=2),
)


def newest_step(horizon: Horizon, newest_s: int) -> int:
    """When the newest step of ``horizon`` that is over began (seconds), where the newest window began at ``newest_s``."""
    unit = STEPS_S[horizon.resolution]
    return ((newest_s // unit + 1) // horizon.width - 1) * horizon.step_s


def steps_of(horizon: Horizon, values: Floats, newest_s: int) -> Floats:
    """The history in steps of ``horizon``, up to :func:`newest_step`.

    ``values`` are windows of the resolution, oldest first, the newest of which began at ``newest_s``. A step is the mean of
    what is known of it; one that is not over yet is left out.
    """
    width = horizon.width
    if width == 1:
        return values
    end = newest_s // STEPS_S[horizon.resolution] + 1  # in windows since 1970, exclusive
    over = end % width
    start = end - len(values)
    kept = values[-start % width : len(values) - over if over else len(values)]
    table = kept.reshape(-1, width)
    known = np.isfinite(table)
    count = known.sum(axis=1)
    sums = np.where(known, table, 0.0).sum(axis=1)
    means: Floats = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return means
