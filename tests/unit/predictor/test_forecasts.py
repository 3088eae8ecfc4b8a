"""How one round of forecasts goes: what is due, who speaks, what is kept and marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from drishti.events import Aggregate, AggregateSeries, ForecastInsight
from drishti.settings import SettingsError, load
from predictor.anomalies.engine import Engine
from predictor.artefacts import encoding
from predictor.errors import UnfitArtefact
from predictor.forecasters.blend import Blend
from predictor.forecasters.interface import Forecast, Forecaster, Model, Progress
from predictor.forecasting import forecasts
from predictor.forecasting.forecasts import Forecasts, Limits
from predictor.forecasting.horizons import HORIZONS, Horizon
from predictor.forecasting.scoreboard import ENOUGH
from predictor.series.history import LENGTHS
from predictor.series.ring import Floats
from predictor.series.watch import Watch
from predictor.settings import PredictorSettings

T0 = 1_790_000_040 // 3600 * 3600
QUARTER, HOURS, WEEK = HORIZONS


def minute(at: int, rate: float, metric: str = "requests", resolution: str = "1m", width: int = 60) -> Aggregate:
    series = [
        AggregateSeries(count=round(rate * width)),
        AggregateSeries(labels={"service": "chat"}, count=round(rate * width)),
    ]
    return Aggregate(
        tenant="default",
        metric=metric,
        unit="{request}",
        resolution=resolution,
        window_start=at * 1000,
        revision=0,
        final=True,
        published_at=(at + width) * 1000,
        series=series,
    )


NOISE = np.random.default_rng(7).normal(0, 0.5, 1000)


def wave(i: int, noise: float = 1.0) -> float:
    """Requests per second in minute ``i``: an hour's wave, and some chance."""
    return float(20 + 5 * np.sin(2 * np.pi * i / 60) + noise * NOISE[i])


BLEND = Blend()


class Lasting:
    """A plug-in: what was last lasts."""

    name = "lasting"

    def train(
        self,
        histories: Sequence[Floats],
        *,
        horizon: int,
        season: int | None = None,
        step_s: float | None = None,
        progress: Progress | None = None,
    ) -> Model:
        n = len(histories)
        return Model(self.name, horizon, 1, np.array([len(h) for h in histories]), (), ("lasting",), np.zeros((n, 1)), {})

    def predict(self, model: Model, histories: Sequence[Floats]) -> list[Forecast]:
        def of(last: float) -> Forecast:
            mean = np.full(model.horizon, last)
            return Forecast(mean, np.stack([mean - 1, mean - 2]), np.stack([mean + 1, mean + 2]), self.name)

        return [of(float(history[-1])) for history in histories]


def nothing() -> Forecasts:
    return Forecasts(Limits())


def fed(minutes: int, *, begin: int = T0, watches: tuple[Watch, ...] | None = None) -> Engine:
    engine = Engine(lambda _tenant, _metric: watches) if watches else Engine()
    for i in range(minutes):
        engine.take(minute(begin + 60 * i, wave(i)))
    return engine


def round_of(
    state: Forecasts, engine: Engine, now: int, *, may_train: bool = True, forecaster: Forecaster = BLEND
) -> list[ForecastInsight]:
    reported = []
    for task in state.due(engine, now):
        reported += state.settle(forecasts.work(task, forecaster, now, may_train=may_train, train_every_s=900))
    return reported


def test_each_horizon_is_reported_as_soon_as_it_means_something() -> None:
    state = Forecasts(Limits())
    engine = fed(QUARTER.least - 1)
    assert round_of(state, engine, T0 + 60 * (QUARTER.least - 1)) == []
    engine.take(minute(T0 + 60 * (QUARTER.least - 1), 20))
    reported = round_of(state, engine, T0 + 60 * QUARTER.least)
    assert {(i.horizon_ms, i.state, i.field) for i in reported} == {
        (900_000, "learning", "rate"),
        (900_000, "learning", "error_rate"),
    }
    assert all(i.benched is None for i in reported), "what was never tried is not benched"


