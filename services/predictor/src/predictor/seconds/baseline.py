"""Sums over many windows of many series at once, and the quantiles of what they hold. Pure.

Seconds are added up in steps of :data:`STRIDE_S`, and a running total of the steps gives the sum of any window by one
subtraction: windows of several lengths cost little more than those of one.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.series.ring import Bools, Floats, Ints

HISTORY_S = 600
"""What normal means: long enough for a spread, short enough to follow the daily curve."""

STRIDE_S = 4
"""Of the overlapping windows of the history every fourth is looked at: the others tell hardly more."""

COUNT = HISTORY_S // STRIDE_S

LEVEL_S = 120
LEVEL_WINDOWS = 5
"""What a rate is held against, and how many usable windows of it there must be; else the median of the ten minutes counts."""

NEWEST = 3
"""The columns that :func:`sums` adds to the windows of the baseline: the judged window, its newer and its older half."""


def seconds(lengths: tuple[int, ...]) -> int:
    """How many of the newest seconds :func:`sums` wants."""
    return HISTORY_S + 2 * max(lengths)


def sums(values: NDArray[Any], lengths: tuple[int, ...]) -> Floats:
    """Sums over windows: ``(series, seconds)`` to ``(series, lengths, COUNT + NEWEST)``.

    First the windows of the baseline, oldest first, none of which overlaps the judged one, then what :data:`NEWEST` says. All
    ``lengths`` must be multiples of :data:`STRIDE_S`.
    """
    total = running(_steps(values))
    last = total.shape[1] - 1
    result = np.empty((len(values), len(lengths), COUNT + NEWEST))
    for i, length in enumerate(lengths):
        steps = length // STRIDE_S
        end = last - steps + 1
        np.subtract(total[:, end - COUNT : end], total[:, end - COUNT - steps : end - steps], out=result[:, i, :COUNT])
    recent = running(values[:, -max(lengths) :])
    begins, ends = _newest(lengths)
    result[..., COUNT:] = recent.take(ends, axis=1) - recent.take(begins, axis=1)
    return result


def _steps(values: NDArray[Any]) -> Floats:
    """Sums of :data:`STRIDE_S` seconds each."""
    result = values[:, ::STRIDE_S].astype(np.float64)
    for i in range(1, STRIDE_S):
        result += values[:, i::STRIDE_S]
    return result


@functools.cache
def _newest(lengths: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Begin and end, by length, of the windows in :data:`NEWEST`, as places in :func:`running` of the longest one."""
    last = max(lengths)
    begins = [(last - length, last - length // 2, last - length) for length in lengths]
    ends = [(last, last, last - length // 2) for length in lengths]
    return np.array(begins), np.array(ends)


def running(values: NDArray[Any]) -> Floats:
    """``(series, n)`` to ``(series, n + 1)``: the sum of what comes before each place, and of all."""
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return total


def quantiles(values: Floats, usable: Bools, shares: tuple[float, ...]) -> list[Floats]:
    """Quantiles of the usable values along the last axis (the nearest one below); 0 where there is none."""
    ordered = np.where(usable, values, np.inf)
    ordered.sort(axis=-1)
    count = usable.sum(-1)
    size = ordered.shape[-1]
    flat, begins = ordered.reshape(-1), np.arange(0, ordered.size, size).reshape(count.shape)
    result = []
    for share in shares:
        index = np.maximum((count - 1) * share, 0).astype(np.int64)
        result.append(np.where(count > 0, flat[begins + index], 0.0))
    return result


def medians(values: NDArray[Any]) -> Floats:
    """The median of each row. As :func:`numpy.median`, which takes many times as long for few numbers."""
    ordered = np.sort(values, axis=1)
    size = ordered.shape[1]
    result: Floats = (ordered[:, (size - 1) // 2] + ordered[:, size // 2]) / 2
    return result


def around_level(scaled: Floats, usable: Bools, lengths: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
    """10 % quantile, centre and 90 % quantile around the newest level, from windows as :func:`sums` gives them.

    The level of a window is the mean of the usable ones in the :data:`LEVEL_S` before it; what scatters is the difference from
    it. Where the newest level is not known, it is the median of all.
    """
    held = _before(usable, lengths)
    level = _before(np.where(usable, scaled, 0.0), lengths) / np.maximum(held, 1.0)
    known = held >= LEVEL_WINDOWS
    middle, sure = level[..., -1], known[..., -1]
    if sure.all():
        low, high = quantiles(scaled - level[..., :-1], usable & known[..., :-1], (0.1, 0.9))
    else:
        (median,) = quantiles(scaled, usable, (0.5,))
        middle = np.where(sure, middle, median)
        centre = np.where(sure[..., None], level[..., :-1], median[..., None])
        low, high = quantiles(scaled - centre, usable & (known[..., :-1] | ~sure[..., None]), (0.1, 0.9))
    return middle + np.minimum(low, 0.0), middle, middle + np.maximum(high, 0.0)


def _before(values: NDArray[Any], lengths: tuple[int, ...]) -> Floats:
    """Of each window of the baseline, and of the judged one behind them, the sum of ``values`` of the windows in the
    :data:`LEVEL_S` before it, none of which overlaps it: ``(series, lengths, COUNT)`` to ``(series, lengths, COUNT + 1)``."""
    reach = LEVEL_S // STRIDE_S
    zeros = reach + max(lengths) // STRIDE_S  # what comes before the history, so that nothing is cut off
    total = np.zeros((*values.shape[:2], zeros + COUNT))
    np.cumsum(values, axis=-1, out=total[..., zeros:])
    result = np.empty((*values.shape[:2], COUNT + 1))
    for i, length in enumerate(lengths):
        end = zeros - length // STRIDE_S
        np.subtract(total[:, i, end : end + COUNT], total[:, i, end - reach : end - reach + COUNT], out=result[:, i, :COUNT])
    result[..., COUNT] = total[..., -1] - total[..., -1 - reach]
    return result
