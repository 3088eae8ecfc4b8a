"""The forecaster's schedule: one thread in which models are trained, and how much of a core that may take."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from drishti.events import ForecastInsight
from predictor.anomalies.engine import Engine
from predictor.forecasters.interface import Forecaster
from predictor.forecasting import forecasts
from predictor.forecasting.forecasts import Forecasts, Pool

log = logging.getLogger(__name__)

Clock = Callable[[], float]
T = TypeVar("T")

RETRY_S = 3600.0
"""How long a pool whose forecaster failed is left to the naive one."""


class Forecasting:
    """Forecasts partitions one after the other, in one thread: training never takes a second core from the others.

    Training may take the share ``train_share`` of the time: one that took ``t`` seconds keeps the next waiting until they are
    so small a share. Until then older models speak, or naive ones. A forecaster that fails costs its pool the model, and nobody
    else anything.
    """

    def __init__(self, forecaster: Forecaster, *, train_every_s: float, train_share: float, now: Clock) -> None:
        self._forecaster = forecaster
        self._train_every_s = train_every_s
        self._train_share = train_share
        self._now = now
        self._may_train_at = 0.0
        self._failed: dict[Pool, float] = {}
        """Pools whose forecaster failed, and when it may try again."""

    async def run_once(self, engine: Engine, state: Forecasts) -> list[ForecastInsight]:
        """What there is to tell of one partition now. What was learnt is in ``state``."""
        results = []
        for task in state.due(engine, int(self._now())):
            results += state.settle(await _aside(functools.partial(self._work, task)))
        return results

    def _work(self, task: forecasts.Task) -> forecasts.Done:
        """In the thread: touches nothing but the task."""
        began = time.monotonic()
        may_train = began >= max(self._may_train_at, self._failed.get(task.pool, 0.0))
        trained = True
        try:
            done = self._done(task, may_train=may_train)
            trained = done.trained is not task.trained
        except Exception:
            # Whatever a plug-in raises: alarms do not end because a forecast cannot be made.
            log.exception("a forecaster failed, naive forecasts stand in", extra={"pool": "/".join(task.pool)})
            self._failed[task.pool] = time.monotonic() + RETRY_S
            return self._done(replace(task, trained=None), may_train=False)
        finally:
            if may_train and trained:
                ended = time.monotonic()
                self._may_train_at = ended + (ended - began) * (1.0 / self._train_share - 1.0)
        return done

    def _done(self, task: forecasts.Task, *, may_train: bool) -> forecasts.Done:
        now = int(self._now())
        return forecasts.work(task, self._forecaster, now, may_train=may_train, train_every_s=self._train_every_s)


async def _aside(work: Callable[[], T]) -> T:
    """What ``work`` returns or raises, done in a thread that nobody waits for when the process ends.

    Python joins the threads of its executors at the end, and a training takes many seconds.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[Any], None], what: Any) -> None:
        if not future.done():
            how(what)

    def run() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = future.set_result, work()
        except BaseException as error:
            outcome = future.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name="forecast", daemon=True).start()
    return await future