def test_a_season_is_learnt_and_the_model_is_ready() -> None:
    state, engine = Forecasts(Limits()), fed(600)
    reported = [i for i in round_of(state, engine, T0 + 60 * 600) if i.field == "rate" and i.horizon_ms == 900_000]
    assert [(i.state, i.model, i.labels) for i in reported] == [("ready", "blend", {}), ("ready", "blend", {"service": "chat"})]
    assert reported[0].points is not None
    expected = [wave(600 + k, noise=0) for k in range(15)]
    assert [p[1] for p in reported[0].points] == pytest.approx(expected, abs=0.8)


def test_nothing_is_reported_twice_and_nothing_of_what_stopped() -> None:
    state, engine = Forecasts(Limits()), fed(60)
    now = T0 + 3600
    assert round_of(state, engine, now)
    assert round_of(state, engine, now + QUARTER.every_s - 1) == []
    assert [i.horizon_ms for i in round_of(state, engine, now + 90) if i.horizon_ms != 900_000] == []
    assert round_of(state, engine, now + 3600) == [], "the newest minute is an hour old"


def test_forecasts_are_marked_when_their_hour_comes() -> None:
    state, engine = Forecasts(Limits()), fed(300)
    standing = None
    for i in range(300, 300 + ENOUGH):
        reported = round_of(state, engine, T0 + 60 * i)
        standing = next((i.standing for i in reported if i.field == "rate" and not i.labels), standing)
        engine.take(minute(T0 + 60 * i, wave(i)))
    assert standing is not None
    assert standing.mae < standing.naive_mae
    assert standing.marked >= ENOUGH


def test_a_model_may_not_be_trained_now_and_the_old_one_speaks() -> None:
    state, engine = Forecasts(Limits()), fed(600)
    (untrained, *_) = round_of(state, engine, T0 + 60 * 600, may_train=False)
    assert (untrained.state, untrained.model) == ("learning", "seasonal-naive")
    engine.take(minute(T0 + 60 * 600, wave(600)))
    round_of(state, engine, T0 + 60 * 601)
    trained = state.models["default", "requests", "rate", "15m"]
    assert trained.model.forecaster == "blend"
    for i in (601, 602):
        engine.take(minute(T0 + 60 * i, wave(i)))
        round_of(state, engine, T0 + 60 * (i + 1), may_train=False)
    assert state.models["default", "requests", "rate", "15m"] is trained


def labelled(i: int, *services: str) -> Aggregate:
    """Minute ``i`` of some services, each with its own level."""
    result = minute(T0 + 60 * i, 0.0)
    result.series = [
        AggregateSeries(labels={"service": service}, count=round(60 * (place + 1) * wave(i)))
        for place, service in enumerate(services)
    ]
    return result


def test_who_leaves_and_who_comes_costs_the_others_no_model() -> None:
    state, engine = Forecasts(Limits()), Engine()
    for i in range(600):
        engine.take(labelled(i, "a", "b", "c"))
    round_of(state, engine, T0 + 60 * 600)

    def speakers(i: int, *services: str) -> dict[str, tuple[str, str]]:
        for k in range(i, i + 10):
            engine.take(labelled(k, *services))
        reported = round_of(state, engine, T0 + 60 * (i + 10), may_train=False)
        return {t.labels["service"]: (t.model, t.state) for t in reported if t.field == "rate" and t.horizon_ms == 900_000}

    learnt = ("blend", "ready")
    assert speakers(600, "a", "b") == {"a": learnt, "b": learnt}
    assert speakers(610, "a", "b", "c") == {"a": learnt, "b": learnt, "c": learnt}
    assert speakers(620, "a", "b", "c", "d") == {"a": learnt, "b": learnt, "c": learnt, "d": ("last-value", "learning")}


