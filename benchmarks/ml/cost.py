"""What the default detector costs: time for each observation, and memory for each series, on one core."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.ml.measure import Measure
from benchmarks.ml.public import Session
from drishti.events import AggregateSeries
from drishti.measures.built_in import FED
from predictor import plugins
from predictor.anomalies.engine import Engine
from predictor.forecasters.blend import Blend
from predictor.forecasting.horizons import HORIZONS
from predictor.forecasting.scoreboard import Scoreboard
from predictor.series.history import LENGTHS
from predictor.series.watch import SeriesKey, watches_of

ROWS = 20_000
SERIES = 10_000
WARM, TICKS = 660, 144
"""Ticks before the clock runs, until every series has its measure; and those that are timed: all measures are taken twice."""

SERVICE_SERIES = 1000
POOL = 32
"""Series that learn together, to see how much their models keep of each."""

STEP_S = 10.0
BEGIN_S = 1.7e9


def cost(run: Session) -> list[Measure]:
    """Row by row, as the command line does it; and 10,000 series of one tick together, as the service does."""
    run.say("cost of one row")
    alone_ms = _alone_s() * 1e3
    run.say(f"cost of {SERIES:,} series together")
    together_us, memory_kb = _together()
    judging_kb, history_kb = _judging_kb()
    run.say("memory of forecasts")
    forecast_kb = _forecast_kb()
    return [
        Measure(
            what="cost per observation, one core, row by row",
            comparison="",
            at_least="≤ 0.3 ms",
            aim="",
            measured=f"{alone_ms:.3f} ms",
            met=alone_ms <= 0.3,
        ),
        Measure(
            what=f"the same, {SERIES:,} series ticking together",
            comparison="",
            at_least="≤ 20 µs a series",
            aim="5 µs",
            measured=f"{together_us:.1f} µs",
            met=together_us <= 20,
        ),
        Measure(
            what="memory per series that is judged",
            comparison="Netdata 18 KB a metric",
            at_least="≤ 16 KB",
            aim="4 KB",
            measured=(
                f"detector {memory_kb:.1f} KB; in the service, by the second and by the minute, {judging_kb:.1f} KB "
                f"(and {history_kb:.1f} KB of past to forecast from, {forecast_kb:.1f} KB of models and marks if forecast)"
            ),
            met=judging_kb <= 16,
        ),
    ]


def _alone_s() -> float:
    detector = plugins.detector()
    detector.reserve(1)
    row = np.zeros(1, np.int64)
    values = _values(np.random.default_rng(1), ROWS, 1)
    began = time.process_time()
    for tick in range(ROWS):
        detector.update(row, np.array([BEGIN_S + tick * 300.0]), values[tick])
    return (time.process_time() - began) / ROWS


def _together() -> tuple[float, float]:
    """Microseconds and kilobytes of one series."""
    detector = plugins.detector()
    detector.reserve(SERIES)
    rows = np.arange(SERIES)
    values = _values(np.random.default_rng(2), TICKS + WARM, SERIES)
    spent = 0.0
    for tick in range(TICKS + WARM):
        at = np.full(SERIES, BEGIN_S + tick * STEP_S)
        began = time.process_time()
        detector.update(rows, at, values[tick])
        if tick >= WARM:
            spent += time.process_time() - began
    held = sum(array.nbytes for array in detector.state(SERIES).values())
    return spent / TICKS / SERIES * 1e6, held / SERIES / 1024


def _values(rng: np.random.Generator, ticks: int, series: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A daily curve with noise and now and then something that is not normal, so that no branch is spared."""
    curve = 100 + 30 * np.sin(np.arange(ticks) / 288 * 2 * np.pi)
    values = curve[:, None] + rng.normal(0, 5, (ticks, series))
    values[rng.random((ticks, series)) < 0.002] *= 5
    return values


def _judging_kb() -> tuple[float, float]:
    """Kilobytes of one series in the service: what both detectors know, and the past that forecasts learn from. Every
    built-in watch has as many of them."""
    engine = Engine(capacity=SERVICE_SERIES)
    watches = [watch for definition in FED.values() for watch in watches_of(definition)]
    for number in range(SERVICE_SERIES):
        watch = watches[number % len(watches)]
        engine.table.add(SeriesKey("default", watch.metric, watch.field, (("service", str(number)),)), watch, int(BEGIN_S))
        if watch.mixture:
            told = [AggregateSeries(count=1, min=1.0, p50=1.0, p95=1.0, p99=1.0, max=1.0)]
            engine.table.likelihoods.write(np.array([number]), int(BEGIN_S), told, np.ones(1, np.bool_))
        engine.history.clear(number, forecast=True)
        engine.minutes.clear(number)
        engine.incidents.reset(number)
    n = SERVICE_SERIES
    states = (engine.table.state(), engine.minutes.state(n), engine.incidents.state(n))
    held = sum(array.nbytes for state in states for name, array in state.items() if not name.startswith("likelihoods."))
    history = sum(array.nbytes for array in engine.history.state(n).values())
    return (held + engine.table.likelihoods.nbytes) / n / 1024, history / n / 1024


def _forecast_kb() -> float:
    """Kilobytes of one series that is forecast at every horizon, from a full past with days and weeks in it."""
    rng, forecaster, board = np.random.default_rng(3), Blend(), Scoreboard[str]()
    held = 0
    for horizon in HORIZONS:
        rows = LENGTHS[horizon.resolution]
        day = 86_400 / horizon.step_s
        curve = np.sin(np.arange(rows) / day * 2 * np.pi) * np.where(np.arange(rows) // day % 7 < 5, 30, 10)
        histories = [100 + curve + rng.normal(0, 5, rows) for _ in range(POOL)]
        model = forecaster.train(histories, horizon=horizon.steps, step_s=horizon.step_s)
        held += sum(array.nbytes for array in model.arrays.values()) // POOL
        (said, *_) = forecaster.predict(model, histories)
        for first in range(0, horizon.length_s, -(-horizon.every_s // horizon.step_s) * horizon.step_s):
            board.keep(horizon.name, first=first, step=horizon.step_s, model=said, naive=said, kept=horizon.kept)
            board.mark(horizon.name, first, horizon.step_s, said.mean[:1])
    return (held + sum(array.nbytes for array in board.state(board.records()).values())) / 1024
