"""By which band an incident by the minute is judged, and whether anybody cares for it. Pure.

The change must be bad news (:class:`~predictor.series.watch.Side`) and large enough to matter, against what was expected now or
against the day (:data:`LEAST`). The band is that of the ground by which the value is outside, or half as wide as a change does
not matter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from predictor.detectors.interface import Anomaly, Ground
from predictor.seconds.effects import VALUE_CHANGE
from predictor.seconds.verdicts import Statistic
from predictor.series.watch import Kind, Watch

STAYS = 0.5
"""An incident is over where the value is back within this share of the change that matters: noise at the edge ends none."""

LEAST: dict[Kind, tuple[float, float]] = {
    Kind.RATE: (1.5, 0.5),
    Kind.SHARE: (1.25, 0.04),
    Kind.LEVEL: (1.5, 0.0),
    Kind.GAUGE: (1.25, 0.1),
    Kind.FLOW: (1.5, 0.0),
}
"""What somebody would care about: the factor (either way) and the difference from what was expected, in the metric's unit."""

LEAST_MS = 50.0
"""That difference of a duration."""


class Opening(NamedTuple):
    """How an incident is judged: ``value`` and the band of one ``statistic``."""

    direction: int
    statistic: Statistic
    smoothed: bool
    value: float
    anchor: float
    lower: float
    upper: float


def silence(expected: float, usual: float) -> Opening:
    """That nothing comes where ``expected`` was expected, or ``usual`` of a day."""
    return Opening(-1, Statistic.GAP, False, math.nan, usual if math.isnan(expected) else expected, math.nan, math.nan)


def of_verdict(band: tuple[float, float]) -> list[Ground]:
    """The band of a verdict, where it has one, of a detector that gives no grounds."""
    return [Ground("step", *band)]


def opening(
    watch: Watch, value: float, normals: Iterable[float], reasons: Iterable[Ground], mean: Callable[[], float]
) -> Opening | None:
    """By which of the ``reasons``, and against which of ``normals`` (the expected value, or what is usual of a day), the value
    is out so far that somebody would care, on a side that is bad news; ``None``: by none."""
    known = [normal for normal in normals if matters(watch, value, normal)]
    for reason, normal in itertools.product(reasons, known):
        shown = mean() if reason.smoothed else value
        lower, upper = (normal if math.isnan(edge) else edge for edge in (reason.lower, reason.upper))
        least, most = thresholds(watch, normal)
        direction = 1 if shown > max(upper, most) else -1 if shown < min(lower, least) else 0
        if direction and watch.side in (0, direction):
            statistic = Statistic.LEVEL if reason.statistic == "level" else Statistic.STEP
            lower, upper = min(lower, normal - STAYS * (normal - least)), max(upper, normal + STAYS * (most - normal))
            return Opening(direction, statistic, reason.smoothed, shown, normal, lower, upper)
    return None


def thresholds(watch: Watch, normal: float) -> tuple[float, float]:
    """Down to where, and from where on, a change from ``normal`` is none that somebody would care about."""
    factor, difference = _least(watch, normal)
    return min(normal / factor, normal - difference), max(normal * factor, normal + difference)


def _least(watch: Watch, normal: float) -> tuple[float, float]:
    if watch.kind is Kind.VALUE:
        return 1.0, max(watch.difference, VALUE_CHANGE * abs(normal) if watch.relative else 0.0)
    factor, difference = LEAST[watch.kind]
    return factor, difference if watch.per_ms is None else LEAST_MS * watch.per_ms


def matters(watch: Watch, value: float, normal: float) -> bool:
    """Whether somebody would care for ``value`` where ``normal`` is usual (NaN: not known)."""
    factor, difference = _least(watch, normal)
    if watch.kind is Kind.VALUE:
        return abs(value - normal) >= difference > 0.0
    low, high = sorted((value, normal))
    return high >= factor * max(low, 0.0) and high - low >= difference


def kind_of(kind: int, direction: int) -> int:
    """What the detector calls it; a spike or a drop by the side on which the value is out."""
    if kind in (Anomaly.SPIKE, Anomaly.DROP, Anomaly.NONE, Anomaly.SILENCE):
        return int(Anomaly.SPIKE if direction > 0 else Anomaly.DROP)
    return kind