def test_another_forecaster_speaks_and_is_named() -> None:
    state, engine = Forecasts(Limits(), Lasting.name), fed(600)
    engine.take(minute(T0 + 60 * 600, 33.0))
    reported = round_of(state, engine, T0 + 60 * 601, forecaster=Lasting())
    (total, *_) = [i for i in reported if i.field == "rate" and i.horizon_ms == 900_000]
    assert (total.model, total.state, total.benched) == ("lasting", "ready", None)
    assert total.points is not None
    assert [point[1:] for point in total.points] == [[33.0, 32.0, 34.0, 31.0, 35.0]] * 15


def test_neither_models_nor_marks_of_another_forecaster_are_taken_over() -> None:
    state = Forecasts(Limits(), Lasting.name)
    round_of(state, fed(60), T0 + 3600, forecaster=Lasting())
    payload = encoding.encode_forecasts(encoding.learnt(state), T0)
    with pytest.raises(UnfitArtefact, match=r"forecaster=lasting.* here it is .*forecaster=blend"):
        encoding.decode_forecasts(payload, nothing)
    again = encoding.decode_forecasts(payload, lambda: Forecasts(Limits(), Lasting.name))
    assert again.models.keys() == state.models.keys()
    assert again.scores.records() == state.scores.records()


def test_thresholds_and_replicas_are_reported_where_they_are_known() -> None:
    limits = Limits(thresholds={"requests.rate": 24.0}, replica_loads={"requests.rate": 10.0})
    reported = [
        i for i in round_of(Forecasts(limits), fed(600), T0 + 60 * 600) if i.field == "rate" and i.horizon_ms == 900_000
    ]
    one = reported[0]
    assert one.breach is not None
    assert one.breach.at is not None
    assert one.breach.at / 1000 == pytest.approx(T0 + 60 * 609, abs=120), "where the wave passes 24"
    assert one.breach.probability > 0.9
    assert one.capacity is not None
    assert (one.capacity.now, one.capacity.needed) == (2, 3)
    others = [i for i in round_of(Forecasts(Limits()), fed(600), T0 + 60 * 600) if i.field == "rate"]
    assert all(i.breach is None and i.capacity is None for i in others)


def test_saturation_is_reported_when_it_is_near() -> None:
    for level, reported in ((0.2, False), (1.02, True)):
        engine = Engine()
        for i in range(100):
            busy = minute(T0 + 60 * i, 0.1, "cpu_utilization")
            for series in busy.series:
                series.sum = series.count * (level + 0.05 * float(NOISE[i]))
            engine.take(busy)
        result = [i.breach for i in round_of(Forecasts(Limits()), engine, T0 + 60 * 100) if i.metric == "cpu_utilization"]
        assert result
        assert all((breach is not None) is reported for breach in result)


def test_nothing_impossible_is_forecast() -> None:
    engine = Engine()
    rng = np.random.default_rng(1)
    for i in range(400):
        engine.take(minute(T0 + 60 * i, float(rng.poisson(0.05)) / 60))
    for insight in round_of(Forecasts(Limits()), engine, T0 + 60 * 400):
        assert insight.points is not None
        assert all(x >= 0 for point in insight.points for x in point[1:])
        if insight.field == "error_rate":
            assert all(x <= 1 for point in insight.points for x in point[1:])


def test_what_was_learnt_goes_through_the_store_and_back() -> None:
    state, engine = Forecasts(Limits()), fed(600)
    round_of(state, engine, T0 + 60 * 600)
    payload = encoding.encode_forecasts(encoding.learnt(state), T0)
    again = encoding.decode_forecasts(payload, nothing)
    engine.take(minute(T0 + 60 * 600, wave(600)))
    now = T0 + 60 * 601
    one, other = (round_of(result, engine, now, may_train=False) for result in (state, again))
    rate = [[i for i in reported if i.horizon_ms == 900_000] for reported in (one, other)]
    assert rate[0] == rate[1]
    assert rate[0][0].state == "ready"


