"""Finds the main period of a series: the day, week or year that its spacing suggests, or what its autocorrelation shows. Pure.

The autocorrelation is taken of the changes over a few steps' mean, which no trend and no level shift imitates. A period must
stand out against what the shorter lags explain (Bartlett's limit for an autocorrelation of known lower orders), must be a local
peak, and must have been seen three times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from predictor.forecasters.layout import SEEN
from predictor.forecasters.series import beginning, fill
from predictor.series.ring import Floats

DAY_S, WEEK_S, YEAR_S = 86_400.0, 604_800.0, 31_556_952.0

RARE_S = 0.9 * DAY_S
"""Steps from which a year is looked for, and not only a day and a week."""

NEAR = 0.1
"""A period this near to a year, relative, is the year."""

STRONG = 0.2
"""Least autocorrelation of a period worth modelling: below, it explains under a twenty-fifth of the variance."""

EXPECTED = 0.1
"""The same for a day, a week and a year, which need less evidence."""

BROAD = 24
"""A year of fewer steps (months, quarters) is looked for at exactly its lag: the next one would be another period."""

SHORTEST = 4
"""Shorter periods than this are within reach of the newest values."""

ROUNDING = 1e-29
"""Variance, relative to the square of the values, below which they differ by what rounding leaves: they stand still."""

COARSEST = 4000
"""Longer histories are averaged down to about this many rows: periods are found as well, and the work stays small."""


def find(histories: Sequence[Floats], step_s: float | None = None) -> int:
    """The period in steps that most of the histories have; 1: none."""
    periods = Counter(_period(history, step_s) for history in histories)
    return periods.most_common(1)[0][0] if periods else 1


def _period(history: Floats, step_s: float | None) -> int:
    history = history[beginning(history) :]
    known = np.isfinite(history)
    if known.sum() < SEEN * SHORTEST:
        return 1
    values = fill(history, known, 1)
    block = max(1, len(values) // COARSEST)
    coarse = values[len(values) % block :].reshape(-1, block).mean(axis=1)
    correlation = _autocorrelation(coarse)
    naturals = [round(natural / step_s) for natural in (DAY_S, WEEK_S)] if step_s else []
    year = round(YEAR_S / step_s) if step_s and step_s >= RARE_S else 0
    for steps in (*naturals, year):
        lag = round(steps / block)
        wide = 0 if steps == year and lag < BROAD else 1
        if SHORTEST <= lag < len(correlation) - wide:
            near = correlation[lag - wide : lag + wide + 1].max()
            if near > EXPECTED and near - correlation[:lag].min() > EXPECTED:
                return steps
    period = _peak(correlation, len(coarse)) * block
    if period and abs(period - year) <= NEAR * year:
        return year
    return period or 1


def _autocorrelation(values: Floats) -> Floats:
    """Of the detrended values, at lags from 0 to a third of their number."""
    rows = len(values)
    time = np.linspace(-1.0, 1.0, rows)
    centred = values - values.mean()
    centred = centred - time * (time @ centred) / (time @ time)
    spectrum = np.fft.rfft(centred, 2 * rows)
    power = np.fft.irfft(spectrum * spectrum.conj())[: rows // SEEN + 1]
    if power[0] <= ROUNDING * max(float(np.abs(values).max()) ** 2, 1e-300) * rows:
        return np.zeros(rows // SEEN + 1)
    result: Floats = power / power[0] * rows / (rows - np.arange(len(power)))
    return result


def _peak(correlation: Floats, rows: int) -> int:
    """The lag of the highest peak that stands out; 0: none. Of multiples of nearly the same height, the shortest."""
    lags = np.arange(1, len(correlation) - 1)
    if len(lags) <= SHORTEST:
        return 0
    limit = 1.96 * np.sqrt((1 + 2 * np.cumsum(correlation[1:-1] ** 2)) / rows)
    trough = np.minimum.accumulate(correlation[:-2])
    here = correlation[1:-1]
    peak = (here >= correlation[:-2]) & (here > correlation[2:]) & (lags >= SHORTEST)
    peak &= (here > np.maximum(limit, STRONG)) & (here - trough > STRONG)
    if not peak.any():
        return 0
    high = here[peak].max()
    return int(lags[peak & (here >= 0.9 * high)][0])
