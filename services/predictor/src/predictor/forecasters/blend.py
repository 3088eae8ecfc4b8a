"""The learnt forecaster: linear maps from windows of the past, pooled over series, benched where naive ones are better. Pure.

How this works
--------------
1. Each history is prepared (:mod:`.series`) and gets the richest :mod:`.layout` of windows that its length allows; the series
   with one layout learn together.
2. For each step ahead there is a linear map from the windows to the target (:mod:`.direct`), fitted as :mod:`.pooling` says.
3. It must win its place (:mod:`.trial`). The maps are first fitted without the newest quarter of each history, and forecast
   there from rolling origins, as do the last value and the value of one season before. A series whose maps lose gets the naive
   forecast, and the comment says so.
4. The errors made there give the intervals (:mod:`.intervals`), and the maps are fitted again to everything.
5. Forecasts are made from what is left of all that (:mod:`.learnt`): some arrays.

Series too short for this get naive forecasts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictor.forecasters import direct, intervals, learnt, seasons, trial
from predictor.forecasters.direct import Subject
from predictor.forecasters.interface import Forecast, Model, Progress
from predictor.forecasters.layout import Layout, inputs, level
from predictor.forecasters.learnt import Learnt
from predictor.forecasters.series import prepare
from predictor.series.ring import Floats, Ints

FEWEST = 32
"""Origins that a series must have to be worth a first fit."""

POOL = 512
"""Most series that learn together: their Gram matrices are all in memory, some 2 MB a series."""


class Blend:
    """The plug-in ``blend``."""

    name = "blend"

    def train(
        self,
        histories: Sequence[Floats],
        *,
        horizon: int,
        season: int | None = None,
        step_s: float | None = None,
        progress: Progress | None = None,
    ) -> Model:
        season = season or seasons.find(histories, step_s)
        prepared = [prepare(history, season) for history in histories]
        pools: dict[Layout, list[int]] = {}
        for k, one in enumerate(prepared):
            layout = _layout(len(one.values), season, horizon)
            if layout is not None:
                pools.setdefault(layout, []).append(k)
        done, total = 0, direct.PASSES * sum(map(len, pools.values()))

        def gone_through() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, total)

        models: dict[int, Learnt] = {}
        for layout, members in pools.items():
            steps = direct.own_steps(horizon, layout.season)
            for first in range(0, len(members), POOL):
                some = members[first : first + POOL]
                trials = [len(prepared[k].values) - trial.held_out(len(prepared[k].values), horizon) for k in some]
                subjects = [Subject.of(prepared[k], layout, horizon, row) for k, row in zip(some, trials, strict=True)]
                early, maps = direct.fit(subjects, layout, steps, gone_through)
                models.update(zip(some, _tried(subjects, layout, horizon, steps, early, maps), strict=True))
        scores = np.full((len(prepared), len(trial.SCORES)), np.nan)
        for k, one_found in models.items():
            scores[k] = one_found.scores
        rows = np.array([len(one.values) for one in prepared], np.int64)
        features = tuple(", ".join(layout.names) for layout in pools)
        arrays = learnt.pack(models, prepared)
        return Model(self.name, horizon, season, rows, features, trial.SCORES, scores, arrays)

    def predict(self, model: Model, histories: Sequence[Floats]) -> list[Forecast]:
        return [learnt.forecast(model, k, history) for k, history in enumerate(histories)]


def _layout(rows: int, season: int, horizon: int) -> Layout | None:
    """The richest that leaves rows to learn from and to be judged by; ``None``: too short for any."""
    for layout in Layout.choices(rows, season):
        if rows - trial.held_out(rows, horizon) - horizon - layout.reach >= FEWEST:
            return layout
    return None


def _tried(subjects: list[Subject], layout: Layout, horizon: int, steps: Ints, early: Floats, maps: Floats) -> list[Learnt]:
    """The verdict on ``early`` maps, and ``maps`` to go on with."""
    verdicts, independent = [], 0.0
    for subject, tried in zip(subjects, early, strict=True):
        one, rows = subject.prepared, len(subject.prepared.values)
        held = trial.held_out(rows, horizon)
        origins = direct.spread(rows - held, rows - horizon, trial.JUDGED)
        base = level(layout, one, origins)
        forecasts = [inputs(layout, one, subject.means, origins, s) @ m + base for s, m in zip(steps, tried, strict=True)]
        verdicts.append(trial.judge(one, origins, steps, np.stack(forecasts, axis=1), layout.season))
        independent += intervals.FORGETFUL * held / steps.mean()
    offsets = intervals.offsets([verdict.errors for verdict in verdicts], independent)
    return [
        Learnt(layout, verdict.weights, verdict.scores, own, offset)
        for verdict, own, offset in zip(verdicts, maps, offsets, strict=True)
    ]
