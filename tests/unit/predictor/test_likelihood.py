"""Series of durations are held against their own distribution: what the mean of a mixture hides is seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drishti.events import Aggregate, AggregateSeries
from predictor.anomalies.engine import Engine
from predictor.anomalies.findings import Finding
from predictor.anomalies.incidents import ADAPT_S
from predictor.anomalies.lifecycle import Phase
from predictor.series.likelihood import BINS, LEAST, LOWEST, OCTAVE, POINTS, SETTLE_S, Likelihoods, observations
from predictor.series.ring import Floats
from predictor.series.watch import SeriesKey

T0 = 1_790_000_000
RATE = 5
KEY = SeriesKey("default", "request_duration_ms", "avg")


def summary_of(values: Floats) -> AggregateSeries:
    """As analytics tells of ``values``: percentiles lie between neighbouring ranks."""
    p50, p95, p99 = np.quantile(values, [0.5, 0.95, 0.99]).tolist()
    return AggregateSeries(
        count=len(values), sum=float(values.sum()), min=values.min(), max=values.max(), p50=p50, p95=p95, p99=p99
    )


def mixture(seed: int, seconds: int) -> list[Floats]:
    """Five answers a second, every other one out of a cache in about 100 ms, the others written in one to many seconds."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(seconds):
        n = rng.poisson(RATE)
        cached = rng.random(n) < 0.5
        result.append(np.where(cached, rng.lognormal(math.log(100), 0.25, n), rng.lognormal(math.log(1500), 0.9, n)))
    return result


def window(second: int, values: Floats, *, revision: int = 1) -> Aggregate:
    return Aggregate(
        tenant="default",
        metric="request_duration_ms",
        unit="ms",
        resolution="1s",
        window_start=(T0 + second) * 1000,
        revision=revision,
        final=True,
        published_at=(T0 + second) * 1000 + 3000,
        series=[summary_of(values)] if len(values) else [],
    )


def alarms(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.change and f.change.phase is Phase.OPENED and f.key == KEY]


def run(engine: Engine, seconds: list[Floats], begin: int = 0) -> list[Finding]:
    return [finding for i, values in enumerate(seconds) for finding in engine.take(window(begin + i, values))]


def known(engine: Engine) -> Floats:
    """The histogram of :data:`KEY`."""
    row = engine.table.find(KEY)
    assert row is not None
    result: Floats = engine.table.likelihoods.state(len(engine.table))["known"][row].astype(np.float64)
    return result


@pytest.mark.parametrize("values", [[80.0], [80.0, 2000.0], [80.0, 90.0, 2000.0]])
def test_up_to_three_observations_are_read_exactly(values: list[float]) -> None:
    result = observations([AggregateSeries(), summary_of(np.array(values))])
    assert np.exp2(result.logarithms) == pytest.approx(values)
    assert result.of.tolist() == [1] * len(values)
    assert result.stands_for.tolist() == [1.0] * len(values)


@pytest.mark.parametrize("count", [4, POINTS, POINTS + 1, 5000])
def test_more_are_spread_along_the_percentiles(count: int) -> None:
    values = np.random.default_rng(count).lognormal(5, 0.5, count)
    result = observations([summary_of(values)])
    reported = np.exp2(result.logarithms)
    assert len(reported) == min(count, POINTS)
    assert result.stands_for.sum() == pytest.approx(count)
    assert values.min() - 1e-6 <= reported.min() <= reported.max() <= values.max() + 1e-6
    assert np.median(reported) == pytest.approx(np.median(values), rel=0.2)


@pytest.mark.parametrize(
    "series",
    [
        AggregateSeries(count=0),
        AggregateSeries(count=3, sum=900.0),
        AggregateSeries(count=3, min=1.0, p50=2.0, p95=math.nan, p99=4.0, max=5.0),
        AggregateSeries(count=3, min=1.0, p50=2.0, p95=3.0, p99=4.0, max=math.inf),
    ],
)
def test_without_percentiles_nothing_is_known(series: AggregateSeries) -> None:
    assert observations([series]).logarithms.tolist() == []


