"""When forecasts may be trained, what a forecaster that fails costs, and that nobody waits for one at the end."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from predictor.anomalies.engine import Engine
from predictor.forecasters.interface import Forecast, Model
from predictor.forecasting.forecasts import Forecasts, Limits
from predictor.forecasting.schedule import Forecasting
from predictor.series.ring import Floats
from rigs.aggregates import aggregate
from rigs.waiting import DEADLINE_S

T0 = 1_790_000_040 // 3600 * 3600
METRICS = ("requests", "events", "llm_requests")


class Slow:
    """A plug-in that takes its time, and fails when it is told to."""

    name = "slow"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.failing = False
        self.began: list[float] = []

    def train(self, histories: Sequence[Floats], *, horizon: int, **settings: Any) -> Model:
        self.began.append(time.monotonic())
        time.sleep(self.seconds)
        if self.failing:
            raise ValueError("no such thing")
        n = len(histories)
        return Model(self.name, horizon, 1, np.array([len(h) for h in histories]), (), ("slow",), np.zeros((n, 1)), {})

    def predict(self, model: Model, histories: Sequence[Floats]) -> list[Forecast]:
        flat = np.ones(model.horizon)
        wide = np.stack([flat, flat])
        return [Forecast(flat, wide - 1, wide + 1, self.name) for _ in histories]


def fed(minutes: int, *metrics: str) -> Engine:
    engine = Engine()
    for i in range(minutes):
        for metric in metrics:
            engine.take(aggregate(metric, (T0 + 60 * i) * 1000, {"count": 60}, resolution="1m", final=True))
    return engine


def of(forecaster: Slow, *, share: float = 0.1, minutes: int = 30) -> Forecasting:
    return Forecasting(forecaster, train_every_s=900, train_share=share, now=lambda: T0 + 60.0 * minutes)


async def test_training_takes_no_more_than_its_share_though_nothing_was_learnt_yet() -> None:
    slow = Slow(0.05)
    schedule, engine = of(slow), fed(30, *METRICS)
    began = time.monotonic()
    while len(slow.began) < 3:
        # each time as after a start: every pool is without a model
        await schedule.run_once(engine, Forecasts(Limits(), slow.name))
        assert time.monotonic() - began < DEADLINE_S
    gaps = np.diff(slow.began)
    assert gaps.min() >= 0.5, "a twentieth of a second of training, nine of waiting"


async def test_a_forecaster_that_fails_costs_its_pool_the_model_and_nobody_anything_else(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, state = Slow(), Forecasts(Limits(), Slow.name)
    schedule, engine = of(slow, share=1.0), fed(30, "requests")
    slow.failing = True
    reported = await schedule.run_once(engine, state)
    assert {(t.field, t.model, t.state) for t in reported} == {
        ("rate", "last-value", "learning"),
        ("error_rate", "last-value", "learning"),
    }
    assert "no such thing" in caplog.text
    assert "default/requests/rate/15m" in {getattr(record, "pool", "") for record in caplog.records}

    slow.failing = False
    tried = len(slow.began)
    schedule = again(schedule, 31)
    assert {t.model for t in await schedule.run_once(fed(31, "requests"), state)} == {"last-value"}
    assert len(slow.began) == tried, "not again at once"
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    schedule = again(schedule, 32)
    assert {t.model for t in await schedule.run_once(fed(32, "requests"), state)} == {"slow"}


def again(schedule: Forecasting, minutes: int) -> Forecasting:
    """The same, so many minutes after the beginning."""
    schedule._now = lambda: T0 + 60.0 * minutes
    return schedule


async def test_nobody_waits_for_a_training_at_the_end() -> None:
    code = """
import asyncio, threading
from predictor.forecasting.schedule import _aside
async def main():
    began = asyncio.Event()
    loop = asyncio.get_running_loop()
    def training():
        loop.call_soon_threadsafe(began.set)
        threading.Event().wait()  # for ever
    work = asyncio.create_task(_aside(training))
    await began.wait()
    work.cancel()
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    async with asyncio.timeout(DEADLINE_S):
        assert await process.wait() == 0
