"""The forecaster's schedule: one thread in which models are trained, and how much of a core that may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from drishti.events import Insight
from predictor import forecasts
from predictor.engine import Engine
from predictor.forecasters.interface import Forecaster
from predictor.forecasts import Forecasts

Clock = Callable[[], float]


class Forecasting:
    """Forecasts partitions one after the other, in one thread: training never takes a second core from the others.

    Training may take the share ``train_share`` of the time: one that took ``t`` seconds keeps the next waiting until they are
    so small a share. Until then older models speak, or naive ones.
    """

    def __init__(self, forecaster: Forecaster, *, train_every_s: float, train_share: float, now: Clock) -> None:
        self._forecaster = forecaster
        self._train_every_s = train_every_s
        self._train_share = train_share
        self._now = now
        self._may_train_at = 0.0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="forecast")

    async def run_once(self, engine: Engine, state: Forecasts) -> list[Insight]:
        """What there is to tell of one partition now. What was learnt is in ``state``."""
        loop = asyncio.get_running_loop()
        found = []
        for task in state.due(engine, int(self._now())):
            done = await loop.run_in_executor(self._executor, self._work, task)
            found += state.settle(done)
        return found

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _work(self, task: forecasts.Task) -> forecasts.Done:
        """In the thread: touches nothing but the task."""
        began = time.monotonic()
        may_train = began >= self._may_train_at
        done = forecasts.work(task, self._forecaster, int(self._now()), may_train=may_train, train_every_s=self._train_every_s)
        if done.trained is not task.trained:
            ended = time.monotonic()
            self._may_train_at = ended + (ended - began) * (1.0 / self._train_share - 1.0)
        return done
