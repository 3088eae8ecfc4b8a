"""What one partition forecasts: its models, its records, and how one round goes. Pure; the middle step is for a thread.

A round has three steps. :meth:`Forecasts.due` copies what is needed; :func:`work` trains where that is due and predicts,
touching nothing else; :meth:`Forecasts.settle` keeps what was said for its hour and makes the insights of it.

The series of one metric and field of one tenant learn together (a *pool*): what their models have in common is learnt from all,
and nothing of another tenant is in it. A model that loses is benched twice over: by the forecaster itself, on what it kept from
training, and here, by its record of forecasts that came due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from drishti.events import ForecastInsight
from predictor.anomalies.engine import Engine
from predictor.forecasters import rolling
from predictor.forecasters.blend import Blend
from predictor.forecasters.interface import Forecast, Forecaster, Model, forecast, select
from predictor.forecasters.learnt import unlearnt
from predictor.forecasters.naive import SeasonalNaive
from predictor.forecasting import capacity, insights
from predictor.forecasting.horizons import HORIZONS, Horizon
from predictor.forecasting.scoreboard import Scoreboard
from predictor.series.ring import Floats
from predictor.series.watch import Kind, SeriesKey, Watch

Pool = tuple[str, str, str, str]
"""Tenant, metric, field and the horizon's name."""

LIKELY = 0.01
"""From here on a saturation that nobody asked for is reported: most machines are far from it."""

Record = tuple[SeriesKey, str]
"""A series and the horizon's name."""


@dataclass(frozen=True)
class Limits:
    """What people set about series, by name (``metric.field``): a threshold not to be crossed, and what one replica carries."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    replica_loads: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A model, of which series in their order, and when (seconds)."""

    model: Model
    keys: tuple[SeriesKey, ...]
    at: int


@dataclass(frozen=True)
class Task:
    """One pool's work: the histories in steps of the horizon, and when the newest step of each began (seconds)."""

    pool: Pool
    horizon: Horizon
    keys: tuple[SeriesKey, ...]
    watches: tuple[Watch, ...]
    histories: tuple[Floats, ...]
    newest: tuple[int, ...]
    trained: Trained | None


@dataclass(frozen=True)
class Done:
    """What :func:`work` made of a task: what the model and the naive forecaster say of each series, and of which the model
    was tried (``judged``)."""

    task: Task
    trained: Trained
    judged: list[bool]
    learnt: list[Forecast]
    naive: list[Forecast]


class Forecasts:
    """The models and records of one partition, all of the forecaster of that name (naive ones stand in until it may train)."""

    def __init__(self, limits: Limits, forecaster: str = Blend.name) -> None:
        self.forecaster = forecaster
        self.models: dict[Pool, Trained] = {}
        self.scores: Scoreboard[Record] = Scoreboard()
        self._limits = limits
        self._forecast_at: dict[Pool, int] = {}

    def due(self, engine: Engine, now: int) -> list[Task]:
        """Marks what has come due, and returns the pools to be forecast at ``now`` (seconds)."""
        pools: dict[Pool, list[tuple[SeriesKey, Watch, Floats, int]]] = {}
        for row, (key, watch) in enumerate(zip(engine.table.keys, engine.table.watches, strict=True)):
            if not watch.forecast:
                continue
            for horizon in HORIZONS:
                record, pool = (key, horizon.name), (key.tenant, key.metric, key.field, horizon.name)
                newest = engine.history.newest_s(horizon.resolution, row)
                now_due = now >= self._forecast_at.get(pool, 0) + horizon.every_s
                if not now_due and newest <= self.scores.newest(record):
                    continue  # nothing new to mark, and looking into the history costs more than all else
                values = engine.history.values(horizon.resolution, row)
                self.scores.mark(record, newest, horizon.step_s, values)
                if now_due and _worth(horizon, values, newest, now):
                    pools.setdefault(pool, []).append((key, watch, values, newest))
        self._forget(engine)
        horizons = {horizon.name: horizon for horizon in HORIZONS}
        tasks = []
        for pool, members in pools.items():
            self._forecast_at[pool] = now
            keys, watches, histories, newest_of = zip(*members, strict=True)
            tasks.append(Task(pool, horizons[pool[-1]], keys, watches, histories, newest_of, self.models.get(pool)))
        return tasks

    def settle(self, done: Done) -> list[ForecastInsight]:
        """Keeps what was said until its hour comes, and says it."""
        task, horizon = done.task, done.task.horizon
        self.models[task.pool] = done.trained
        judged = done.judged
        reported = []
        for i, (key, watch) in enumerate(zip(task.keys, task.watches, strict=True)):
            learnt, naive = done.learnt[i], done.naive[i]
            record = (key, horizon.name)
            spoken, benched = self._spoken(record, learnt, naive, done.trained.model.forecaster)
            first = task.newest[i] + horizon.step_s
            self.scores.keep(record, first=first, step=horizon.step_s, model=learnt, naive=naive, kept=horizon.kept)
            insight = self._insight(key, watch, horizon, spoken, first, judged[i], _last(task.histories[i]))
            insight.benched = benched if judged[i] else None
            reported.append(insight)
        return reported

    def _spoken(self, record: Record, learnt: Forecast, naive: Forecast, forecaster: str) -> tuple[Forecast, str | None]:
        """Who speaks, and whom of the learnt models that benches."""
        if learnt.model != forecaster:
            return learnt, forecaster  # it benched itself
        if not self.scores.benched(record):
            return learnt, None
        comment = f"Naive: the model is benched, its marked forecasts were worse. {naive.comment}"
        return replace(naive, comment=comment), forecaster

    def _insight(
        self, key: SeriesKey, watch: Watch, horizon: Horizon, spoken: Forecast, first: int, ready: bool, last: float
    ) -> ForecastInsight:
        spoken = _bounded(watch, spoken)
        insight = insights.forecast(key, watch, horizon, spoken, first, ready)
        record = (key, horizon.name)
        insight.standing = self.scores.standing(record)
        scored_s = self.scores.enough_at(
            record, first=first, step=horizon.step_s, steps=horizon.steps, kept=horizon.kept, every_s=horizon.every_s
        )
        insight.scored_at = None if scored_s is None else scored_s * 1000
        times_ms: Floats = (first + horizon.step_s * np.arange(horizon.steps, dtype=np.float64)) * 1000.0
        set_by_people = self._limits.thresholds.get(watch.name)
        threshold = watch.saturation if set_by_people is None else set_by_people
        if threshold is not None:
            breach = capacity.breach(spoken, times_ms, threshold)
            if set_by_people is not None or breach.probability >= LIKELY:
                insight.breach = breach
        if (load := self._limits.replica_loads.get(watch.name)) is not None:
            insight.capacity = capacity.replicas(spoken, times_ms, last, load)
        return insight

    def _forget(self, engine: Engine) -> None:
        """What was known of series that are no more."""
        for record in self.scores.records():
            if engine.table.find(record[0]) is None:
                self.scores.forget(record)
        known = {(key.tenant, key.metric, key.field) for key in engine.table.keys}
        self.models = {pool: trained for pool, trained in self.models.items() if pool[:3] in known}


