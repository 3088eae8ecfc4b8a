"""Forecasts must win their place: on held-out rows the learnt one meets the naive ones, and what comes of it is kept. Pure.

The forecasts are mixed with weights that fall steeply with their held-out error (:data:`STEEP`), which costs little where one
is clearly best and helps where two are wrong in different ways. If the mixture is not better than the best naive forecast by
:data:`MARGIN`, that one is used alone: the model is *benched*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.forecasters import naive
from predictor.forecasters.series import HEADROOM, Prepared
from predictor.series.ring import Floats, Ints

CANDIDATES = ("learnt", "last value", "seasonal naive")
LEARNT, LAST, SEASONAL = range(len(CANDIDATES))

SCORES = ("blend", *CANDIDATES[LAST:])
"""What is scored: the mixture, and the naive forecasts that it must beat."""

HELD_OUT = 0.25
"""Newest share of a history that is kept for the trial."""

JUDGED = 250
"""Most origins of one series to judge by."""

FEWEST = 32
"""Origins to judge by, at least."""

STEEP = 8.0
"""Exponent of the inverse error in the weights: a forecast twice as wrong has no say."""

STEEP_RECENT = STEEP / 2
"""The same for the newest errors, which are fewer."""

MARGIN = 0.03
"""Smaller gains on held-out rows are chance: of simulated random walks, whose last value is best, a tenth show larger ones."""


@dataclass(frozen=True)
class Verdict:
    """``weights`` of the candidates; mean absolute ``scores`` of :data:`SCORES` in the series' unit, NaN: not tried.

    ``errors`` (origins × steps) of what was chosen, truth minus forecast on the working scale, NaN where no value was.
    """

    weights: Floats
    scores: Floats
    errors: Floats


def held_out(rows: int, horizon: int) -> int:
    return max(int(HELD_OUT * rows), horizon + FEWEST)


def judge(one: Prepared, origins: Ints, steps: Ints, learnt: Floats, season: int) -> Verdict:
    """``learnt`` are the forecasts (origins × steps) made without rows from the first origin on; ``season`` 0: none seen."""
    rows = origins[:, None] + steps - 1
    truth, known = one.values[rows], one.known[rows]
    real = one.scale.original(truth)

    def score(guess: Floats) -> float:
        error = np.abs(one.scale.original(guess) - real)
        return float(error[known].mean()) if known.any() else 0.0

    guesses = [bounded(one, learnt), naive.guesses(one.values, origins, steps, 1)]
    if season:
        guesses.append(naive.guesses(one.values, origins, steps, season))
    alone = np.array([score(guess) for guess in guesses])
    trust = (alone.min() / alone) ** STEEP if alone.min() > 0 else (alone == 0).astype(float)
    weights = np.zeros(len(CANDIDATES))
    weights[: len(guesses)] = trust / trust.sum()
    mixed = np.tensordot(weights[: len(guesses)], np.stack(guesses), 1)
    scores = np.full(len(SCORES), np.nan)
    scores[: len(guesses)] = [score(mixed), *alone[LAST:]]
    if not scores[0] < (1 - MARGIN) * np.nanmin(scores[LAST:]):
        best = LAST + int(np.nanargmin(scores[LAST:]))
        weights, mixed = np.eye(len(CANDIDATES))[best], guesses[best]
    return Verdict(weights, scores, np.where(known, truth - mixed, np.nan))


def errors(one: Prepared, guesses: Floats, origin: int) -> Floats:
    """Mean absolute errors of ``guesses`` (candidates × steps) at ``origin``, in the series' unit; 0 where nothing is known."""
    rows = slice(origin, origin + guesses.shape[1])
    known = one.known[rows]
    error = np.abs(one.scale.original(guesses) - one.scale.original(one.values[rows]))[:, known]
    result: Floats = error.sum(axis=1) / max(np.count_nonzero(known), 1)
    return result


def reweighed(weights: Floats, recent: list[Floats]) -> Floats:
    """``weights`` after :func:`errors` at recent origins; a candidate without weight stays without."""
    error = np.mean(recent, axis=0)
    least = error[weights > 0].min()
    if least <= 0:
        return weights
    changed = weights * (least / np.maximum(error, least)) ** STEEP_RECENT
    result: Floats = changed / changed.sum()
    return result


def bounded(one: Prepared, forecast: Floats) -> Floats:
    """Within the range seen so far and some headroom: a linear map may run away where nothing like it was seen."""
    low, high = float(one.values.min()), float(one.values.max())
    return np.clip(forecast, low - HEADROOM * (high - low), high + HEADROOM * (high - low))


def comment(weights: Floats, scores: Floats) -> str:
    """What a person should know of the choice."""
    best = LAST + int(np.nanargmin(scores[LAST:]))
    if scores[best] <= 0:
        return f"Naive ({CANDIDATES[best]}): the model is benched, held-out rows had nothing to gain."
    change = scores[0] / scores[best] - 1
    rival = f"the best naive forecast's ({CANDIDATES[best]}) on held-out rows"
    if weights[LEARNT]:
        aside = "" if weights[LEARNT] > 0.5 else " At present it has little say beside the naive forecasts."
        return f"Its error was {-change:.0%} below {rival}.{aside}"
    error = f"{change:.0%} above" if change >= 0 else f"less than {MARGIN:.0%} below"
    return f"Naive ({CANDIDATES[best]}): the model is benched, its error was {error} {rival}."
