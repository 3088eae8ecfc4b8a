"""Alarms against truth. Pure.

An incident is found by the first alarm of a series that its truth names, in the direction that it names, whose window lies in
``[begins, over)``. Its delay runs from the *start* of the first affected window to when the alarm was published; it
is negative where a drift or a leak was found before it had grown to what counts.

An alarm whose window lies in ``[begins, over)`` of no incident is false. Series-days count, for each series from when it is
watched, the seconds of the run that belong to no incident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.incidents.heard import Alarm, Heard
from benchmarks.incidents.truth import Truth

DAY_S = 86_400

MOMENT_S = 60
"""One burst of traffic moves a dozen series."""


@dataclass(frozen=True)
class Outcome:
    """One incident, and the alarm that found it."""

    truth: Truth
    alarm: Alarm | None

    @property
    def delay_s(self) -> float | None:
        return None if self.alarm is None else self.alarm.heard - self.truth.first_affected

    def within(self, seconds: float) -> bool:
        return self.delay_s is not None and self.delay_s <= seconds


@dataclass(frozen=True)
class Score:
    """Of one run or several: outcomes, false alarms, and in how many series-days of quiet they were heard.

    ``moments``: the false alarms of all series that follow each other within :data:`MOMENT_S` count once.
    """

    outcomes: tuple[Outcome, ...] = ()
    false: tuple[Alarm, ...] = ()
    moments: int = 0
    quiet_s: int = 0
    series: int = 0
    series_days: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.outcomes + other.outcomes,
            self.false + other.false,
            self.moments + other.moments,
            self.quiet_s + other.quiet_s,
            max(self.series, other.series),
            self.series_days + other.series_days,
        )


def score(truths: Sequence[Truth], heard: Heard, *, begin: int, end: int) -> Score:
    """The marks of one run over the seconds ``[begin, end)``; that all traffic ends there is no incident and no error."""
    disturbed = sorted((truth.begins, truth.over) for truth in truths)
    quiet = _gaps(disturbed, begin, end)
    false = tuple(
        alarm for alarm in heard.alarms if begin <= alarm.at < end and not any(a <= alarm.at < b for a, b in disturbed)
    )
    times = sorted(alarm.at for alarm in false)
    return Score(
        outcomes=tuple(Outcome(truth, _found(truth, heard.alarms)) for truth in truths),
        false=false,
        moments=sum(later - earlier > MOMENT_S for earlier, later in pairwise([-MOMENT_S - 1, *times])),
        quiet_s=sum(b - a for a, b in quiet),
        series=len(heard.watched),
        series_days=sum(max(0, b - max(a, since)) for since in heard.watched.values() for a, b in quiet) / DAY_S,
    )


def _found(truth: Truth, alarms: Sequence[Alarm]) -> Alarm | None:
    named = {(str(series), series.direction) for series in truth.series}
    matching = (a for a in alarms if (a.series, a.direction) in named and truth.begins <= a.at < truth.over)
    return min(matching, key=lambda alarm: alarm.heard, default=None)


def _gaps(disturbed: Sequence[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    """What of ``[begin, end)`` lies in none of the sorted ``disturbed``."""
    gaps, at = [], begin
    for a, b in disturbed:
        if min(a, end) > at:
            gaps.append((at, min(a, end)))
        at = max(at, b)
    return [*gaps, (at, end)] if at < end else gaps
