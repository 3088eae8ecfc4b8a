"""How long nothing came of a series, and how likely that is by chance. Pure.

A value is missing where a call brought none, or where more time passed than the learnt spacing of calls. The probability that
so many in a row are missing is the share that is missing anyway, to the power of their number. Values are not missing
independently, though: a silence counts only if it is longer than any before, by far.
"""

from __future__ import annotations

import numpy as np

from predictor.detectors.interface import Ground
from predictor.detectors.memory import Numbers
from predictor.series.ring import Bools, Floats

SPACING_RATE = 0.1
"""The spacing is the mean of about the last ten gaps, each taken for at most twice and at least half of it."""

MISSED_RATE = 0.01
RARELY = 0.01
"""The share that is missing anyway is that of the last hundred calls, and never taken for less than one of them."""

THRESHOLD = 0.995
"""From here on a silence is reported."""

FEWEST = 3
"""Fewer missing in a row are no silence: collectors restart."""

LONGER = 2.0
"""How many times longer than any before."""


def score(now: Numbers, at: Floats, came: Bools) -> tuple[Floats, Floats]:
    """One minus the probability of as long a silence as the one that lasts, or that just ended; and how many values must be
    missing, by those before, for it to be one. Learns the spacing."""
    known = now.call_at != 0.0
    gap = np.where(known, at - now.call_at, 0.0)
    bounded = np.minimum(np.maximum(gap, 0.5 * now.spacing), 2.0 * now.spacing)
    now.spacing[:] = np.where(now.spacing > 0.0, now.spacing + SPACING_RATE * (bounded - now.spacing), gap)
    now.call_at[:] = at
    # half a spacing either way is jitter; of what came, one spacing was due
    spacings = (at - now.seen_at) / np.where(now.spacing > 0.0, now.spacing, np.inf)
    missing = np.where(now.seen > 0.0, np.floor(spacings + np.where(came, -0.5, 0.5)), 0.0)
    if not (missing > 0.0).any():
        now.missed -= MISSED_RATE * now.missed
        return np.zeros(len(at)), np.zeros(len(at))
    share = np.maximum(np.maximum(now.missed, RARELY), 1.0 / (now.seen + 2.0))
    now.missed += MISSED_RATE * ((missing > 0.0) - now.missed)
    least: Floats = np.maximum(FEWEST, LONGER * now.longest)
    silent = (missing >= least) & (now.silent == 0.0)
    now.longest[:] = np.where(came, np.maximum(now.longest, spacings - 1.0), now.longest)
    unlikely: Floats = np.where(silent, 1.0 - share**missing, 0.0)
    return unlikely, least


def ground(now: Numbers, place: int, at: Floats, least: Floats, came: bool) -> Ground:
    """Why the ``place``-th of the rows is a silence: none of the values that were due came, or the time before the one that
    ``came`` is longer than the ``least`` of :func:`score`. To be asked before the observation is noted."""
    spacing, gap = float(now.spacing[place]), float(at[place] - now.seen_at[place])
    if came:
        return Ground("gap", 0.0, float(least[place]) * spacing, observed=gap, expected=spacing)
    due = float(np.floor(gap / spacing + 0.5))
    return Ground("count", 1.0, due, observed=0.0, expected=due)
