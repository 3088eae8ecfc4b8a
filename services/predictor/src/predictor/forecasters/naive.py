"""The forecasts that every other must beat: the last value, and the value of one season before; with intervals. Pure.

A naive forecast of step h is the value ``season * ceil(h / season)`` rows before its target (season 1: the last value). How
wrong that is, the history itself says: the quantiles of its own differences at that distance are the interval. Distances beyond
what the history can show get the interval of the longest known one, grown by the square root of the distance as a random walk's
would.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictor.forecasters import seasons
from predictor.forecasters.interface import Forecast, Model, Progress
from predictor.forecasters.intervals import QUANTILES, around
from predictor.forecasters.series import Prepared, prepare
from predictor.series.ring import Floats, Ints

NAMES = {False: "last-value", True: "seasonal-naive"}
"""Of the forecasts, without and with a season."""

FEWEST = 8
"""Differences from which quantiles are taken; fewer say too little of a tail."""

DISTANCES = 64
"""Most distances looked at; those between are interpolated."""

UNKNOWN = 1.0
"""Half the interval, in sizes of the value, where a history is too short to show any difference."""


class SeasonalNaive:
    """The plug-in ``seasonal-naive``: nothing is learnt but the season."""

    name = NAMES[True]

    def train(
        self,
        histories: Sequence[Floats],
        *,
        horizon: int,
        season: int | None = None,
        step_s: float | None = None,
        progress: Progress | None = None,
    ) -> Model:
        season = season or seasons.find(histories, step_s)
        rows = np.array([len(prepare(history, season).values) for history in histories], np.int64)
        return Model(self.name, horizon, season, rows, (), (), np.zeros((len(histories), 0)), {})

    def predict(self, model: Model, histories: Sequence[Floats]) -> list[Forecast]:
        return [forecast(prepare(history, model.season), model.horizon, model.season) for history in histories]


def guesses(values: Floats, origins: Ints, steps: Ints, season: int) -> Floats:
    """The naive forecasts (origins × steps) at ``origins``, the rows known: at least ``season``."""
    result: Floats = values[origins[:, None] + steps - 1 - _distance(steps, season)]
    return result


def forecast(prepared: Prepared, horizon: int, season: int, comment: str = "") -> Forecast:
    """After the newest of ``prepared``; the last value where that is shorter than ``season``."""
    season = season if len(prepared.values) >= season else 1
    comment = comment or ("Naive: the value of one season before." if season > 1 else "Naive: the last value.")
    values = prepared.scale.original(prepared.values)
    steps = np.arange(1, horizon + 1)
    mean = guesses(values, np.array([len(values)]), steps, season)[0]
    distances, place = np.unique(_distance(steps, season), return_inverse=True)
    few = np.unique(distances[np.linspace(0, len(distances) - 1, min(len(distances), DISTANCES)).astype(np.int64)])
    quantiles = differences(values, few)
    offsets = np.stack([np.interp(distances, few, row)[place] for row in quantiles])
    lower, upper = around(mean, offsets)
    if prepared.scale.bent:  # what never was negative
        lower = np.maximum(lower, 0.0)
    return Forecast(mean, lower, upper, NAMES[season > 1], comment)


def _distance(steps: Ints, season: int) -> Ints:
    return season * -(-steps // season)


def differences(values: Floats, distances: Ints) -> Floats:
    """Quantiles (of :data:`QUANTILES` × distances) of the changes of ``values`` over each of the ascending ``distances``."""
    result = np.zeros((len(QUANTILES), len(distances)))
    sides = np.sign(np.array(QUANTILES) - 0.5)
    longest, at = UNKNOWN * abs(values[-1]) * sides, 0
    for k, distance in enumerate(distances):
        if len(values) >= distance + FEWEST:
            longest, at = np.quantile(values[distance:] - values[:-distance], QUANTILES), distance
        elif not at and len(values) > distance:
            longest, at = np.abs(values[distance:] - values[:-distance]).max() * sides, distance
        result[:, k] = longest * np.sqrt(distance / at if at else 1.0)
    return result
