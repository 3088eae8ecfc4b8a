"""How good the forecasts are, as OpenTelemetry metrics: by metric and horizon, over the series that this replica owns.

``drishti.forecast.error`` is the sum of their mean absolute errors over that of the naive forecasts' (below 1 is better),
``drishti.forecast.bias`` the sum of their means of forecast minus value over the same: series of one metric have one unit, and
one that never moves decides nothing. Where none moves, neither is reported. ``drishti.forecast.coverage`` is the mean share of
values within the interval that ``drishti.forecast.interval`` names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import fsum
from statistics import fmean

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from drishti.events import ForecastScore
from drishti.messages import attributes
from predictor.forecasters.interface import COVERAGES
from predictor.forecasting.forecasts import Forecasts

Scores = dict[tuple[str, str, str, str], list[ForecastScore]]


def measure(held: Callable[[], Iterable[Forecasts]]) -> None:
    """Has the standings of what ``held`` returns exported from now on, whenever metrics are collected."""
    meter = metrics.get_meter("drishti.predictor")

    def error(_: CallbackOptions) -> Iterator[Observation]:
        for about, scores in _groups(held()):
            if (naive := fsum(s.naive_mae for s in scores)) > 0:
                yield Observation(fsum(s.mae for s in scores) / naive, about)

    def bias(_: CallbackOptions) -> Iterator[Observation]:
        for about, scores in _groups(held()):
            if (naive := fsum(s.naive_mae for s in scores)) > 0:
                yield Observation(fsum(s.bias for s in scores) / naive, about)

    def coverage(_: CallbackOptions) -> Iterator[Observation]:
        for about, scores in _groups(held()):
            for interval, shares in zip(
                COVERAGES, ([s.coverage for s in scores], [s.outer_coverage for s in scores]), strict=True
            ):
                yield Observation(fmean(shares), {**about, attributes.FORECAST_INTERVAL: interval})

    meter.create_observable_gauge(attributes.FORECAST_ERROR, [error], "1", "error over that of the naive forecast")
    meter.create_observable_gauge(attributes.FORECAST_BIAS, [bias], "1", "bias over the error of the naive forecast")
    meter.create_observable_gauge(attributes.FORECAST_COVERAGE, [coverage], "1", "share of values within the interval")


def _groups(held: Iterable[Forecasts]) -> Iterator[tuple[dict[str, str], list[ForecastScore]]]:
    """The standings by tenant, metric, field and horizon."""
    groups: Scores = {}
    for forecasts in held:
        for key, horizon in forecasts.scores.records():
            standing = forecasts.scores.standing((key, horizon))
            if standing is not None:
                groups.setdefault((key.tenant, key.metric, key.field, horizon), []).append(standing)
    for (tenant, metric, field, horizon), scores in groups.items():
        yield (
            {
                attributes.TENANT: tenant,
                attributes.METRIC: f"{metric}.{field}",
                attributes.FORECAST_HORIZON: horizon,
            },
            scores,
        )
