"""Forecasts of the next minutes with intervals, and whether they are worth it. Pure; slow parts belong in an executor.

How this works
--------------
The history of one series is a row of ten-second buckets on a scale where scatter is even (square root of rates, logarithm of
levels). A linear model (scikit-learn's ridge regression, one output for each step ahead) sees the last :data:`LAGS` buckets
and two longer movements, all relative to the mean of five minutes, so that a changed level needs no new training.

It must win its place: the newest :data:`HELD_OUT` of the history is kept from training (with a gap of one horizon, so that no
target is seen twice), and there the model meets three naive forecasts: the last bucket, and the means of the last one and five
minutes. The best on held-out mean absolute error forecasts; a ridge that lost is *benched* and the comment says so. The
intervals are split conformal: for each step the quantile of the winner's held-out errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.ring import Floats
from predictor.watch import TINY, Kind

HORIZON = 30
"""Steps of ten seconds: five minutes ahead."""

LAGS = 12
LONG, LONGER = 30, 60
FEATURES = (*(f"lag{i}" for i in range(LAGS, 0, -1)), f"mean{LONGER}", f"slope{LONG}")

LEARNING = 60
"""Buckets below which nothing is said; from here on a naive forecast is given and called learning."""

READY = 150
"""Buckets from which a model can be trained and judged: twenty-five minutes."""

HELD_OUT = 0.4
COVERAGE = 0.9
ALPHA = 10.0
"""Ridge's penalty: the lags of noisy counts are nearly the same information, and the history is short."""

MISSING = 0.2
"""Share of empty buckets up to which the last value stands in for them; above, there is no forecast."""

NAIVE = ("last", "mean of 1 minute", "mean of 5 minutes")
MODELS = (*NAIVE, "ridge")


@dataclass(frozen=True)
class Model:
    """What was learnt of one series: the winner, its coefficients, its errors. Arrays only: kept without pickling.

    ``coefficients`` is (HORIZON, len(FEATURES)), zero for naive winners; ``errors`` the conformal half-widths; ``scores`` the
    held-out mean absolute errors in the order of :data:`MODELS` (NaN: not tried), on the even scale; ``window`` the first and
    last bucket.
    """

    winner: int
    coefficients: Floats
    intercept: Floats
    errors: Floats
    scores: Floats
    window: tuple[int, int]

    @property
    def name(self) -> str:
        return "ridge-v1" if self.winner == len(NAIVE) else "naive-v1"

    @property
    def comment(self) -> str:
        naive = float(np.nanmin(self.scores[: len(NAIVE)]))
        ridge = float(self.scores[-1])
        if not np.isfinite(ridge):
            return f"Naive ({MODELS[self.winner]}) until there is enough history to train on."
        change = abs(ridge / max(naive, 1e-12) - 1)
        if self.winner == len(NAIVE):
            return f"Its error was {change:.0%} below the best naive forecast's on held-out data."
        return f"Naive ({MODELS[self.winner]}): the model is benched, its error was {change:.0%} above."


@dataclass(frozen=True)
class Forecast:
    """``mean``, ``lower`` and ``upper`` of each step in the metric's unit; ``ready`` unless still learning."""

    mean: Floats
    lower: Floats
    upper: Floats
    model: str
    ready: bool
    comment: str


def prepare(kind: Kind, amount: Floats, weight: Floats) -> Floats | None:
    """Buckets from the first that is not empty, on the even scale; ``None`` for too few, or too many empty ones."""
    filled = np.flatnonzero(weight > 0)
    if not len(filled):
        return None
    amount, weight = amount[filled[0] :], weight[filled[0] :]
    missing = weight <= 0
    if len(weight) < LEARNING or missing.mean() > MISSING:
        return None
    mean = amount / np.where(missing, 1.0, weight)
    values = np.sqrt(np.maximum(mean, 0.0)) if kind is Kind.RATE else np.log(np.maximum(mean, TINY))
    carried = np.maximum.accumulate(np.where(missing, 0, np.arange(len(values))))
    result: Floats = values[carried]
    return result


