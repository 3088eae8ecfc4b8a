"""The buckets of OTLP's distributions, how they subtract, and our histograms made of them. Pure.

How this works
--------------
Three shapes arrive: explicit bounds with a count for each bucket between them, exponential buckets (bucket ``i`` of scale ``s``
lies between ``b**i`` and ``b**(i+1)`` with ``b = 2**(2**-s)``), and the quantiles of a summary, between which known shares of
the observations lie. All become the same: intervals with a count each.

:func:`histograms` turns the intervals of many points into histograms (:mod:`analytics.rollup.histogram`) at once. The count of
an interval is laid out evenly between its ends, narrowed to the smallest and largest value where these are known, so that a
percentile interpolates linearly within its bucket. What that costs:

- explicit buckets: a percentile lies in the bucket of the true value; the error is less than that bucket's width;
- exponential buckets: less than ``b - 1`` of the true value, and 1 % of ours (9 % at scale 3, which covers six powers of ten);
- summaries: between the two quantiles that enclose the wanted one.

Counts and sums are exact whatever the buckets are.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, pairwise, repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from analytics.rollup.histogram import MOST, Histogram

MAX_BUCKETS = 2_048
"""Buckets of one point. SDKs send 15 explicit and up to 320 exponential ones; each is kept until the stream's next point."""

MAX_SCALE = 100
"""Of exponential buckets, either way; SDKs use -10 to 20. Beyond, the bounds of buckets cannot be computed."""

LARGEST_EXPONENT, SMALLEST_EXPONENT = 1024, -1075
"""Powers of two that no double reaches: a bucket beyond them can hold nothing."""

MEASURED_EXPONENT = 498
"""The power of two to which values are measured, :data:`~analytics.rollup.observations.LARGEST`; larger ones end there."""

SAMPLES = 32
"""Places at most between the ends of one interval among which its count is laid out."""

INTERVALS_AT_ONCE = 8_000
"""Buckets that are laid out together, about: each takes up to :data:`SAMPLES` times 100 bytes meanwhile."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Explicit(Struct, frozen=True, gc=False, array_like=True, tag="b"):
    """``counts[i]`` observations in ``(bounds[i-1], bounds[i]]``; the first and the last bucket are open."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]


class Exponential(Struct, frozen=True, gc=False, array_like=True, tag="e"):
    """Counts of bucket indices at ``scale``, of positive values and (mirrored) of negative ones; only those that hold
    something. ``zeros`` observations are nearer to zero than ``threshold``."""

    scale: int
    zeros: int
    threshold: float
    positive: dict[int, int]
    negative: dict[int, int]


class Quantiles(Struct, frozen=True, gc=False, array_like=True, tag="q"):
    """``values[i]`` is the quantile ``parts[i]``, both in ascending order. They describe the recent past and do
    not add up."""

    parts: tuple[float, ...]
    values: tuple[float, ...]


Buckets = Explicit | Exponential | Quantiles


class Fell(Exception):  # an outcome, not an error
    """Some count is smaller than it was: the stream began again from nothing."""


def increase(new: Buckets | None, old: Buckets | None) -> Buckets | None:
    """The buckets of what was observed between ``old`` and ``new``; ``None`` where they cannot be compared.

    Raises :class:`Fell` where a bucket holds less than it did."""
    if isinstance(new, Quantiles):
        return new
    if isinstance(new, Explicit) and isinstance(old, Explicit) and new.bounds == old.bounds:
        counts = tuple(map(int.__sub__, new.counts, old.counts))
        if min(counts) < 0:
            raise Fell
        return Explicit(new.bounds, counts)
    if isinstance(new, Exponential) and isinstance(old, Exponential):
        return _exponential_increase(new, old)
    return None


def _exponential_increase(new: Exponential, old: Exponential) -> Exponential:
    """Both are brought to the coarser scale and the wider threshold first: the buckets of a scale nest in those of a coarser
    one."""
    scale, threshold = min(new.scale, old.scale), max(new.threshold, old.threshold)
    new, old = _coarser(new, scale, threshold), _coarser(old, scale, threshold)
    zeros = new.zeros - old.zeros
    if zeros < 0:
        raise Fell
    positive, negative = _difference(new.positive, old.positive), _difference(new.negative, old.negative)
    return Exponential(scale, zeros, threshold, positive, negative)


