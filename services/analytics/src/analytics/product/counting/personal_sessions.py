"""The sessions of one person, out of the times of their events, by the definition of :mod:`analytics.product.counting.sessions`
with an idle gap alone; and in which of them something else lies. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.product.counting.event_order import Events
from analytics.product.counting.sessions import SessionRule, session_starts
from analytics.product.segments.segment import Ints


class PersonalSessions(NamedTuple):
    """When each session began and ended, in ms since 1970 and in order, and how many events it has."""

    starts: Ints
    ends: Ints
    events: Ints
    gap_ms: int

    def of(self, at_ms: int) -> int | None:
        """The place of the session in which ``at_ms`` lies; outside of all, of that which ended at most the gap before, else of
        that which begins at most the gap after."""
        place = int(np.searchsorted(self.starts, at_ms, side="right")) - 1
        if place >= 0 and at_ms - self.ends[place] <= self.gap_ms:
            return place
        if place + 1 < len(self.starts) and self.starts[place + 1] - at_ms <= self.gap_ms:
            return place + 1
        return None


def personal_sessions(times: Ints, gap_ms: int) -> PersonalSessions:
    """``times`` of events, in ms since 1970 and ascending."""
    if not len(times):
        return PersonalSessions(times, times, times, gap_ms)
    events = Events(np.zeros(len(times), np.int64), times, {}, {}, ())
    first = np.flatnonzero(session_starts(SessionRule(gap_ms), events, ()))
    after = np.r_[first[1:], len(times)]
    return PersonalSessions(times[first], times[after - 1], after - first, gap_ms)
