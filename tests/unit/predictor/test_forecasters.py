"""Forecasters: every one through the same checks, then what the learnt one must be better at, and its parts."""

from __future__ import annotations

import numpy as np
import pytest

from predictor import plugins
from predictor.artefacts import encoding
from predictor.errors import UnfitArtefact
from predictor.forecasters import seasons
from predictor.forecasters.blend import Blend
from predictor.forecasters.interface import COVERAGES, Forecast, Forecaster, Model, forecast
from predictor.forecasters.layout import Layout, inputs, phase_means
from predictor.forecasters.naive import SeasonalNaive
from predictor.forecasters.rolling import backtest
from predictor.forecasters.series import prepare
from predictor.forecasting.forecasts import Forecasts, Limits, Trained
from predictor.series.watch import SeriesKey

FORECASTERS = [plugins.forecaster(name) for name in plugins.names(plugins.FORECASTERS)]
SEASON, HORIZON = 24, 12


def seasonal(rows: int = 600, seed: int = 0, noise: float = 1.0, level: float = 60.0) -> np.ndarray:
    """A daily season with noise of which half is remembered for some hours."""
    rng = np.random.default_rng(seed)
    slow = np.zeros(rows)
    for t in range(1, rows):
        slow[t] = 0.8 * slow[t - 1] + rng.normal()
    phase = 2 * np.pi * np.arange(rows) / SEASON
    return level + 10 * np.sin(phase) + 4 * np.cos(2 * phase) + noise * (slow + 0.5 * rng.normal(size=rows))


def gaps(values: np.ndarray, share: float = 0.2) -> np.ndarray:
    holes = values.copy()
    holes[np.random.default_rng(1).random(len(values)) < share] = np.nan
    holes[300:330] = np.nan
    return holes


def step_from_flat() -> np.ndarray:
    return np.concatenate([np.zeros(500), seasonal(60)])


AWKWARD = {
    "seasonal": seasonal(),
    "one value": np.array([7.0]),
    "two values": np.array([7.0, 9.0]),
    "short": seasonal(20),
    "three days": seasonal(72),
    "no values": np.full(50, np.nan),
    "nothing": np.zeros(0),
    "constant": np.full(400, 5.0),
    "zero": np.zeros(400),
    "gaps": gaps(seasonal()),
    "gap at the end": np.concatenate([seasonal(), np.full(30, np.nan)]),
    "gap at the beginning": np.concatenate([np.full(30, np.nan), seasonal()]),
    "infinite": np.where(np.arange(600) % 50 == 0, np.inf, seasonal()),
    "mostly zero": np.where(np.random.default_rng(2).random(600) < 0.9, 0.0, 3.0),
    "negative": seasonal(level=-60.0),
    "around zero": seasonal(level=0.0),
    "huge": seasonal() * 1e12,
    "tiny": seasonal() * 1e-12,
    "trend": seasonal() + np.arange(600),
    "one spike": np.where(np.arange(600) == 450, 1e6, seasonal()),
    "late beginning": step_from_flat(),
    "late change": np.concatenate([np.full(599, 5.0), [6.0]]),
}


POOL = ("default", "requests", "rate", "15m")


def nothing() -> Forecasts:
    return Forecasts(Limits())


def saved(model: Model) -> bytes:
    """The artefact of ``model`` as the service keeps it."""
    keys = tuple(SeriesKey("default", "requests", "rate", (("service", str(i)),)) for i in range(len(model.rows)))
    state = nothing()
    state.models[POOL] = Trained(model, keys, 0)
    return encoding.encode_forecasts(encoding.learnt(state), 0)


def check(result: Forecast, horizon: int) -> None:
    assert result.mean.shape == (horizon,)
    assert result.lower.shape == result.upper.shape == (len(COVERAGES), horizon)
    for part in (result.mean, result.lower, result.upper):
        assert np.isfinite(part).all()
    ordered = np.stack([result.lower[1], result.lower[0], result.mean, result.upper[0], result.upper[1]])
    assert (np.diff(ordered, axis=0) >= -1e-9 * np.abs(ordered).max()).all()
    assert result.model
    assert result.comment


@pytest.fixture(params=FORECASTERS, ids=lambda forecaster: forecaster.name)
def forecaster(request: pytest.FixtureRequest) -> Forecaster:
    return request.param


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("season", [1, SEASON, 1000])
def test_every_history_gets_a_finite_ordered_forecast(forecaster, name, season):
    check(forecast(forecaster, [AWKWARD[name]], horizon=HORIZON, season=season)[0], HORIZON)


@pytest.mark.parametrize("horizon", [1, 100, 700])
def test_any_horizon(forecaster, horizon):
    for history in (seasonal(), seasonal(30)):
        check(forecast(forecaster, [history], horizon=horizon, season=SEASON)[0], horizon)