def _coarser(of: Exponential, scale: int, threshold: float) -> Exponential:
    if of.scale == scale and of.threshold == threshold:
        return of
    shift = of.scale - scale
    zeros = of.zeros
    sides: list[dict[int, int]] = []
    for side in (of.positive, of.negative):
        merged: dict[int, int] = {}
        for index, count in side.items():
            coarse = index >> shift
            if threshold > of.threshold and upper_bound(coarse, scale) <= threshold:
                zeros += count
            else:
                merged[coarse] = merged.get(coarse, 0) + count
        sides.append(merged)
    return Exponential(scale, zeros, threshold, sides[0], sides[1])


def upper_bound(index: int, scale: int) -> float:
    """The upper end of an exponential bucket, as far as a double goes."""
    exponent = math.ldexp(index + 1, -scale)
    return math.inf if exponent >= LARGEST_EXPONENT else 2.0**exponent if exponent > SMALLEST_EXPONENT else 0.0


def _difference(new: Mapping[int, int], old: Mapping[int, int]) -> dict[int, int]:
    if not old.keys() <= new.keys() and any(count for index, count in old.items() if index not in new):
        raise Fell
    more = list(map(operator.sub, new.values(), map(old.get, new, repeat(0))))
    if more and min(more) < 0:
        raise Fell
    return held(new, more)


def held(indices: Iterable[int], counts: Sequence[int]) -> dict[int, int]:
    """``counts`` by their ``indices``, without those that are 0."""
    return dict(zip(compress(indices, counts), filter(None, counts), strict=True))


class Distribution(Struct, frozen=True, gc=False):
    """What is to become a histogram: ``count`` observations in ``buckets``, none below ``low`` or above ``high`` (``None``: not
    known), ``sum`` together (``None``: not known)."""

    count: int
    sum: float | None
    low: float | None
    high: float | None
    buckets: Buckets | None


class Spread(NamedTuple):
    """A distribution laid out. ``min`` and ``max`` are the ends of its outermost intervals; all but ``sum`` are ``None`` where
    nothing is known of single observations. ``sum`` is the given one, or what the intervals come to."""

    histogram: Histogram | None
    min: float | None
    max: float | None
    sum: float


class _Intervals(NamedTuple):
    """Columns: which distribution, from where, to where, how many."""

    owner: Ints
    low: Floats
    high: Floats
    held: Ints


def histograms(of: Sequence[Distribution]) -> list[Spread]:
    """One result for each, in order; many are computed together."""
    spreads: list[Spread] = []
    start = intervals = 0
    for end, one in enumerate(of):
        intervals += _size(one.buckets)
        if intervals > INTERVALS_AT_ONCE:
            spreads += _spreads(of[start : end + 1])
            start, intervals = end + 1, 0
    return spreads + _spreads(of[start:])


def _size(buckets: Buckets | None) -> int:
    if type(buckets) is Explicit:
        return len(buckets.counts)
    return len(buckets.positive) + len(buckets.negative) if type(buckets) is Exponential else 1


def _spreads(of: Sequence[Distribution]) -> list[Spread]:
    """All at once."""
    explicit: dict[tuple[float, ...], list[int]] = {}
    exponential: list[int] = []
    others: list[tuple[int, float, float, int]] = []
    for place, one in enumerate(of):
        buckets = one.buckets
        if not one.count:
            continue
        if type(buckets) is Explicit:
            explicit.setdefault(buckets.bounds, []).append(place)
        elif type(buckets) is Exponential:
            exponential.append(place)
        elif type(buckets) is Quantiles and buckets.values:
            others += ((place, *interval) for interval in _quantile_intervals(buckets, one.count))
        elif one.low is not None and one.high is not None:
            others.append((place, one.low, one.high, one.count))
        elif one.sum is not None:  # the average is all that is known
            others.append((place, one.sum / one.count, one.sum / one.count, one.count))
    parts = [_explicit(of, bounds, places) for bounds, places in explicit.items()]
    if exponential:
        parts.append(_exponential(of, exponential))
    if others:
        columns = list(zip(*others, strict=True))
        parts.append(
            _Intervals(
                np.array(columns[0], np.int64),
                np.array(columns[1], np.float64),
                np.array(columns[2], np.float64),
                np.array(columns[3], np.int64),
            )
        )
    joined = _Intervals(*(np.concatenate(column) for column in zip(*parts, strict=True))) if parts else None
    return _spread(of, joined)


def _quantile_intervals(quantiles: Quantiles, count: int) -> list[tuple[float, float, int]]:
    """The shares of ``count`` between neighbouring quantiles; what is beyond the outermost ones counts at these."""
    parts = (0.0, *quantiles.parts, 1.0)
    values = (quantiles.values[0], *quantiles.values, quantiles.values[-1])
    ends = [round(part * count) for part in parts]
    return [
        (low, high, until - since)
        for (low, high), (since, until) in zip(pairwise(values), pairwise(ends), strict=True)
        if until > since
    ]


