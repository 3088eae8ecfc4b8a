"""What is said of one row. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from predictor.detectors.interface import Anomaly


@dataclass(frozen=True)
class Reason:
    """Why a row is an anomaly: a ``statistic`` was ``observed`` outside of its band, on that ``side`` (+1 or -1)."""

    statistic: str
    observed: float
    expected: float
    lower: float
    upper: float
    side: int


@dataclass(frozen=True)
class Judged:
    """What is said of one row. ``expected`` and the 95 % band are NaN where nothing was expected yet. ``reason`` is that of an
    alarm; ``None``: there is no alarm, or one of a detector that does not say why."""

    score: float = 0.0
    alarm: bool = False
    kind: Anomaly = Anomaly.NONE
    direction: int = 0
    expected: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    confidence: float = 0.0
    learning: bool = True
    reason: Reason | None = None
