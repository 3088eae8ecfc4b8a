"""How far an event's own time may lie from its arrival. Pure.

The gateway asks before an event is stored on the bus, and analytics afterwards, by the time at which it was: both ask here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

OLDEST = timedelta(days=30)
NEWEST = timedelta(minutes=10)
"""An event's own time may lie that far from now: days for devices that were offline, minutes for clocks that are fast."""

TOO_OLD = f"more than {OLDEST.days} days before its arrival"
TOO_NEW = f"more than {NEWEST.seconds // 60} minutes after its arrival"

MAX_NS = 2**63 - 1
"""The last nanosecond since 1970 that is stored, in the year 2262."""

NOT_SET = "not set"
BEYOND = "beyond the year 2262"

_OLDEST_S, _NEWEST_S = OLDEST.total_seconds(), NEWEST.total_seconds()
_OLDEST_NS, _NEWEST_NS = int(_OLDEST_S) * 1_000_000_000, int(_NEWEST_S) * 1_000_000_000


class TimeWindow(NamedTuple):
    """When an event may have happened, both ends included."""

    earliest: datetime
    latest: datetime

    def wrong(self, at: datetime) -> str | None:
        """Why ``at`` cannot be the time of an event; ``None`` where it can."""
        return TOO_OLD if at < self.earliest else TOO_NEW if at > self.latest else None


def time_window(arrival: datetime, *, margin: timedelta = timedelta(0)) -> TimeWindow:
    """The window of what arrives at ``arrival``, at each end narrower by ``margin``."""
    return TimeWindow(arrival - OLDEST + margin, arrival + NEWEST - margin)


def wrong_time(at_s: float, arrived_s: float) -> str | None:
    """The same of what happened at ``at_s`` and arrived at ``arrived_s``, in seconds since 1970: there are many."""
    return TOO_OLD if at_s < arrived_s - _OLDEST_S else TOO_NEW if at_s > arrived_s + _NEWEST_S else None


class WrongTime(NamedTuple):
    """Which field of OTLP has a time that cannot be, and what that time is: ``not set``, ``more than 30 days before …``."""

    field: str
    why: str

    @property
    def of_arrival(self) -> bool:
        """Whether the time would do, had the item come at another."""
        return self.why in (TOO_OLD, TOO_NEW)


class ArrivalNs(NamedTuple):
    """When something of OTLP may have happened, in nanoseconds since 1970, both ends included; as it stands, at any time that
    can be stored."""

    earliest: int = 1
    latest: int = MAX_NS

    def wrong(self, at_ns: int) -> str | None:
        """What is wrong with ``at_ns`` as the time of something; ``None`` where nothing is."""
        if self.earliest <= at_ns <= self.latest:
            return None
        return BEYOND if at_ns > MAX_NS else NOT_SET if at_ns == 0 else TOO_OLD if at_ns < self.earliest else TOO_NEW

    def wrong_span(self, start_ns: int, end_ns: int) -> WrongTime | None:
        """What is wrong with the times of a span; ``None`` where nothing is."""
        if not 0 < start_ns <= end_ns <= MAX_NS:
            if start_ns > MAX_NS or start_ns == 0:
                return WrongTime(START, BEYOND if start_ns else NOT_SET)
            return WrongTime(END, BEYOND if end_ns > MAX_NS else NOT_SET if end_ns == 0 else f"before {START}")
        wrong = self.wrong(start_ns)
        return None if wrong is None else WrongTime(START, wrong)


START, END = "start_time_unix_nano", "end_time_unix_nano"


def arrival_ns(arrived_ns: int, *, margin_ns: int = 0) -> ArrivalNs:
    """The same window as :func:`time_window`, in nanoseconds."""
    return ArrivalNs(arrived_ns - _OLDEST_NS + margin_ns, arrived_ns + _NEWEST_NS - margin_ns)
