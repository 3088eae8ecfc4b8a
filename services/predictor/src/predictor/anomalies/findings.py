"""What the engine has to say of a series. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from predictor.anomalies.lifecycle import Change
from predictor.seconds.detector import MODEL
from predictor.seconds.verdicts import Statistic
from predictor.series.watch import SeriesKey, Watch

UNWATCHED = "it is not watched any more"
REDEFINED = "it is measured or judged in another way from now on"
OVER_BUDGET = "not watched: budget"
"""Why a series is not judged any more, and its incident ended: by the definition of its metric, or for lack of room."""


@dataclass(frozen=True)
class Lack:
    """Why a series is not judged: its window of ``window_s`` seconds held ``held`` of ``needed`` observations (of a rate:
    expected events); or too little of its past is known, where it is not ``ready``."""

    held: float
    needed: float
    window_s: float
    ready: bool = True


@dataclass(frozen=True)
class Finding:
    """One thing to tell about a series: a change of an incident, or of what is known (``learning``, ``ready``, not judged).

    ``value``, ``expected``, ``lower`` and ``upper`` are of one ``statistic`` of ``window_s`` seconds, which ended with second
    ``judged_at`` (``None``: with ``at``) and held ``weight`` observations; NaN where there is none. ``observed`` and ``usual``
    are in the metric's unit. ``lack`` is there where the series is not judged now.
    """

    key: SeriesKey
    watch: Watch
    at: int
    change: Change | None
    ready: bool
    score: float
    value: float
    expected: float
    lower: float
    upper: float
    confidence: float = 1.0
    model: str = MODEL
    """Which detector says so: that of seconds, or that of minutes."""
    statistic: Statistic = Statistic.MEAN
    window_s: float = 0.0
    weight: float = 0.0
    observed: float = math.nan
    usual: float = math.nan
    judged_at: int | None = None
    lack: Lack | None = None
    judgement: bool | None = None
    """Of a series without a ``change``: that it is judged again, or is not judged now."""
    reason: str | None = None
    """Why the series is not watched any more, where that ended the incident."""
