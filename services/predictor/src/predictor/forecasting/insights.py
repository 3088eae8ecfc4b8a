"""Forecasts as insights, with a sentence for people. Pure."""

from __future__ import annotations

import numpy as np

from drishti.events import ForecastInsight
from predictor.anomalies.insights import insight_id
from predictor.anomalies.sentences import name, number, quantity
from predictor.forecasters.interface import COVERAGES, Forecast
from predictor.forecasting.horizons import Horizon
from predictor.series.watch import SeriesKey, Watch


def forecast(key: SeriesKey, watch: Watch, horizon: Horizon, result: Forecast, first: int, ready: bool) -> ForecastInsight:
    """The insight for a forecast whose first step begins at ``first`` (seconds); its points are the middles of the steps."""
    middles = (first + horizon.step_s * (np.arange(horizon.steps) + 0.5)) * 1000.0
    shown = slice(horizon.shown - 1, None, horizon.shown)
    table = np.column_stack([middles, result.mean, result.lower[0], result.upper[0], result.lower[1], result.upper[1]])[shown]
    points = [[round(row[0]), *row[1:]] for row in table.tolist()]
    last = points[-1]
    return ForecastInsight(
        insight_id=insight_id(key, "forecast", horizon.name, first),
        tenant=key.tenant,
        metric=key.metric,
        field=key.field,
        labels=dict(key.labels),
        state="ready" if ready else "learning",
        at=first * 1000,
        model=result.model,
        severity="info",
        interval=COVERAGES[0],
        outer_interval=COVERAGES[1],
        horizon_ms=horizon.length_s * 1000,
        points=points,
        message=(
            f"{name(key, watch)} in {horizon.words}: {quantity(watch, last[1])}, between {number(watch, last[2])} and "
            f"{quantity(watch, last[3])} with {COVERAGES[0]:.0%} confidence. {result.comment}"
        ),
    )