def train(values: Floats, last: int) -> Model:
    """Fits and compares on ``values``, whose newest is bucket ``last``. Needs :data:`LEARNING` of them; blocks some ms."""
    n = len(values)
    features, targets, naive = _examples(values)
    trainable = n >= READY
    held = int(len(targets) * HELD_OUT) if trainable else len(targets)  # naive forecasts train on nothing
    test = slice(len(targets) - held, None)
    guesses = [np.broadcast_to(naive[test, i, None], targets[test].shape) for i in range(len(NAIVE))]
    coefficients, intercept = np.zeros((HORIZON, len(FEATURES))), np.zeros(HORIZON)
    base = naive[:, -1, None]
    fitted = len(targets) - held - HORIZON
    if trainable:
        trial = _ridge(features[:fitted], (targets - base)[:fitted])
        guesses.append(features[test] @ trial[0].T + trial[1] + base[test])
        coefficients, intercept = _ridge(features, targets - base)
    scores = np.full(len(MODELS), np.nan)
    scores[: len(guesses)] = [np.abs(g - targets[test]).mean() for g in guesses]
    winner = int(np.nanargmin(scores))
    if winner < len(NAIVE):
        coefficients, intercept = np.zeros_like(coefficients), np.zeros_like(intercept)
    share = min(1.0, np.ceil((held + 1) * COVERAGE) / held)
    errors = np.quantile(np.abs(guesses[winner] - targets[test]), share, axis=0, method="higher")
    return Model(winner, coefficients, intercept, errors, scores, (last - n + 1, last))


def predict(model: Model, kind: Kind, values: Floats) -> Forecast:
    """The forecast after the newest of ``values``."""
    features, naive = _features(values, np.array([len(values) - 1]))
    if model.winner == len(NAIVE):
        middle = model.coefficients @ features[0] + model.intercept + naive[0, -1]
    else:
        middle = np.full(HORIZON, naive[0, model.winner])
    mean, lower, upper = (_original(kind, x) for x in (middle, middle - model.errors, middle + model.errors))
    return Forecast(mean, lower, upper, model.name, bool(np.isfinite(model.scores[-1])), model.comment)


def load_library() -> None:
    """Imports scikit-learn: a second of work and most of this service's memory, so only the executor does it."""
    import sklearn.linear_model  # noqa: F401 (the import is the effect)


def _ridge(features: Floats, targets: Floats) -> tuple[Floats, Floats]:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=ALPHA).fit(features, targets)
    return np.asarray(model.coef_, float), np.asarray(model.intercept_, float)


def _examples(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Features, targets (the next HORIZON values) and naive forecasts at every origin that has them."""
    origins = np.arange(LAGS - 1, len(values) - HORIZON)
    features, naive = _features(values, origins)
    targets = values[origins[:, None] + 1 + np.arange(HORIZON)]
    return features, targets, naive


def _features(values: Floats, origins: NDArray[np.int64]) -> tuple[Floats, Floats]:
    total = np.concatenate([[0.0], np.cumsum(values)])

    def mean(size: int, back: int = 0) -> Any:
        end = np.maximum(origins + 1 - back, 1)
        start = np.maximum(end - size, 0)
        return (total[end] - total[start]) / (end - start)

    level = mean(LONG)
    lags = values[origins[:, None] - np.arange(LAGS - 1, -1, -1)]
    features = np.concatenate(
        [lags - level[:, None], np.stack([mean(LONGER) - level, level - mean(LONG, LONG)], axis=1)], axis=1
    )
    naive = np.stack([values[origins], mean(6), level], axis=1)
    return features, naive


def _original(kind: Kind, x: Floats) -> Floats:
    if kind is Kind.RATE:
        result: Floats = np.maximum(x, 0.0) ** 2
    else:
        result = np.exp(np.clip(x, -700.0, 700.0))
    return result