@pytest.mark.parametrize(("old", "new"), [(b'"numpy":"', b'"numpy":"0'), (b"15m=15x60s", b"15m=30x60s"), (b'"at":', b'"et":')])
def test_models_of_another_make_are_refused(old: bytes, new: bytes) -> None:
    state = Forecasts(Limits())
    round_of(state, fed(60), T0 + 3600)
    payload = encoding.encode_forecasts(encoding.learnt(state), T0)
    assert old in payload
    if b"numpy" in old:
        encoding.decode_forecasts(payload.replace(old, new, 1), nothing)  # another NumPy reads the same arrays
    else:
        with pytest.raises(UnfitArtefact):
            encoding.decode_forecasts(payload.replace(old, new, 1), nothing)


def test_wrong_limits_are_reported_by_their_variable() -> None:
    for env, reported in (
        ({"PREDICTOR_THRESHOLDS": "requests.rate"}, "'requests.rate' is not `metric.field=value`"),
        ({"PREDICTOR_THRESHOLDS": "requests.nothing=3"}, "requests.nothing is not forecast"),
        ({"PREDICTOR_REPLICA_LOADS": "requests.rate=0"}, "must be more than 0"),
        ({"PREDICTOR_TRAIN_SHARE": "2"}, "from 0.01 to 1"),
        ({"PREDICTOR_FORECASTER": "oracle"}, "'oracle' is not installed; choose from blend, seasonal-naive"),
    ):
        with pytest.raises(SettingsError, match=reported):
            load(PredictorSettings, env)
    result = load(PredictorSettings, {"PREDICTOR_THRESHOLDS": "requests.rate=40, cpu_utilization.avg=0.9"})
    assert result.limits.thresholds == {"requests.rate": 40.0, "cpu_utilization.avg": 0.9}


def days_and_weeks(at: int) -> float:
    """Requests per second: a daily curve, and a third of it at weekends."""
    day = at / 86_400
    return float(40 * (1 + 0.5 * np.sin(2 * np.pi * day)) * (0.3 if int(day) % 7 >= 5 else 1.0))


@pytest.mark.parametrize(
    ("horizon", "resolution", "step_s"), [(HOURS, "1m", 60), (WEEK, "1h", 3600)], ids=lambda x: str(x)[:15]
)
def test_days_and_weeks_are_learnt_from_what_is_kept(horizon: Horizon, resolution: str, step_s: int) -> None:
    """Five days of minutes for six hours, five weeks of hours for seven days."""
    engine, rng = Engine(), np.random.default_rng(5)
    rows = LENGTHS[horizon.resolution] * horizon.step_s // step_s
    end = T0 // 604_800 * 604_800 + 3 * 86_400  # in the middle of a week
    engine.take(minute(end - step_s * rows, days_and_weeks(end), resolution=resolution, width=step_s))
    members = np.array([row for row, key in enumerate(engine.table.keys) if key.field == "rate"])
    for at in range(end - step_s * rows, end, step_s):
        noisy = days_and_weeks(at) + rng.normal(0, 1, len(members))
        engine.history.write(resolution, members, at, np.maximum(noisy, 0.0))
    (total, *_) = [
        reported
        for reported in round_of(Forecasts(Limits()), engine, end + step_s)
        if reported.field == "rate" and reported.horizon_ms == horizon.length_s * 1000
    ]
    assert total.state == "ready"
    assert total.model in ("blend", "seasonal-naive")
    assert total.points is not None
    at, mean = np.array(total.points)[:, :2].T
    truth = np.array([days_and_weeks(int(middle / 1000)) for middle in at])
    error, last_value = (np.abs(said - truth).mean() for said in (mean, days_and_weeks(end - step_s)))
    assert error < 3.0, "of noise with a mean size of 0.8, and a level of 40"
    assert last_value > 4 * error
