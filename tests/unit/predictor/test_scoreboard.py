"""Forecasts keep score, and say when a threshold is crossed."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.forecasters.interface import Forecast
from predictor.forecasting import capacity
from predictor.forecasting.horizons import HORIZONS, Horizon
from predictor.forecasting.scoreboard import ENOUGH, Scoreboard


def forecast_of(mean: list[float], half: float = 1.0) -> Forecast:
    middle = np.array(mean)
    wide = np.array([[half], [2 * half]])
    return Forecast(mean=middle, lower=middle - wide, upper=middle + wide, model="test-v1")


def filled(board: Scoreboard, *, model: float, naive: float, value: float, marks: int = ENOUGH, begin: int = 60) -> None:
    """``marks`` forecasts of one step, each marked at once."""
    for i in range(marks):
        moment = begin + 60 * i
        board.keep("a", first=moment, step=60, model=forecast_of([model]), naive=forecast_of([naive]), kept=1)
        board.mark("a", moment, 60, np.array([value]))


def test_nothing_is_said_of_few_marks() -> None:
    board = Scoreboard()
    filled(board, model=5, naive=6, value=5, marks=ENOUGH - 1)
    assert board.standing("a") is None
    filled(board, model=5, naive=6, value=5, marks=1, begin=10**6)
    assert board.standing("a") is not None


def test_errors_bias_and_coverage_are_those_of_what_was_said() -> None:
    board = Scoreboard()
    for i in range(100):
        moment = 60 * (i + 1)
        board.keep("a", first=moment, step=60, model=forecast_of([10.0]), naive=forecast_of([14.0]), kept=1)
        board.mark("a", moment, 60, np.array([10.5 if i % 4 else 11.5]))
    standing = board.standing("a")
    assert standing is not None
    assert standing.marked == 100
    assert standing.mae == pytest.approx(0.75)
    assert standing.naive_mae == pytest.approx(3.25)
    assert standing.bias == pytest.approx(-0.75)
    assert (standing.coverage, standing.outer_coverage) == (pytest.approx(0.75), pytest.approx(1.0))


def test_every_forecast_of_a_moment_is_marked_once() -> None:
    board = Scoreboard()
    board.keep("a", first=60, step=60, model=forecast_of([1, 2, 3]), naive=forecast_of([1, 2, 3]), kept=3)
    board.mark("a", 60, 60, np.array([2.0]))
    board.keep("a", first=120, step=60, model=forecast_of([2, 3, 4]), naive=forecast_of([2, 3, 4]), kept=3)
    board.mark("a", 120, 60, np.array([2.0, 2.0]))
    for newest, count in ((120, 2), (60, 1)):
        board.mark("a", newest, 60, np.full(count, 2.0))
    board.mark("a", 150, 60, np.array([2.0]))
    board.mark("b", 60, 60, np.array([1.0]))
    board.mark("a", 210, 60, np.full(3, 2.0))
    board.mark("a", 240, 60, np.full(3, 2.0))
    assert board.state(["a"])["marked"].tolist() == [1 + 2 + 1], "180 came between the steps, 240 was said once"


def test_a_forecast_reported_again_replaces_itself() -> None:
    board = Scoreboard()
    for model in (7.0, 5.0):
        board.keep("a", first=60, step=60, model=forecast_of([model] * 3), naive=forecast_of([6.0] * 3), kept=3)
    board.mark("a", 180, 60, np.full(3, 5.0))
    state = board.state(["a"])
    assert (state["marked"].tolist(), state["mean"][0, 0]) == ([3], 0.0)


@pytest.mark.parametrize("horizon", HORIZONS, ids=lambda horizon: horizon.name)
def test_all_distances_are_marked_alike_and_few_steps_wait(horizon: Horizon) -> None:
    board, step, steps = Scoreboard(), horizon.step_s, horizon.steps
    every = max(1, round(horizon.every_s / step))
    truth = 1000.0
    # a model whose error is the number of steps it looks ahead, and a naive one that is twice as wrong
    far = np.arange(1.0, steps + 1)
    model, naive = forecast_of((truth + far).tolist()), forecast_of((truth + 2 * far).tolist())
    most = 0
    for tick in range(1, 20 * steps):
        board.mark("a", tick * step, step, np.full(3, truth))
        if tick % every == 0:
            board.keep("a", first=(tick + 1) * step, step=step, model=model, naive=naive, kept=horizon.kept)
            most = max(most, len(board.state(["a"])["waiting"]))
    standing = board.standing("a")
    assert standing is not None
    assert standing.mae == pytest.approx((steps + 1) / 2, rel=0.1), "the mean over near and far"
    assert standing.naive_mae == pytest.approx(steps + 1, rel=0.1)
    assert most <= 1.25 * horizon.kept * steps / 2 / every + horizon.kept
    assert board.state(["a"])["waiting"].nbytes < 6 * 1024


def test_a_model_that_loses_is_benched_and_comes_back() -> None:
    board = Scoreboard()
    filled(board, model=8, naive=6, value=5)
    assert board.benched("a")
    board.keep("a", first=10**6, step=60, model=forecast_of([8.0]), naive=forecast_of([6.0]), kept=1)
    board.mark("a", 10**6, 60, np.array([5.0]))
    standing = board.standing("a")
    assert standing is not None
    assert standing.mae < 3.0
    filled(board, model=5, naive=6, value=5, marks=600, begin=2 * 10**6)
    assert not board.benched("a")


@pytest.mark.parametrize("horizon", HORIZONS, ids=lambda one: one.name)
def test_when_there_will_be_a_score_is_known_from_the_first_forecast_on(horizon: Horizon) -> None:
    board, step = Scoreboard[str](), horizon.step_s
    line = forecast_of([1.0] * horizon.steps)
    begin = now = horizon.every_s * step * 100
    said: list[int] = []
    due = begin
    while board.standing("a") is None:
        board.mark("a", now, step, np.ones(2))
        if now >= due and board.standing("a") is None:
            first, due = now + step, due + horizon.every_s
            board.keep("a", first=first, step=step, model=line, naive=line, kept=horizon.kept)
            expected = board.enough_at(
                "a", first=first, step=step, steps=horizon.steps, kept=horizon.kept, every_s=horizon.every_s
            )
            assert expected is not None
            said.append(expected)
        now += step
    scored = now  # the minute that was marked last has ended
    assert said[0] == pytest.approx(scored, abs=0.15 * (scored - begin))
    assert said[-1] == pytest.approx(scored, abs=horizon.every_s + step)
    assert board.enough_at("a", first=now, step=step, steps=horizon.steps, kept=horizon.kept, every_s=horizon.every_s) is None


def test_missing_values_mark_nothing() -> None:
    board = Scoreboard()
    board.keep("a", first=60, step=60, model=forecast_of([1.0, 1.0]), naive=forecast_of([1.0, 1.0]), kept=2)
    board.mark("a", 120, 60, np.array([np.nan, np.inf]))
    assert board.state(["a"])["marked"].tolist() == [0]


def test_a_record_survives() -> None:
    board = Scoreboard()
    filled(board, model=8, naive=6, value=5)
    board.keep("a", first=10**6, step=60, model=forecast_of([8, 9]), naive=forecast_of([6, 7]), kept=2)
    board.keep("b", first=10**6, step=60, model=forecast_of([1]), naive=forecast_of([2]), kept=1)
    again = Scoreboard()
    again.restore(["a", "b"], board.state(["a", "b"]))
    for one in (board, again):
        for key in ("a", "b"):
            one.mark(key, 10**6, 60, np.array([3.0]))
            one.mark(key, 10**6 + 60, 60, np.array([4.0]))
    assert again.standing("a") == board.standing("a")
    assert again.benched("a") is board.benched("a") is True
    assert {k: v.tolist() for k, v in again.state(["b"]).items()} == {k: v.tolist() for k, v in board.state(["b"]).items()}
    with pytest.raises(ValueError, match="shapes"):
        again.restore(["a"], board.state(["a", "b"]))


def test_a_breach_has_a_date_and_its_uncertainty() -> None:
    result = forecast_of([1, 2, 3, 4, 5, 6, 7, 8])
    times = np.arange(8) * 60_000.0
    up = capacity.breach(result, times, 5.5)
    assert (up.at, up.earliest, up.latest, up.direction) == (5 * 60_000, 4 * 60_000, 6 * 60_000, "up")
    assert 0.99 < up.probability <= 1
    far = capacity.breach(result, times, 8.5)
    assert (far.at, far.earliest, far.latest) == (None, 7 * 60_000, None)
    assert 0.1 < far.probability < 0.5
    down = capacity.breach(forecast_of([8, 7, 6, 5, 4]), times[:5], 5.5, rising=False)
    assert (down.at, down.earliest, down.latest) == (3 * 60_000, 2 * 60_000, 4 * 60_000)


def test_replicas_are_those_that_the_peak_may_need() -> None:
    times = np.array([0.0, 60_000.0, 120_000.0])
    result = capacity.replicas(forecast_of([4, 9, 6]), times, load=3.9, per_replica=4.0)
    assert (result.now, result.needed, result.needed_at) == (1, 3, 60_000)
    assert capacity.replicas(forecast_of([4]), np.zeros(1), load=8.0, per_replica=4.0).now == 2
    assert result.per_replica == 4.0
