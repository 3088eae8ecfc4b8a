"""Which minutes say what is usual of one thing, and which were trouble themselves. Pure.

The hour before a trouble may hold earlier ones, and nobody need have noticed them. So the minutes in which a step or a
transition was far above its other minutes do not count as usual of it. As long as fewer than half of the minutes are like that,
what is left is what was usual; everything else of those minutes counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from analytics.spans.root_cause.surprise import surprise

MIN_ERRORS = 3.0
"""Standard errors above the median of all minutes from which on a minute is out of line."""

MIN_SURPRISE = 5.0
"""Nats: so surprising is the rate of a minute that is out of line."""

Level = tuple[int, float]
"""Of one minute: how many calls, and the mean of their logarithm."""

Rate = tuple[int, int]
"""Of one minute: how many of how many."""


def usual_levels(minutes: Sequence[Level], variance: float, least: float) -> list[bool]:
    """Of each minute whether its level is usual.

    ``variance`` is that of one call, ``least`` how far levels wander at least. How far they do is measured below the median
    only, where no trouble is."""
    middle = _median(minutes)
    below = [(calls, (level - middle) ** 2) for calls, level in minutes if level <= middle]
    calls_below = sum(calls for calls, _ in below)
    wander = max(sum(calls * square for calls, square in below) / calls_below if calls_below else 0.0, least**2)
    return [level <= middle + MIN_ERRORS * math.sqrt(wander + variance / calls) for calls, level in minutes]


def usual_rate(minutes: Sequence[Rate]) -> Rate:
    """The sum of the minutes whose rate is usual: in the order of their rates, the lower half of what there is, and all further
    ones up to the first that is surprising after those before it."""
    ordered = sorted(minutes, key=lambda minute: (minute[0] / minute[1], minute))
    half = sum(of for _, of in ordered) / 2
    taken = passed = 0
    for now, of in ordered:
        if passed >= half and surprise(now, of, taken, passed) >= MIN_SURPRISE:
            break
        taken += now
        passed += of
    return taken, passed


def _median(minutes: Sequence[Level]) -> float:
    """The level that half of all calls do not exceed."""
    half = sum(calls for calls, _ in minutes) / 2
    seen = 0
    for calls, level in sorted(minutes, key=lambda minute: minute[1]):
        seen += calls
        if seen >= half:
            return level
    return 0.0
