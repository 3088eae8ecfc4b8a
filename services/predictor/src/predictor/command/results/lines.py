"""Forecasts as lines of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from predictor.command.results.digits import written
from predictor.forecasters.interface import Forecast

COLUMNS = "step,mean,lower80,upper80,lower95,upper95"

DIGITS = 10
"""Fewest digits of a forecast."""


def lines(forecast: Forecast) -> Iterator[str]:
    """One line a step, in the order of :data:`COLUMNS`."""
    (low80, low95), (high80, high95) = forecast.lower, forecast.upper
    for step, row in enumerate(zip(forecast.mean, low80, high80, low95, high95, strict=True), start=1):
        yield f"{step}," + ",".join(written([float(x) for x in row], DIGITS))
