"""Forecasts' records are there as metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from predictor.forecasters.interface import Forecast
from predictor.forecasting import metering
from predictor.forecasting.forecasts import Forecasts, Limits
from predictor.forecasting.scoreboard import ENOUGH
from predictor.series.watch import SeriesKey


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    yield reader
    provider.shutdown()


def forecast_of(mean: float) -> Forecast:
    return Forecast(np.array([mean]), np.array([[mean - 1], [mean - 3]]), np.array([[mean + 1], [mean + 3]]), "test-v1")


def points(reader: InMemoryMetricReader) -> dict[tuple[str, Any], tuple[float, dict[str, Any]]]:
    data = reader.get_metrics_data()
    result = {}
    for resource in data.resource_metrics if data else []:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    about = dict(point.attributes or {})
                    result[metric.name, about.get("drishti.forecast.interval")] = (point.value, about)
    return result


def test_records_are_exported_by_metric_and_horizon(reader: InMemoryMetricReader) -> None:
    held = Forecasts(Limits())
    metering.measure(lambda: [held])
    assert points(reader) == {}
    for service, value in (("chat", 12.0), ("search", 12.0), ("constant", 10.0)):
        key = (SeriesKey("default", "requests", "rate", (("service", service),)), "15m")
        naive = forecast_of(value if service == "constant" else 14.0)
        for i in range(ENOUGH):
            held.scores.keep(key, first=60 * (i + 1), step=60, model=forecast_of(10.0), naive=naive, kept=1)
            held.scores.mark(key, 60 * (i + 1), 60, np.array([value]))
    result = points(reader)
    about = {"drishti.tenant": "default", "drishti.metric": "requests.rate", "drishti.forecast.horizon": "15m"}
    assert result["drishti.forecast.error", None] == (pytest.approx(1.0), about)
    assert result["drishti.forecast.bias", None] == (pytest.approx(-1.0), about)
    assert result["drishti.forecast.coverage", 0.8][0] == pytest.approx(1 / 3)
    assert result["drishti.forecast.coverage", 0.95][0] == 1