def weigh(likelihoods: Likelihoods, row: int, at: int, values: list[float]) -> None:
    likelihoods.write(np.array([row]), at, [summary_of(np.array(values))], np.array([True]))


def test_zero_and_enormous_durations_count_in_the_outermost_bins() -> None:
    likelihoods = Likelihoods(100)
    weigh(likelihoods, 0, T0, [0.0, 1e12])
    weigh(likelihoods, 0, T0 + 2 * SETTLE_S, [120.0])
    assert np.flatnonzero(likelihoods.state(1)["known"][0]).tolist() == [0, BINS - 1]


@pytest.mark.parametrize("seed", range(6))
def test_three_times_as_long_is_found_in_a_mixture_within_fifteen_seconds(seed: int) -> None:
    seconds = mixture(seed, 520)
    slow = [values * 3 if i >= 500 else values for i, values in enumerate(seconds)]
    (result,) = alarms(run(Engine(), slow))
    assert result.change is not None
    assert 500 <= result.at - T0 <= 512
    assert result.change.direction == 1
    assert result.value > result.expected
    assert result.score > 0.95


@pytest.mark.parametrize("seed", range(6))
def test_an_undisturbed_mixture_is_quiet(seed: int) -> None:
    assert alarms(run(Engine(), mixture(100 + seed, 1500))) == []


def test_a_mixture_that_gets_faster_wakes_nobody() -> None:
    seconds = mixture(1, 600)
    assert alarms(run(Engine(), [values / 4 if i >= 500 else values for i, values in enumerate(seconds)])) == []


def test_a_few_milliseconds_more_wake_nobody() -> None:
    seconds = [values / 200 for values in mixture(1, 600)]
    assert alarms(run(Engine(), [values * 3 if i >= 500 else values for i, values in enumerate(seconds)])) == []


def test_nothing_is_said_before_enough_is_remembered() -> None:
    engine = Engine()
    run(engine, mixture(1, 200))
    row = engine.table.find(KEY)
    ratio = engine.table.likelihoods.window(np.array([row]), T0 + 199, 200)[0]
    first = int(np.flatnonzero(np.isfinite(ratio))[0])
    assert LEAST / RATE * 0.7 + SETTLE_S < first < LEAST / RATE * 1.5 + 2 * SETTLE_S
    assert np.nanmean(ratio[first:]) < 0


def test_a_correction_is_weighed_again_and_remembered_once() -> None:
    engine = Engine()
    run(engine, mixture(1, 100))
    before = known(engine)
    row = np.array([engine.table.find(KEY)])
    was = engine.table.likelihoods.window(row, T0 + 99, 10)[0].copy()
    engine.take(window(95, np.full(8, 5000.0), revision=2))
    now = engine.table.likelihoods.window(row, T0 + 99, 10)[0]
    assert known(engine) == pytest.approx(before)
    assert now[5] != was[5]
    assert np.delete(now, 5) == pytest.approx(np.delete(was, 5), nan_ok=True)


def test_an_incident_does_not_become_normal_while_it_lasts_and_does_when_it_is_adapted_to() -> None:
    seconds = mixture(2, 500 + ADAPT_S + 200)
    engine = Engine()
    findings = run(engine, [values * 4 if i >= 500 else values for i, values in enumerate(seconds[: 500 + ADAPT_S - 20])])
    (opened,) = alarms(findings)
    slow = np.log2(1500 * 4)
    places = (np.arange(BINS) / 3 - 4) > slow
    assert known(engine)[places].sum() / known(engine).sum() < 0.2  # of normal answers few are as slow as that
    findings = run(engine, [values * 4 for values in seconds[500 + ADAPT_S - 20 :]], 500 + ADAPT_S - 20)
    adapted = [f for f in findings if f.change and f.change.phase is Phase.ADAPTED and f.key == KEY]
    assert len(adapted) == 1
    assert adapted[0].at > opened.at
    assert alarms(findings) == []
    assert known(engine)[places].sum() / known(engine).sum() > 0.2