def test_histories_of_all_kinds_together(forecaster):
    result = forecast(forecaster, list(AWKWARD.values()), horizon=HORIZON, season=SEASON)
    assert len(result) == len(AWKWARD)
    for one in result:
        check(one, HORIZON)


def test_no_histories(forecaster):
    assert forecast(forecaster, [], horizon=HORIZON) == []


def test_the_season_is_found(forecaster):
    for history in AWKWARD.values():
        check(forecast(forecaster, [history], horizon=HORIZON, step_s=3600.0)[0], HORIZON)


def test_forecasts_stay_near_what_was_seen(forecaster):
    result = forecast(forecaster, [AWKWARD["seasonal"]], horizon=HORIZON, season=SEASON)[0]
    assert result.lower.min() > 0
    assert result.upper.max() < 150


def test_a_constant_stays(forecaster):
    result = forecast(forecaster, [AWKWARD["constant"]], horizon=HORIZON, season=SEASON)[0]
    np.testing.assert_allclose(np.stack([result.mean, *result.lower, *result.upper]), 5.0)


def test_what_was_never_negative_has_no_negative_forecast(forecaster):
    result = forecast(forecaster, [AWKWARD["mostly zero"]], horizon=HORIZON, season=SEASON)[0]
    assert result.lower.min() >= 0


def test_forecasts_repeat_themselves(forecaster):
    first, second = (forecast(forecaster, [seasonal()], horizon=HORIZON, season=SEASON)[0] for _ in range(2))
    same(first, second)


def test_progress_ends_with_everything_done():
    reported = []
    forecast(Blend(), [seasonal(), seasonal(seed=1)], horizon=HORIZON, season=SEASON, progress=lambda *x: reported.append(x))
    assert reported[-1][0] == reported[-1][1] > 0


@pytest.mark.parametrize("factor", [0.001, 8.0])
def test_a_scaled_history_has_the_scaled_forecast(forecaster, factor):
    for history in (seasonal(), seasonal(level=0.0)):
        whole = forecast(forecaster, [history], horizon=HORIZON, season=SEASON)[0]
        scaled = forecast(forecaster, [history * factor], horizon=HORIZON, season=SEASON)[0]
        np.testing.assert_allclose(scaled.mean, factor * whole.mean, rtol=1e-6)
        np.testing.assert_allclose(scaled.upper, factor * whole.upper, rtol=1e-6)


def test_a_shifted_history_has_the_shifted_forecast(forecaster):
    history = seasonal(level=-60.0)
    whole = forecast(forecaster, [history], horizon=HORIZON, season=SEASON)[0]
    shifted = forecast(forecaster, [history - 1000], horizon=HORIZON, season=SEASON)[0]
    np.testing.assert_allclose(shifted.mean, whole.mean - 1000, rtol=1e-6)
    np.testing.assert_allclose(shifted.lower, whole.lower - 1000, rtol=1e-6)


def test_rolling_origins_know_only_what_was_before_them(forecaster):
    history, origins = seasonal(700), [400, 450, 520, 600]
    changed = history.copy()
    changed[520:] = -1e6
    plain, other = (list(backtest(forecaster, h, origins, horizon=HORIZON, season=SEASON)) for h in (history, changed))
    assert [origin for origin, _ in plain] == origins
    for (_, a), (_, b) in zip(plain[:3], other[:3], strict=True):
        same(a, b)


def test_rolling_origins_through_a_beginning(forecaster):
    for _, result in backtest(forecaster, step_from_flat(), range(1, 560, 9), horizon=HORIZON, season=SEASON):
        check(result, HORIZON)


def test_a_model_used_later_forecasts_from_the_newer_rows(forecaster):
    history = seasonal(650)
    model = forecaster.train([history[:600]], horizon=HORIZON, season=SEASON)
    later = forecaster.predict(model, [history])[0]
    assert np.abs(later.mean - seasonal(650 + HORIZON)[650:]).mean() < 5


def test_intervals_cover_what_they_say(forecaster):
    inside = np.zeros((len(COVERAGES), 0))
    for seed in range(12):
        history = seasonal(1000, seed=seed)
        for origin, result in backtest(forecaster, history, range(600, 1000 - HORIZON, 16), horizon=HORIZON, season=SEASON):
            truth = history[origin : origin + HORIZON]
            inside = np.hstack([inside, (result.lower <= truth) & (truth <= result.upper)])
    narrow, wide = inside.mean(axis=1)
    assert 0.76 < narrow < 0.86
    assert 0.93 < wide < 0.97


def test_a_stored_model_forecasts_the_same(forecaster):
    histories = [seasonal(), AWKWARD["short"], AWKWARD["gaps"]]
    model = forecaster.train(histories, horizon=HORIZON, season=SEASON)
    loaded = encoding.decode_forecasts(saved(model), nothing).models[POOL].model
    for a, b in zip(forecaster.predict(model, histories), forecaster.predict(loaded, histories), strict=True):
        same(a, b)
    assert loaded.features == model.features
    assert loaded.score_names == model.score_names
    np.testing.assert_array_equal(loaded.scores, model.scores)


