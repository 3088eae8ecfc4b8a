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

_OLDEST_S, _NEWEST_S = OLDEST.total_seconds(), NEWEST.total_seconds()


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