def test_a_saved_engine_goes_on_as_if_nothing_had_happened() -> None:
    seconds = mixture(3, 420)
    slow = [values * 3 if i >= 400 else values for i, values in enumerate(seconds)]
    one, other = Engine(), Engine()
    run(one, slow[:390])
    keys, state = one.state()
    other.restore(keys, {name: array.copy() for name, array in state.items()})
    assert run(one, slow[390:], 390) == run(other, slow[390:], 390)
    for name, array in one.state()[1].items():
        assert np.array_equal(array, other.state()[1][name], equal_nan=array.dtype.kind == "f"), name


@pytest.mark.parametrize("name", ["likelihoods.known", "likelihoods.ratio"])
def test_a_state_of_another_shape_is_refused(name: str) -> None:
    engine = Engine()
    run(engine, mixture(3, 100))
    keys, state = engine.state()
    with pytest.raises(ValueError, match="shape"):
        Engine().restore(keys, {**state, name: state[name][..., :-1]})


def test_a_row_that_another_series_takes_over_remembers_nothing() -> None:
    likelihoods = Likelihoods(50)
    row = np.array([7])
    for i in range(80):
        weigh(likelihoods, 7, T0 + i, [120.0] * 5)
    assert np.isfinite(likelihoods.window(row, T0 + 79, 5)).all()
    likelihoods.clear(7, T0 + 79)
    assert np.isnan(likelihoods.window(row, T0 + 80, 5)).all()
    assert likelihoods.state(8)["fresh"][7].sum() == 0
    assert likelihoods.state(8)["known"][7].sum() == 0


def test_what_was_learnt_just_before_an_incident_opened_is_taken_back() -> None:
    likelihoods = Likelihoods(50)
    for i in range(100):
        weigh(likelihoods, 0, T0 + i, [120.0 if i < 85 else 4800.0] * 5)
    slow = int((np.log2(4800.0) - LOWEST) * OCTAVE)
    likelihoods.forget_newest(0)
    for i in range(100, 160):
        weigh(likelihoods, 0, T0 + i, [120.0] * 5)
    known = likelihoods.state(1)["known"][0]
    assert known[slow] == 0
    assert known.sum() > 300


def test_rows_without_observations_and_seconds_after_the_last_are_unknown() -> None:
    likelihoods = Likelihoods(50)
    assert likelihoods.has(np.array([0, 2])).tolist() == [False, False]
    for i in range(80):
        weigh(likelihoods, 2, T0 + i, [120.0] * 5)
    assert likelihoods.has(np.array([1, 2, 500])).tolist() == [False, True, False]
    result = likelihoods.window(np.array([2]), T0 + 83, 6)[0]
    assert np.isfinite(result).tolist() == [True, True, False, False, False, False]
    assert np.isnan(likelihoods.window(np.array([2]), T0 + 500, 6)).all()


def test_many_series_are_weighed_as_each_alone_would_be() -> None:
    rng = np.random.default_rng(5)
    together, alone = Likelihoods(100), [Likelihoods(100) for _ in range(80)]
    for at in range(T0, T0 + 90):
        rows = np.flatnonzero(rng.random(80) < 0.8)
        reported = [summary_of(rng.lognormal(5, 0.5, int(rng.integers(1, 60)))) for _ in rows]
        together.write(rows, at, reported, np.ones(len(rows), np.bool_))
        for row, series in zip(rows.tolist(), reported, strict=True):
            alone[row].write(np.zeros(1, np.int64), at, [series], np.ones(1, np.bool_))
    whole = together.window(np.arange(80), T0 + 89, 100)
    each = np.concatenate([one.window(np.zeros(1, np.int64), T0 + 89, 100) for one in alone])
    np.testing.assert_allclose(whole, each, rtol=2e-3)
    assert np.isfinite(whole).sum() > 3000
