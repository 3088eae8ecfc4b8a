"""What a detector is: the plug-in interface, and what it says of each observation. Pure.

A detector keeps the state of many series as arrays, one row a series, and judges one observation of any of them in one call.
It is online and causal: what it says of an observation rests on that series' observations up to it, and on nothing else.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from numpy.typing import NDArray

from predictor.series.ring import Bools, Floats, Ints


class Anomaly(enum.IntEnum):
    """What sort of thing happened."""

    NONE = 0
    SPIKE = 1
    """A few observations far above what was expected."""
    DROP = 2
    """A few observations far below."""
    SHIFT = 3
    """The level moved and stays; it is learnt as the new normal, and said so."""
    DRIFT = 4
    """The level moves slowly, further than it usually does."""
    SILENCE = 5
    """The series stopped, or began again after it had stopped."""
    VARIANCE = 6
    """The level stays, the scatter does not."""


@dataclass(frozen=True)
class Verdicts:
    """What is said of each row of one call, as arrays of one length.

    ``score`` in [0, 1]: one minus the tail probability of the observation as the *beginning* of an incident, so that in
    undisturbed series no more than one observation in ``1 / (1 - score)`` is as unusual. What belongs to an incident that was
    already reported scores below the threshold, :data:`.alarms.THRESHOLD`. ``alarm``: an incident begins here, and ``score``
    reached it. ``learning``: too little was seen to be trusted; nothing alarms. ``kind`` is an :class:`Anomaly`, ``direction``
    +1 or -1 (0: neither); ``confidence`` in [0, 1] says how much of what the detector wants to have seen it has seen.
    ``expected`` and the 95 % band ``lower``, ``upper`` are in the series' unit, and were known before the observation (NaN
    before there was one to know).
    """

    score: Floats
    alarm: Bools
    learning: Bools
    kind: Ints
    direction: Ints
    confidence: Floats
    expected: Floats
    lower: Floats
    upper: Floats


class Detector(Protocol):
    """One detector over many series. Rows are given out by the caller."""

    name: str
    """With its version: state of another name is refused."""

    def reserve(self, rows: int) -> None:
        """Makes room for rows ``0 .. rows - 1``; new ones know nothing."""

    def clear(self, rows: Ints) -> None:
        """Makes ``rows`` series without a past."""

    def update(self, rows: Ints, at: Floats, values: Floats) -> Verdicts:
        """Takes one observation of each of ``rows`` (all different) at time ``at`` (seconds, by row), and judges it.

        ``values`` NaN (or infinite): nothing was observed at that time. The caller keeps time increasing within a row.
        """

    def accept(self, rows: Ints, by: Floats) -> None:
        """Takes it that the level of ``rows`` moved ``by`` (in the series' unit) for good: the service adapts to what lasts.
        Nothing needs to be done by a detector that adapts by itself, having been shown the values."""

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """All that is known of rows ``0 .. rows - 1``, as arrays whose last axis is the row or first axis is the row."""

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""


@dataclass(frozen=True)
class Ground:
    """One reason of an alarm: the band that the value, or another statistic of the series, should not have left.

    Of the value, in its unit: ``step``, the band is around the values just before; ``level``, it is what most of the last days
    reached, at any time or at this hour. A ``smoothed`` band is that of the mean of the last ten values. Of others:
    ``scatter``, the standard deviation of the last ten values; ``distance`` of the last eight from the same hour of yesterday
    or last week, below zero where the value is below it; ``count`` of the values that came since the newest one; ``gap``,
    seconds since then.

    ``observed`` is the statistic where it is not the value itself. ``expected`` is NaN where it is the middle of the band.
    """

    statistic: Literal["step", "level", "scatter", "distance", "count", "gap"]
    lower: float
    upper: float
    smoothed: bool = False
    observed: float = math.nan
    expected: float = math.nan

    @property
    def of_value(self) -> bool:
        """Whether the band is that of a value or of a mean of values."""
        return self.statistic in ("step", "level")


@runtime_checkable
class Explaining(Protocol):
    """What a detector may do besides. Of one that does not, an alarm is held against the band of its verdict, and it learns
    from incidents as from all else."""

    def grounds(self, row: int) -> Sequence[Ground]:
        """Why ``row`` alarmed in the newest :meth:`Detector.update`, the strongest reason first; nothing where it did not."""

    def pass_over(self, rows: Ints, at: Floats) -> None:
        """Lets time ``at`` pass for ``rows`` without a judgement, and without learning anything: an incident is open."""
