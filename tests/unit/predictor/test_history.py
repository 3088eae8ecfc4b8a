"""What forecasts learn from is kept by the minute, by five minutes and by the hour."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.series.history import FIVE, LENGTHS, SHORT, History

T0 = 1_790_000_040 // 3600 * 3600
ROW = np.array([0])


def written(values: dict[int, float]) -> History:
    """A history with these values, by minute since :data:`T0`, in this order."""
    history = History()
    history.clear(0, forecast=True)
    for minute, value in values.items():
        history.write("1m", ROW, T0 + 60 * minute, np.array([value]))
    return history


def test_it_keeps_what_was_where_and_forgets_the_rest() -> None:
    length = LENGTHS["1m"]
    values = {minute: float(minute) for minute in range(length + 10) if minute != 300} | {310: -1.0}
    history = written(values)
    history.clear(1, forecast=True)
    result = history.values("1m", 0)
    assert len(result) == length
    assert result[0] == 10
    assert np.isnan(result[290])
    assert result[300] == -1
    assert history.newest_s("1m", 0) == T0 + 60 * (length + 9)
    assert len(history.values("1m", 1)) == len(history.values("1h", 0)) == 0
    again = History()
    again.restore(2, history.state(2))
    for resolution in LENGTHS:
        np.testing.assert_array_equal(again.values(resolution, 0), history.values(resolution, 0))


def test_five_minutes_are_the_mean_of_what_is_known_of_them_once_they_are_over() -> None:
    history = written({0: 1, 1: 2, 3: 3})
    assert history.values("5m", 0).tolist() == []
    for minute, value in ((4, 4), (5, 7)):
        history.write("1m", ROW, T0 + 60 * minute, np.array([float(value)]))
    assert history.values("5m", 0).tolist() == [2.5]
    assert history.newest_s("5m", 0) == T0
    history.write("1m", ROW, T0 + 120, np.array([10.0]))
    assert history.values("5m", 0).tolist() == [4.0], "a minute that comes late counts"
    history.write("1m", ROW, T0 + 60 * 21, np.array([5.0]))
    np.testing.assert_array_equal(history.values("5m", 0), [4.0, 7.0, np.nan, np.nan])


def test_five_minutes_reach_further_back_than_minutes_do() -> None:
    minutes = FIVE * LENGTHS["5m"] + 100
    rng = np.random.default_rng(1)
    values = rng.normal(50, 5, minutes)
    history = written({minute: float(value) for minute, value in enumerate(values)})
    wanted = values.reshape(-1, FIVE).mean(axis=1)[-LENGTHS["5m"] :]
    assert history.values("5m", 0) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("forecast", [False, True])
def test_a_series_that_is_not_forecast_keeps_what_is_judged_by(forecast: bool) -> None:
    history = History()
    for row in range(3):
        history.clear(row, forecast=forecast)
    values = np.random.default_rng(2).normal(50, 5, (1500, 3))
    for minute, row_values in enumerate(values):
        history.write("1m", np.arange(3), T0 + 60 * minute, row_values)
    known = LENGTHS if forecast else SHORT
    assert [len(history.values(name, 2)) for name in ("1m", "5m")] == [known["1m"], min(known["5m"], 1500 // FIVE)]
    np.testing.assert_allclose(history.values("1m", 2)[-20:], values[-20:, 2], rtol=1e-6)
    history.describe(1, forecast=not forecast)
    for row in range(3):
        for resolution, least in (("1m", 20), ("5m", 280)):
            expected = values[:, row] if resolution == "1m" else values[:, row].reshape(-1, FIVE).mean(axis=1)
            np.testing.assert_allclose(history.values(resolution, row)[-least:], expected[-least:], rtol=1e-6)
    again = History()
    again.restore(3, history.state(3))
    for row in range(3):
        np.testing.assert_array_equal(again.values("5m", row), history.values("5m", row))
    history.clear(1, forecast=forecast)
    assert len(history.values("5m", 1)) == 0
    assert len(history.values("5m", 0)) == len(history.values("5m", 2)) > 0
