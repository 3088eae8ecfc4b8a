"""The numbers by which the windows of each kind of series are compared, and the way back to the metric's unit. Pure.

A window's sums become one number on a scale where normal scatter is about the same everywhere:

* rate: ``2 √(n + 3/8)`` of the window's count (Anscombe): a Poisson count then scatters by 1, whatever its size;
* share: the signed root of the binomial deviance between the window's share and the usual one, which follows the normal
  distribution even where one observation in a hundred counts;
* level and gauge: the logarithm of the mean over the window's observations: a factor counts the same at 20 ms and at 2 s;
* value: the mean over the size of the series, so that it may be zero or below;
* flow: the root of the same, as of a rate, which scatters alike at every size and knows zero.
"""

from __future__ import annotations

import numpy as np

from predictor.series.ring import Bools, Floats
from predictor.series.watch import Kind

BAND_Z = 2.776
"""Student's t with four degrees of freedom: 95 % lie within; the band that is shown."""

STEPS = 5
"""Of Newton's method: a share is then known to less than a hundred thousandth."""

TINY_SHARE = 1e-9

UNKNOWN = 1e300
"""The size of a series of which nothing is known: no change is large beside it."""

PRIOR = (2.0, 40.0)
"""Part and whole that every share starts with: a series that has not failed yet is not one that never fails."""


def usual_share(amount: Floats, weight: Floats, usable: Bools) -> Floats:
    part, whole = np.where(usable, amount, 0).sum(1), np.where(usable, weight, 0).sum(1)
    return np.asarray((part + PRIOR[0]) / (whole + PRIOR[1]))


def usual_size(kind: Kind, amount: Floats, weight: Floats, usable: Bools, least: Floats) -> Floats:
    """How large the values of each series usually are: the mean of the windows (of a ``VALUE``, of their sizes), and no less
    than ``least``; :data:`UNKNOWN` where all of them are zero."""
    means = mean(amount, weight)
    sizes = np.where(usable, np.abs(means) if kind is Kind.VALUE else np.maximum(means, 0.0), 0.0)
    size = np.maximum(sizes.sum(1) / np.maximum(usable.sum(1), 1), least)
    return np.where(size > 0.0, size, UNKNOWN)


def scaled(kind: Kind, amount: Floats, weight: Floats, size: Floats, usual: Floats) -> Floats:
    if kind is Kind.RATE:
        return 2.0 * np.sqrt(amount / np.maximum(weight, 1.0) * size + 0.375)
    if kind is Kind.SHARE:
        return _root_deviance(amount, weight, usual)
    if kind is Kind.VALUE:
        return np.asarray(mean(amount, weight) / usual)
    if kind is Kind.FLOW:
        return np.sqrt(np.maximum(mean(amount, weight), 0.0) / usual)
    return np.log(np.maximum(mean(amount, weight), usual))


def _root_deviance(part: Floats, whole: Floats, usual: Floats) -> Floats:
    part = np.clip(part, 0.0, whole)
    rest = whole - part
    hits = part * np.log(np.maximum(part, 1e-12) / np.maximum(whole * usual, 1e-12))
    misses = rest * np.log(np.maximum(rest, 1e-12) / np.maximum(whole * (1.0 - usual), 1e-12))
    return np.sign(part - whole * usual) * np.sqrt(np.maximum(2.0 * (hits + misses), 0.0))


def mean(amount: Floats, weight: Floats) -> Floats:
    return amount / np.maximum(weight, 1e-9)


def unscaled(kind: Kind, number: Floats, usual: Floats, size: Floats) -> Floats:
    """Back in the metric's unit; of a share, whose scale has the usual one at zero, that."""
    if kind is Kind.SHARE:
        return np.asarray(np.broadcast_to(usual, number.shape))
    if kind is Kind.RATE:
        return np.maximum(np.maximum(number, 0.0) ** 2 / 4.0 - 0.375, 0.0) / size
    if kind is Kind.VALUE:
        return np.asarray(number * usual)
    if kind is Kind.FLOW:
        return np.asarray(np.maximum(number, 0.0) ** 2 * usual)
    return np.exp(np.clip(number, -700.0, 700.0))


def band(
    kind: Kind, middle: Floats, up: Floats, down: Floats, usual: Floats, weight: Floats, size: Floats
) -> tuple[Floats, Floats]:
    """The 95 % band, in the metric's unit: what lies :data:`BAND_Z` spreads away on the scale by which values are compared."""
    lower, upper = middle - BAND_Z * down, middle + BAND_Z * up
    if kind is Kind.SHARE:
        both = _share_at(np.array([lower, upper]), weight, usual)
        return both[0], both[1]
    return unscaled(kind, lower, usual, size), unscaled(kind, upper, usual, size)


def _share_at(number: Floats, whole: Floats, usual: Floats) -> Floats:
    """The share of ``whole`` observations whose signed root of the deviance from ``usual`` is ``number``; 0 or 1 where that is
    further away than any share.

    By Newton's method: half the deviance of one observation is convex in the share, and on the arcsine scale, where a share
    scatters by nearly the same everywhere, the beginning is close already.
    """
    whole = np.maximum(whole, 1.0)
    up, wanted = number > 0, number * number / (2.0 * whole)
    furthest = -np.log(np.where(up, usual, 1.0 - usual))
    angle = np.arcsin(np.sqrt(usual)) + number / (2.0 * np.sqrt(whole))
    share = np.sin(np.clip(angle, 0.0, np.pi / 2)) ** 2
    for _ in range(STEPS):
        share = np.clip(share, np.where(up, usual, TINY_SHARE), np.where(up, 1.0 - TINY_SHARE, usual))
        of_it, of_rest = np.log(share / usual), np.log((1.0 - share) / (1.0 - usual))
        slope = of_it - of_rest
        distance = share * of_it + (1.0 - share) * of_rest - wanted
        share = share - np.divide(distance, slope, out=np.zeros_like(share), where=np.abs(slope) > TINY_SHARE)
    within = np.clip(share, np.where(up, usual, 0.0), np.where(up, 1.0, usual))
    return np.where(wanted >= furthest, np.where(up, 1.0, 0.0), within)
