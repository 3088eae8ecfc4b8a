"""The forecaster's schedule: which series, when to train, and the one thread in which scikit-learn works."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from drishti.events import Insight
from predictor import forecast, insights
from predictor.engine import Engine
from predictor.forecast import Forecast, Model
from predictor.ring import Floats
from predictor.series import BUCKET_S, BUCKETS
from predictor.watch import Kind, SeriesKey, Watch

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Task:
    key: SeriesKey
    watch: Watch
    last: int
    amount: Floats
    weight: Floats
    model: Model | None


class Forecaster:
    """Forecasts every series whose watch says so, in one thread: training never takes a second core from the others."""

    def __init__(self, engine: Engine, models: dict[SeriesKey, Model], *, train_every_s: float) -> None:
        self._engine = engine
        self._train_every_s = train_every_s
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="forecast")
        self._models = models

    async def run_once(self) -> list[Insight]:
        """One round; what it trained is in the ``models`` it was given."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, forecast.load_library)
        found = []
        for task in self._tasks():
            result = await loop.run_in_executor(self._executor, self._work, task)
            if result is not None:
                self._models[task.key] = result[0]
                found.append(insights.forecast(task.key, task.watch, result[1], (task.last + 1) * BUCKET_S - 1, BUCKET_S))
        living = set(self._engine.table.keys)
        for key in [key for key in self._models if key not in living]:
            del self._models[key]
        return found

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _tasks(self) -> list[_Task]:
        """What is to be done, as copies: the engine goes on while the executor works. Only buckets that are over count."""
        table = self._engine.table
        tasks = []
        for row, (key, watch) in enumerate(zip(table.keys, table.watches, strict=True)):
            if not watch.forecast:
                continue
            rows = np.array([row])
            newest = int(table.buckets.newest[row])
            amount, weight = (
                table.buckets.window(plane, rows, newest, BUCKETS)[0, :-1].astype(np.float64) for plane in ("amount", "weight")
            )
            tasks.append(_Task(key, watch, newest - 1, amount, weight, self._models.get(key)))
        return tasks

    def _work(self, task: _Task) -> tuple[Model, Forecast] | None:
        """In the executor: touches nothing but the task."""
        kind = Kind(task.watch.kind)
        values = forecast.prepare(kind, task.amount, task.weight)
        if values is None:
            return None
        model = task.model
        age = (task.last - model.window[1]) * BUCKET_S if model is not None else 0
        if model is None or age >= self._train_every_s or age < 0:
            model = forecast.train(values, task.last)
        return model, forecast.predict(model, kind, values)