def _explicit(of: Sequence[Distribution], bounds: tuple[float, ...], places: Sequence[int]) -> _Intervals:
    table = np.array([of[place].buckets.counts for place in places], np.int64)  # type: ignore[union-attr]
    rows, columns = np.nonzero(table)
    edges = np.array((-math.inf, *bounds, math.inf), np.float64)
    owner = np.array(places, np.int64)[rows]
    return _narrowed(of, _Intervals(owner, edges[columns], edges[columns + 1], table[rows, columns]))


def _exponential(of: Sequence[Distribution], places: Sequence[int]) -> _Intervals:
    indices: list[int] = []
    counts: list[int] = []
    sides: list[tuple[int, int, float, float]] = []
    zeros: list[tuple[int, float, float, int]] = []
    for place in places:
        buckets: Any = of[place].buckets
        width = math.ldexp(1.0, -buckets.scale)
        for sign, side in ((1.0, buckets.positive), (-1.0, buckets.negative)):
            if side:
                sides.append((place, len(side), sign, width))
                indices += side
                counts += side.values()
        if buckets.zeros:
            threshold = buckets.threshold
            zeros.append(
                (place, -threshold if buckets.negative else 0.0, threshold if buckets.positive else 0.0, buckets.zeros)
            )
    given = np.array(sides or np.empty((0, 4)), np.float64)
    sizes = given[:, 1].astype(np.int64)
    owners = np.repeat(given[:, 0].astype(np.int64), sizes)
    signs, widths = np.repeat(given[:, 2], sizes), np.repeat(given[:, 3], sizes)
    exponents = np.array(indices, np.float64) * widths
    low = np.exp2(np.clip(exponents, SMALLEST_EXPONENT, MEASURED_EXPONENT))
    high = np.exp2(np.clip(exponents + widths, SMALLEST_EXPONENT, MEASURED_EXPONENT))
    upward = signs > 0
    columns = list(zip(*zeros, strict=True)) if zeros else [(), (), (), ()]
    return _narrowed(
        of,
        _Intervals(
            np.concatenate((owners, np.array(columns[0], np.int64))),
            np.concatenate((np.where(upward, low, -high), np.array(columns[1], np.float64))),
            np.concatenate((np.where(upward, high, -low), np.array(columns[2], np.float64))),
            np.concatenate((np.array(counts, np.int64), np.array(columns[3], np.int64))),
        ),
    )


def _narrowed(of: Sequence[Distribution], given: _Intervals) -> _Intervals:
    """The intervals within what is known of the smallest and largest value. An open bucket ends at its one bound where nothing
    is known; one of values up to a positive bound begins at zero."""
    least = np.array([-math.inf if one.low is None else one.low for one in of], np.float64)[given.owner]
    most = np.array([math.inf if one.high is None else one.high for one in of], np.float64)[given.owner]
    low, high = np.maximum(given.low, least), np.minimum(given.high, most)
    # A smallest value beyond the bucket that must hold it is no knowledge.
    low, high = np.where(low <= given.high, low, given.low), np.where(high >= given.low, high, given.high)
    below, above = np.isneginf(low), np.isposinf(high)
    low = np.where(below, np.where(above, 0.0, np.minimum(high, 0.0)), low)
    high = np.where(above, np.maximum(low, np.where(below, 0.0, low)), high)
    return _Intervals(given.owner, low, high, given.held)


def _spread(of: Sequence[Distribution], given: _Intervals | None) -> list[Spread]:
    empty = [Spread(None, None, None, one.sum or 0.0) for one in of]
    if given is None or not len(given.owner):
        return empty
    order = np.argsort(given.owner, kind="stable")
    owner, low, high, count = given.owner[order], given.low[order], given.high[order], given.held[order]
    samples = np.minimum(count, np.where(low < high, SAMPLES, 1))
    which = np.repeat(np.arange(len(owner)), samples)
    place = np.arange(len(which)) - np.repeat(np.cumsum(samples) - samples, samples)
    among = samples[which]
    value = low[which] + (high - low)[which] * ((place + 0.5) / among)
    whole, rest = count[which] // among, count[which] % among
    weight = np.minimum(whole + (place < rest), MOST)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    sums = np.add.reduceat((low + high) / 2 * count, starts)
    owners = owner[starts]
    found = Histogram.of_groups(owner[which], value, weight)
    lows, highs = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    totals = sums.tolist()
    for index, least, most, total in zip(owners.tolist(), lows.tolist(), highs.tolist(), totals, strict=True):
        given_sum = of[index].sum
        empty[index] = Spread(found[index], least, most, total if given_sum is None else given_sum)
    return empty
