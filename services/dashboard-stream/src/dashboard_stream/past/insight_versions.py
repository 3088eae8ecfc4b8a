"""What models said over a range of time, each insight in the versions in which it was published. Pure.

An incident is published again every half minute while it is open: of these only the first of each state is kept, with the
instant of its last repetition, so that a page can show any instant of the range as it was.
"""

from __future__ import annotations

from typing import Any

from dashboard_stream.live.insights import Event, event_of, remember
from drishti.events import AnomalyInsight, ForecastInsight, Insight

MOST_VERSIONS = 2_000
"""The oldest give way."""

_STATE = ("phase", "severity", "unjudged", "adapted", "catching_up", "escalated")
"""What makes a further version of an incident another one."""


class InsightVersions:
    """The versions of the insights of one tenant, oldest first. ``left_off`` counts those that gave way."""

    def __init__(self) -> None:
        self._versions: dict[int, Event] = {}
        self._newest: dict[str, int] = {}
        self._taken = 0
        self.left_off = 0

    def take(self, insight: Insight, published_at: int) -> None:
        """One insight as it was published then. Forecasts, and the states of models, are no part of a history."""
        if isinstance(insight, ForecastInsight) or (isinstance(insight, AnomalyInsight) and insight.phase is None):
            return
        event = event_of(insight)
        place = self._newest.get(event["key"])
        known = self._versions[place] if place is not None else None
        if known is not None and event["at"] < known["at"]:
            return
        if isinstance(insight, AnomalyInsight):
            remember(event, known)
        if known is not None and _state(known) == _state(event):
            # The newest numbers of the same state, which began when it was published first.
            event |= {"published_at": known["published_at"], "last_at": published_at}
            self._versions[self._newest[event["key"]]] = event
            return
        self._taken += 1
        self._versions[self._taken] = event | {"published_at": published_at, "last_at": published_at}
        self._newest[event["key"]] = self._taken
        if len(self._versions) > MOST_VERSIONS:
            oldest = next(iter(self._versions))
            gone = self._versions.pop(oldest)
            if self._newest.get(gone["key"]) == oldest:
                del self._newest[gone["key"]]
            self.left_off += 1

    def within(self, begin_ms: int, end_ms: int) -> list[Event]:
        """Those of insights that were said of within the range; an incident whose last word came before is not among them."""
        last: dict[str, int] = {}
        for event in self._versions.values():
            last[event["key"]] = max(event["last_at"], last.get(event["key"], 0))
        return [
            event for event in self._versions.values() if event["published_at"] <= end_ms and last[event["key"]] >= begin_ms
        ]


def _state(event: Event) -> tuple[Any, ...]:
    return tuple(event.get(field) for field in _STATE)