def test_a_model_of_another_format_is_not_used(monkeypatch):
    data = saved(SeasonalNaive().train([seasonal()], horizon=HORIZON, season=SEASON))
    made = encoding.LEARNT
    monkeypatch.setattr(encoding, "LEARNT", "forecaster-0")
    with pytest.raises(UnfitArtefact, match=f"made with model '{made}', here it is 'forecaster-0'"):
        encoding.decode_forecasts(data, nothing)


def errors(forecaster: Forecaster, history: np.ndarray) -> float:
    result = backtest(forecaster, history, range(400, len(history) - HORIZON, 24), horizon=HORIZON, season=SEASON)
    return float(np.mean([np.abs(f.mean - history[o : o + HORIZON]).mean() for o, f in result]))


def test_the_learnt_one_beats_seasonal_naive_where_there_is_something_to_learn():
    history = seasonal(900)
    assert errors(Blend(), history) < 0.85 * errors(SeasonalNaive(), history)
    result = forecast(Blend(), [history], horizon=HORIZON, season=SEASON)[0]
    assert result.model == "blend"
    assert "below the best naive" in result.comment


def test_a_random_walk_benches_the_learnt_one():
    benched = 0
    for seed in range(20):
        walk = np.cumsum(np.random.default_rng(seed).normal(size=600)) - 1000
        result = forecast(Blend(), [walk], horizon=HORIZON, season=SEASON)[0]
        if result.model == "last-value":
            benched += 1
            assert "benched" in result.comment
            np.testing.assert_allclose(result.mean, walk[-1])
    assert benched >= 14


def test_a_short_series_learns_from_the_others():
    rows = 15 * SEASON
    together = [seasonal(rows + HORIZON, seed=seed) for seed in range(30)]
    truth = np.stack([history[rows:] for history in together])
    pooled = forecast(Blend(), [history[:rows] for history in together], horizon=HORIZON, season=SEASON)
    alone = [forecast(Blend(), [history[:rows]], horizon=HORIZON, season=SEASON)[0] for history in together]
    assert error(pooled, truth) < error(alone, truth)


def error(result: list[Forecast], truth: np.ndarray) -> float:
    return float(np.abs(np.stack([one.mean for one in result]) - truth).mean())


@pytest.mark.parametrize(("season", "rows"), [(1, 40), (SEASON, 200), (SEASON, 600), (360, 1500)])
def test_no_input_looks_past_its_origin(season, rows):
    layout = Layout.choices(rows, season)[0]
    origin = rows - 10
    values = seasonal(rows)
    later = values.copy()
    later[origin:] += 1000
    steps = np.arange(1, 2 * season + 5)
    size = prepare(values, season).scale
    seen = []
    for history in (values, later):
        one = prepare(history, season, size)
        seen.append(inputs(layout, one, phase_means(layout, one), np.array([origin]), steps))
    assert seen[0].shape == (len(steps), len(layout.names))
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-9)


@pytest.mark.parametrize(
    ("history", "step_s", "season"),
    [
        (seasonal(), None, SEASON),
        (gaps(seasonal()), None, SEASON),
        (seasonal() + np.arange(600), None, SEASON),
        (np.repeat(seasonal(), 60), 60.0, 60 * SEASON),
        (np.random.default_rng(0).normal(size=600), None, 1),
        (np.cumsum(np.random.default_rng(0).normal(size=600)), None, 1),
        (np.random.default_rng(0).normal(size=600), 3600.0, 1),
        (AWKWARD["constant"], 3600.0, 1),
        (AWKWARD["one value"], 3600.0, 1),
    ],
)
def test_seasons_are_found_and_not_imagined(history, step_s, season):
    assert seasons.find([history], step_s) == season


def same(a: Forecast, b: Forecast) -> None:
    np.testing.assert_array_equal(a.mean, b.mean)
    np.testing.assert_array_equal(a.lower, b.lower)
    np.testing.assert_array_equal(a.upper, b.upper)
    assert (a.model, a.comment) == (b.model, b.comment)


def test_intervals_stay_in_proportion_to_what_was_seen():
    """A daily season, and on the last day another level: errors of a day ahead are large, on a bent scale."""
    rng = np.random.default_rng(1)
    rows = np.arange(2592)
    values = 40 + 18 * np.sin(rows / 288 * 2 * np.pi) + rng.normal(0, 2, len(rows)) + 25.0 * (rows >= 2400)
    values[1200:1212] = 100.0
    (result,) = forecast(Blend(), [values], horizon=288, step_s=300)
    span = np.ptp(values)
    assert result.upper.max() <= values.max() + span + 1e-9
    assert result.lower.min() >= 0
    check(result, 288)
