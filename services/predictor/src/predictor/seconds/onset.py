"""How a change began: at once or bit by bit. Pure.

The newest :data:`LOOK_S` seconds, in bins on the logarithmic scale, are held against two shapes, each at every place where it
could begin: the old level and then another one, or the old level and then a straight line away from it. What leaves less behind
(least squares) is how it began. Both have one free size, so that they may be compared.
"""

from __future__ import annotations

import numpy as np

from predictor.series.ring import Floats
from predictor.series.watch import TINY

LOOK_S = 60
BIN_S = 5
LEAST_BINS = 3
"""A line through fewer bins is any line."""

CLEARLY = 0.75
"""Share of the step's remaining squares below which the line has to come."""


def slow(amount: Floats, weight: Floats, middle: float, tiny: float = TINY) -> bool:
    """Whether one series moved away from ``middle`` (a logarithm) bit by bit; its newest seconds last.
    ``tiny`` stands for zero."""
    a, w = (x[-LOOK_S:].reshape(-1, BIN_S).sum(1) for x in (amount, weight))
    known = w > 0
    away = np.where(known, np.log(np.maximum(a / np.maximum(w, 1e-9), tiny)) - middle, 0.0)
    step, line = (_least(away, known.astype(np.float64), shapes) for shapes in _SHAPES)
    return line < CLEARLY * step


def _least(away: Floats, weight: Floats, shapes: Floats) -> float:
    """What the best multiple of the best of ``shapes`` leaves of the squares of ``away``."""
    product = (shapes * away * weight).sum(1)
    explained = np.maximum(product, 0.0) ** 2 if away[-1] > 0 else np.minimum(product, 0.0) ** 2
    size = (shapes**2 * weight).sum(1)
    return float((weight * away**2).sum() - (explained / np.maximum(size, 1e-9)).max())


def _shapes() -> tuple[Floats, Floats]:
    """``(beginnings, bins)`` each: steps and lines."""
    bins = LOOK_S // BIN_S
    since = np.arange(bins)[None, :] - np.arange(bins)[:, None] + 1.0  # bins since each possible beginning
    return (since > 0).astype(np.float64), np.maximum(since[: bins - LEAST_BINS + 1], 0.0)


_SHAPES = _shapes()
