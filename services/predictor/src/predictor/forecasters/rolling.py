"""Forecasts along a series as they would have been made at the time: each knows only the rows before its origin. Pure.

A forecaster is trained anew when the history has grown by a tenth since, and used unchanged in between: its cost is spread over
many forecasts, as in the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from predictor.forecasters.interface import Forecast, Forecaster, Model
from predictor.forecasters.series import beginning
from predictor.series.ring import Floats

GROWN = 1.1


def due(model: Model, histories: Sequence[Floats]) -> bool:
    """Whether any history has changed so much that training again may change the forecasts."""
    rows = np.array([len(history) - beginning(history) for history in histories])
    return bool(((rows >= GROWN * model.rows) | (rows < model.rows)).any())


def backtest(
    forecaster: Forecaster,
    history: Floats,
    origins: Sequence[int],
    *,
    horizon: int,
    season: int | None = None,
    step_s: float | None = None,
) -> Iterator[tuple[int, Forecast]]:
    """A forecast for each of the ascending ``origins``, the numbers of rows known. A season is found in those rows, too."""
    model = None
    for origin in origins:
        known = history[:origin]
        if model is None or due(model, [known]):
            model = forecaster.train([known], horizon=horizon, season=season, step_s=step_s)
        yield origin, forecaster.predict(model, [known])[0]
