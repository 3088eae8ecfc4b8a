"""What a forecaster is: the plug-in interface, what it learns and what a forecast holds. Pure.

A forecaster works in two steps with a seam between them: :meth:`Forecaster.train` turns histories into a :class:`Model`, which
is plain arrays and a few words, and :meth:`Forecaster.predict` turns a model and histories, grown since or not, into forecasts.
A model can therefore be stored, moved to another replica, and used at every tick until it is due for another training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from predictor.series.ring import Floats, Ints

COVERAGES = (0.80, 0.95)
"""The intervals that every forecast has."""

Progress = Callable[[int, int], None]
"""Told how much of the training is done, and of how much."""


@dataclass(frozen=True)
class Forecast:
    """Of one series: ``mean`` (steps), and ``lower`` and ``upper`` (coverages of :data:`COVERAGES` × steps), in its unit.

    ``model`` names what made it; ``comment`` says how it did against the naive forecasts, and whether a model is benched.
    """

    mean: Floats
    lower: Floats
    upper: Floats
    model: str
    comment: str = ""


@dataclass(frozen=True)
class Model:
    """What a forecaster learnt of some series. Its arrays are numbers only, and their first axis is the series.

    ``rows`` (series) is the length of each usable history when it was trained; ``features`` what was learnt from, one text for
    each layout of inputs; ``scores`` (series × ``score_names``) the held-out mean absolute errors behind the choice of the
    forecast, in the series' unit (NaN: not tried).
    """

    forecaster: str
    horizon: int
    season: int
    rows: Ints
    features: tuple[str, ...]
    score_names: tuple[str, ...]
    scores: Floats
    arrays: Mapping[str, NDArray[Any]]


def select(model: Model, series: Sequence[int]) -> Model:
    """What ``model`` knows of those of its series: of all its arrays the first axis is the series."""
    places = np.array(series, np.int64)
    arrays = {name: array[places] for name, array in model.arrays.items()}
    return replace(model, rows=model.rows[places], scores=model.scores[places], arrays=arrays)


class Forecaster(Protocol):
    """Learns from the histories of one or many series of one resolution, then forecasts each of them.

    Histories are oldest first and evenly spaced, NaN where a value is missing; their lengths differ. Every one gets a finite
    forecast, however short it is. What was learnt over all of them may be used for each. ``season`` is the main period in
    steps, 1 for none; ``None`` has it inferred, for which ``step_s``, the seconds of a step, is of help.
    """

    @property
    def name(self) -> str: ...

    def train(
        self,
        histories: Sequence[Floats],
        *,
        horizon: int,
        season: int | None = None,
        step_s: float | None = None,
        progress: Progress | None = None,
    ) -> Model: ...

    def predict(self, model: Model, histories: Sequence[Floats]) -> list[Forecast]:
        """The ``model.horizon`` steps after the newest value of each history: those it was trained on, in their order."""


def forecast(
    forecaster: Forecaster,
    histories: Sequence[Floats],
    *,
    horizon: int,
    season: int | None = None,
    step_s: float | None = None,
    progress: Progress | None = None,
) -> list[Forecast]:
    """What ``forecaster`` says of ``histories`` once it was trained on them: both of its steps in one call."""
    model = forecaster.train(histories, horizon=horizon, season=season, step_s=step_s, progress=progress)
    return forecaster.predict(model, histories)
