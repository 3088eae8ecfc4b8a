"""How long nothing came, held against how long nothing usually comes. Pure.

Arrivals come in bursts, and where they do, no window of a few seconds is unusual for being empty: the scatter reaches down to
nothing. But a gap that is much longer than any of the last ten minutes is. Of gaps that are exponentially distributed (as a
Poisson process has them) the longest of ``n`` is about ``log(n)`` times the mean one, and one that is :data:`LONGER` times the
longest has the probability ``n ** -LONGER``: with a thousand arrivals in ten minutes, once in a year or so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from predictor.series.ring import Bools, Floats, Ints

LONGER = 2.5

EXPECTED = 12.0
"""So many must have been expected besides: chance explains fewer, and a gap of seconds is none where events are rare."""


HISTORY_S = 120
"""Seconds of a series' own normal past that must be known: the longest gap of a minute says little about gaps."""


class Gaps(NamedTuple):
    """Of each series: whether it has stopped, how many seconds nothing came by now, and the longest gap that is expected."""

    stopped: Bools
    now_s: Ints
    longest_s: Floats


def find(amount: Floats, weight: Floats, excluded: Bools, expected: Floats) -> Gaps:
    """Which series came to a stop: ``amount`` and ``weight`` (series × seconds, newest last; no weight: nothing is known),
    seconds that are no part of what is normal, and the events ``expected`` in a second (series)."""
    result = Gaps(np.zeros(len(amount), np.bool_), np.zeros(len(amount), np.int64), np.full(len(amount), np.inf))
    here = np.flatnonzero((amount[:, -1] == 0) & (weight[:, -1] > 0))  # few: what just came did not stop
    known, normal = weight[here] > 0, ~excluded[here]
    empty = (amount[here] == 0) & known
    now = _runs(empty)[:, -1]
    seconds = np.arange(amount.shape[1])
    past = seconds < len(seconds) - now[:, None]
    before = np.where(past, _runs(empty & normal), 0).max(axis=1, initial=0)
    longest = np.maximum(LONGER * before, EXPECTED / np.maximum(expected[here], 1e-9))
    result.now_s[here], result.longest_s[here] = now, longest
    result.stopped[here] = (now >= longest) & ((past & known & normal).sum(axis=1) >= HISTORY_S)
    return result


def _runs(true: Bools) -> Ints:
    """How many in a row are true up to each place: ``(series, n)``."""
    place = np.arange(1, true.shape[1] + 1)
    last_false = np.maximum.accumulate(np.where(true, 0, place), axis=1)
    runs: Ints = place - last_false
    return runs
