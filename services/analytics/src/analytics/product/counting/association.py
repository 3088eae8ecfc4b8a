"""How a response goes with a dose: ranges of doses, shares with intervals, tests of a trend. Pure.

- Interval of a share: Wilson's score interval, 95 %; of a mean: the normal one, mean ± 1.96 standard errors.
- Trend: Cochran and Armitage's test with the ranges' numbers 0, 1, 2 … as scores. It is the correlation of score and response
  times the square root of the number of users, which is normal where there is no trend; p is two-sided. The same of a response
  that is a number.
- Trend within strata: Mantel's extension of it. Covariances of score and response within each stratum are added, and compared
  with what chance makes of them.
- Spearman's rank correlation of the doses themselves, ties with the mean of their ranks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.segments.segment import Ints

Floats = NDArray[np.float64]

Z95 = 1.959963984540054

SMALL = 2.0**-64
"""Sums of numbers that are multiplied with it are the same, and not beyond what a float can be, however many there are."""


class Interval(NamedTuple):
    """95 %."""

    low: float
    high: float


class Trend(NamedTuple):
    """``z``: above 0 where the response rises with the dose. ``p``: how likely chance alone makes as much of one or more."""

    z: float
    p: float


def means(places: Ints, values: Floats, count: int) -> Floats:
    """The mean of the values of each of ``count`` places, NaN where there is none. Only means must be numbers, not sums."""
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.bincount(places, values * SMALL, minlength=count) / np.bincount(places, minlength=count) / SMALL
    largest = np.finfo(np.float64).max
    clipped: Floats = np.clip(found, -largest, largest)
    return clipped


def quantile_edges(doses: Floats, ranges: int) -> list[float]:
    """Where ranges of doses begin, but for the first, so that as nearly as equal doses allow as many users are in each."""
    ordered = np.sort(doses)
    if not len(ordered):
        return []
    places = [math.ceil(place * len(ordered) / ranges) for place in range(1, ranges)]
    return sorted({float(ordered[min(place, len(ordered) - 1)]) for place in places} - {float(ordered[0])})


def range_of(doses: Floats, edges: Sequence[float]) -> Ints:
    """The number of the range in which each dose is; a dose at an edge is in the range above."""
    return np.searchsorted(np.asarray(edges, np.float64), doses, side="right").astype(np.int64)


def wilson(successes: int, count: int) -> Interval:
    """The interval of a share of ``count`` > 0."""
    share, z2 = successes / count, Z95 * Z95
    centre = share + z2 / (2 * count)
    half = Z95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return Interval(max(0.0, (centre - half) / (1 + z2 / count)), min(1.0, (centre + half) / (1 + z2 / count)))


def of_mean(values: Ints) -> Interval | None:
    """The interval of a mean; of a single value there is none."""
    if len(values) < 2:
        return None
    mean, half = float(values.mean()), Z95 * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(mean - half, mean + half)


def trend(scores: Ints, responses: Ints) -> Trend | None:
    """``None`` where all scores or all responses are the same."""
    r = _correlation(scores.astype(np.float64), responses.astype(np.float64))
    return None if r is None else _trend(r * math.sqrt(len(scores)))


def trend_within(scores: Ints, responses: Ints, strata: Iterable[Ints]) -> Trend | None:
    """Within strata, each given by its rows; ``None`` where none has different scores and different responses."""
    covariance = variance = 0.0
    for rows in strata:
        if len(rows) < 2:
            continue
        x, y = scores[rows] - scores[rows].mean(), responses[rows] - responses[rows].mean()
        covariance += float((x * y).sum())
        variance += float((x * x).sum() * (y * y).sum()) / (len(rows) - 1)
    return None if variance <= 0 else _trend(covariance / math.sqrt(variance))


def spearman(doses: Floats, responses: Ints) -> float | None:
    """From -1 to 1; ``None`` where all doses or all responses are the same."""
    return _correlation(_mid_ranks(doses), _mid_ranks(responses.astype(np.float64)))


def _trend(z: float) -> Trend:
    return Trend(z, math.erfc(abs(z) / math.sqrt(2)))


def _correlation(x: Floats, y: Floats) -> float | None:
    if len(x) < 2:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    spread = float((dx * dx).sum() * (dy * dy).sum())
    return None if spread <= 0 else float((dx * dy).sum()) / math.sqrt(spread)


def _mid_ranks(values: Floats) -> Floats:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Floats = ends - (counts - 1) / 2
    return middle[places]
