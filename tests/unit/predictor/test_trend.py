"""A line is reported where a short history shows one, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from predictor.anomalies.engine import Engine
from predictor.forecasters import trend
from predictor.forecasters.blend import Blend
from predictor.forecasters.interface import Forecast, forecast
from predictor.forecasters.series import prepare
from predictor.forecasting import forecasts
from predictor.forecasting.forecasts import Forecasts, Limits
from predictor.forecasting.horizons import HORIZONS
from predictor.series.ring import Floats
from rigs.aggregates import aggregate

T0 = 1_790_000_040 // 3600 * 3600
DAY = 24


def ramp(rows: int, *, slope: float = 1.0, level: float = 50.0, noise: float = 1.0, seed: int = 1) -> Floats:
    """By the hour."""
    return np.asarray(level + slope * np.arange(rows) + np.random.default_rng(seed).normal(0, noise, rows))


def line(history: Floats, horizon: int = 168) -> Forecast | None:
    return trend.forecast(prepare(history, 1), horizon)


def test_a_line_goes_on_and_stays_where_it_is_after_half_the_time_that_was_seen() -> None:
    result = line(ramp(7 * DAY))
    assert result is not None
    truth = 50 + 7 * DAY + np.arange(84)
    assert result.mean[:84] == pytest.approx(truth, abs=3)
    assert np.ptp(result.mean[83:]) == 0
    assert (result.lower[1] <= result.lower[0]).all()
    assert (result.lower[0] <= result.mean).all()
    assert (result.mean <= result.upper[0]).all()
    assert (result.upper[0] <= result.upper[1]).all()
    assert ((result.lower[1][:84] <= truth) & (truth <= result.upper[1][:84])).mean() > 0.9


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "history",
    [
        lambda rng: rng.normal(50, 5, 100),
        lambda rng: np.where(np.arange(100) < 50, 20.0, 60.0) + rng.normal(0, 1, 100),
        lambda rng: 50 + 20 * np.sin(np.arange(100) / 24 * 2 * np.pi) + rng.normal(0, 1, 100),
        lambda rng: np.full(100, 7.0),
        lambda rng: ramp(trend.LEAST - 1),
    ],
    ids=["noise", "step", "season", "constant", "short"],
)
def test_what_is_no_line_is_not_called_one(history: Callable[[np.random.Generator], Floats], seed: int) -> None:
    assert line(history(np.random.default_rng(seed))) is None


def test_most_walks_are_no_lines() -> None:
    rng = np.random.default_rng(3)
    called = [line(100 + np.cumsum(rng.normal(0, 1, 120))) is not None for _ in range(200)]
    assert np.mean(called) < 0.15


def test_what_never_was_negative_does_not_become_so() -> None:
    result = line(ramp(60, slope=-2.0, level=130.0))
    assert result is not None
    assert result.mean[0] < 15
    assert (result.lower >= 0).all()
    assert (result.mean >= 0).all()


def test_the_default_forecaster_says_so_while_it_cannot_learn_yet() -> None:
    (result,) = forecast(Blend(), [ramp(3 * DAY)], horizon=48, step_s=3600)
    assert result.model == trend.NAME
    assert result.mean[23] == pytest.approx(50 + 3 * DAY + 23, abs=4)


@pytest.mark.parametrize("hours", [48, 60])
def test_the_breach_of_a_filling_disk_is_distinguished_from_a_week_of_hours(hours: int) -> None:
    """Half of memory is used, and a bit more each hour."""
    engine, week = Engine(), 7 * DAY
    (horizon,) = [h for h in HORIZONS if h.name == "7d"]
    begin = T0 - week * 3600
    threshold = 50.0 + week + hours
    for hour, value in enumerate(ramp(week, noise=0.5)):
        start = (begin + hour * 3600) * 1000
        engine.take(
            aggregate("memory_usage_bytes", start, {"count": 1, "sum": float(value)}, resolution="1h", final=True),
        )
    state = Forecasts(Limits(thresholds={"memory_usage_bytes.avg": threshold}))
    reported = []
    for task in state.due(engine, T0):
        reported += state.settle(forecasts.work(task, Blend(), T0, may_train=True, train_every_s=900))
    (insight,) = [one for one in reported if one.horizon_ms == horizon.length_s * 1000]
    assert insight.model == trend.NAME
    assert insight.breach is not None
    assert insight.breach.at is not None
    assert insight.breach.at / 1000 == pytest.approx(T0 + hours * 3600, abs=5 * 3600)
    assert insight.breach.probability > 0.5