def work(task: Task, forecaster: Forecaster, now: int, *, may_train: bool, train_every_s: float) -> Done:
    """Trains where that is due and ``may_train``, and predicts. Seconds for a large pool: nothing for the event loop.

    A series that the model does not know is forecast as one that is too short to learn from until the next training, and one
    that left for a while finds its place again: neither costs the others their model.
    """
    horizon, step_s = task.horizon.steps, float(task.horizon.step_s)
    naive = SeasonalNaive()
    trained = task.trained if task.trained is not None and task.trained.model.horizon == horizon else None
    known = _known(task, trained)
    if (
        trained is None
        or not known
        or (may_train and (len(known) < len(task.keys) or _stale(trained, task, known, now, train_every_s)))
    ):
        chosen: Forecaster = forecaster if may_train else naive
        model = chosen.train(task.histories, horizon=horizon, step_s=step_s)
        trained = Trained(model, task.keys, now if may_train else 0)
        known = _known(task, trained)
    rival = forecast(naive, task.histories, horizon=horizon, season=trained.model.season, step_s=step_s)
    model = select(trained.model, list(known.values()))
    speaker: Forecaster = forecaster if model.forecaster == forecaster.name else naive
    said = dict(zip(known, speaker.predict(model, [task.histories[i] for i in known]), strict=True))
    learnt = [said.get(i) or unlearnt(history, horizon, model.season) for i, history in enumerate(task.histories)]
    judged = [i in known and bool(np.isfinite(trained.model.scores[known[i]]).any()) for i in range(len(task.keys))]
    return Done(task, trained, judged, learnt, rival)


def _known(task: Task, trained: Trained | None) -> dict[int, int]:
    """Which series of the task the model knows: the place there, and here."""
    if trained is None:
        return {}
    places = {key: place for place, key in enumerate(trained.keys)}
    return {i: places[key] for i, key in enumerate(task.keys) if key in places}


def _stale(trained: Trained, task: Task, known: dict[int, int], now: int, train_every_s: float) -> bool:
    """A model of a history that grew much, or was made some time ago (at least a step of it)."""
    old = now - trained.at >= max(train_every_s, task.horizon.step_s)
    return old or rolling.due(select(trained.model, list(known.values())), [task.histories[i] for i in known])


def _worth(horizon: Horizon, values: Floats, newest: int, now: int) -> bool:
    """Enough is known, and it is not long ago."""
    known = int(np.isfinite(values).sum())
    return known >= horizon.least and now - newest <= 3 * horizon.step_s + 60


def _bounded(watch: Watch, forecast: Forecast) -> Forecast:
    """No forecast says what cannot be: only a ``VALUE`` may be negative, and no share is above one."""
    if watch.kind is Kind.VALUE:
        return forecast
    most = 1.0 if watch.kind is Kind.SHARE else np.inf
    return replace(
        forecast,
        mean=np.clip(forecast.mean, 0.0, most),
        lower=np.clip(forecast.lower, 0.0, most),
        upper=np.clip(forecast.upper, 0.0, most),
    )


def _last(history: Floats) -> float:
    known = history[np.isfinite(history)]
    return float(known[-1]) if len(known) else 0.0
