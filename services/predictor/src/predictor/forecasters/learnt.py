"""What was learnt of one series: to and from a model's arrays, and the forecast that it makes. Pure.

The candidates (the linear maps and the naive forecasts) are mixed with the weights that the trial found. Where rows have come
since the training, the newest of them have a say in the weights as well: after a change that the maps know nothing of, the
mixture goes over to the last value within about a horizon, long before the next training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.forecasters import direct, intervals, naive, trend, trial
from predictor.forecasters.interface import Forecast, Model
from predictor.forecasters.layout import Layout, inputs, level, phase_means
from predictor.forecasters.series import Prepared, Scale, prepare
from predictor.forecasters.trial import LAST, LEARNT, SEASONAL
from predictor.series.ring import Floats

RECENT = 8
"""Origins by which the newest rows are judged: at each, everything is forecast once more."""

WIDEST = 1.0
"""How far beyond the range seen an interval may reach, as a share of it: errors on the bent scale become any size on the way
back."""


@dataclass(frozen=True)
class Learnt:
    """``weights`` of the candidates, ``maps`` (steps × n) and ``offsets`` (quantiles × steps) of :func:`direct.own_steps`."""

    layout: Layout
    weights: Floats
    scores: Floats
    maps: Floats
    offsets: Floats


def pack(learnt: Mapping[int, Learnt], prepared: Sequence[Prepared]) -> dict[str, NDArray[Any]]:
    """Arrays of one shape for all series, padded with zeros; all zero for those that learnt nothing. The large ones have single
    precision: forecasts are not known to a millionth."""
    series = len(prepared)
    shape = np.max([(0, 0), *(model.maps.shape for model in learnt.values())], axis=0)
    arrays: dict[str, NDArray[Any]] = {
        "bent": np.array([one.scale.bent for one in prepared], bool),
        "size": np.array([one.scale.size for one in prepared], float),
        "layout": np.zeros((series, 3), np.int64),
        "weights": np.zeros((series, len(trial.CANDIDATES))),
        "maps": np.zeros((series, *shape), np.float32),
        "offsets": np.zeros((series, len(intervals.QUANTILES), shape[0]), np.float32),
    }
    for k, model in learnt.items():
        steps, size = model.maps.shape
        arrays["layout"][k] = model.layout.season, model.layout.long, model.layout.span
        arrays["weights"][k] = model.weights
        arrays["maps"][k, :steps, :size] = model.maps
        arrays["offsets"][k, :, :steps] = model.offsets
    return arrays


def forecast(model: Model, k: int, history: Floats) -> Forecast:
    """Of series ``k`` of ``model``. Where nothing was learnt of it, or the history is not the one it was learnt from, a line
    if that is what it shows, or else naive."""
    learnt = _unpack(model, k)
    if learnt is not None:
        one = prepare(history, model.season, Scale(bool(model.arrays["bent"][k]), float(model.arrays["size"][k])))
        if len(one.values) >= learnt.layout.reach:
            return _mixture(learnt, model, one, int(model.rows[k]))
    return unlearnt(history, model.horizon, model.season)


def unlearnt(history: Floats, horizon: int, season: int) -> Forecast:
    """While there is too little history to learn from."""
    one = prepare(history, season)
    line = trend.forecast(one, horizon) if season < 2 or len(one.values) < season else None
    return line or naive.forecast(one, horizon, season, "Naive until there is enough history to learn from.")


def _unpack(model: Model, k: int) -> Learnt | None:
    arrays, weights = model.arrays, model.arrays["weights"][k]
    if not weights.any():
        return None
    layout = Layout(*(int(x) for x in arrays["layout"][k]))
    steps = len(direct.own_steps(model.horizon, layout.season))
    maps, offsets = arrays["maps"][k, :steps, : len(layout.names)], arrays["offsets"][k, :, :steps]
    return Learnt(layout, weights, model.scores[k], maps, offsets)


def _mixture(learnt: Learnt, model: Model, one: Prepared, trained: int) -> Forecast:
    layout, horizon, rows = learnt.layout, model.horizon, len(one.values)
    steps, ahead = direct.own_steps(horizon, layout.season), np.arange(1, horizon + 1)
    maps, means = direct.between(learnt.maps, steps, ahead), phase_means(layout, one)

    def candidates(origin: int) -> Floats:
        """(candidates × steps) of those that have a say; zeros of the others."""
        at, result = np.array([origin]), np.zeros((len(learnt.weights), horizon))
        if learnt.weights[LEARNT]:
            changes = (inputs(layout, one, means, at, ahead) * maps).sum(axis=1)
            result[LEARNT] = trial.bounded(one, changes + level(layout, one, at))
        for candidate, season in ((LAST, 1), (SEASONAL, layout.season)):
            if learnt.weights[candidate]:
                result[candidate] = naive.guesses(one.values, at, ahead, season)[0]
        return result

    weights = learnt.weights
    first, last = max(rows - 2 * horizon, trained - horizon + 1, layout.reach), rows - horizon
    if first <= last and np.count_nonzero(weights) > 1:
        origins = [int(origin) for origin in direct.spread(first, last, RECENT)]
        weights = trial.reweighed(weights, [trial.errors(one, candidates(origin), origin) for origin in origins])
    mean = weights @ candidates(rows)
    offsets = np.stack([np.interp(ahead, steps, row) for row in learnt.offsets])
    lower, upper = intervals.around(mean, offsets)
    original = one.scale.original
    low, high = float(original(one.values.min())), float(original(one.values.max()))
    reach = WIDEST * (high - low)
    mean, lower, upper = (np.clip(original(line), low - reach, high + reach) for line in (mean, lower, upper))
    name = model.forecaster if weights[LEARNT] else naive.NAMES[bool(weights[SEASONAL])]
    return Forecast(mean, lower, upper, name, trial.comment(weights, learnt.scores))
