"""How long nothing came, held against how long nothing usually comes. Pure.

Arrivals come in bursts, and where they do, no window of a few seconds is unusual for being empty: the scatter reaches down to
nothing. But a gap that is much longer than any of the last ten minutes is. Of gaps that are exponentially distributed (as a
Poisson process has them) the longest of ``n`` is about ``log(n)`` times the mean one, and one that is :data:`LONGER` times the
longest has the probability ``n ** -LONGER``: with a thousand arrivals in ten minutes, once in a year or so.
"""

from __future__ import annotations

import numpy as np

from predictor.ring import Bools, Floats, Ints

LONGER = 2.5

EXPECTED = 12.0
"""So many must have been expected besides: chance explains fewer, and a gap of seconds is none where events are rare."""


def silent(amount: Floats, weight: Floats, excluded: Bools, expected: Floats) -> Bools:
    """Which series came to a stop: ``amount`` and ``weight`` (series × seconds, newest last; no weight: nothing is known),
    seconds that are no part of what is normal, and the events ``expected`` in a second (series)."""
    found = np.zeros(len(amount), np.bool_)
    here = np.flatnonzero((amount[:, -1] == 0) & (weight[:, -1] > 0))  # few: what just came did not stop
    empty = (amount[here] == 0) & (weight[here] > 0)
    now = _runs(empty)[:, -1]
    before = _runs(empty & ~excluded[here])
    seconds = np.arange(amount.shape[1])
    longest = np.where(seconds < len(seconds) - now[:, None], before, 0).max(axis=1, initial=0)
    found[here] = (now >= LONGER * longest) & (now * expected[here] >= EXPECTED)
    return found


def _runs(true: Bools) -> Ints:
    """How many in a row are true up to each place: ``(series, n)``."""
    place = np.arange(1, true.shape[1] + 1)
    last_false = np.maximum.accumulate(np.where(true, 0, place), axis=1)
    runs: Ints = place - last_false
    return runs
