"""The insights that a dashboard shows: the newest word on each incident and each forecast. Pure.

A page keeps them by ``key``: the phases of one incident have one key, and so have all forecasts of one series, so a later word
replaces an earlier one. Bounds: :data:`INCIDENTS` and :data:`OTHERS` of a tenant, the oldest gives way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dashboard_stream.dashboards import name
from drishti.events import Insight

INCIDENTS = 120
OTHERS = 120

SHOWN_INCIDENTS = 30
SHOWN_OTHERS = 20
"""What a snapshot carries of both: 50 together."""

Event = dict[str, Any]


class Insights:
    """The insights of one tenant."""

    def __init__(self) -> None:
        self._incidents: dict[str, Event] = {}
        self._others: dict[str, Event] = {}

    def take(self, insight: Insight) -> str | None:
        """Keeps ``insight``; returns its key, or ``None`` where something newer is known under it."""
        event = event_of(insight)
        key: str = event["key"]
        shelf, limit = (self._incidents, INCIDENTS) if insight.phase else (self._others, OTHERS)
        known = shelf.get(key)
        if known is not None and known["at"] > insight.at:
            return None
        shelf[key] = event
        if len(shelf) > limit:
            del shelf[min(shelf, key=lambda k: shelf[k]["at"])]
        return key if key in shelf else None

    def newest(self, metrics: frozenset[str]) -> list[Event]:
        """At most 50 about ``metrics``, oldest first."""
        chosen = _newest(self._incidents, metrics, SHOWN_INCIDENTS) + _newest(self._others, metrics, SHOWN_OTHERS)
        return sorted(chosen, key=_at)

    def of(self, keys: Iterable[str], metrics: frozenset[str]) -> list[Event]:
        """Those of ``keys`` that are about ``metrics`` and still kept, oldest first."""
        found = (self._incidents.get(key) or self._others.get(key) for key in keys)
        return sorted((event for event in found if event is not None and event["metric"] in metrics), key=_at)


def event_of(insight: Insight) -> Event:
    """The insight's own fields, and ``series`` (the line it is about) and ``key`` (what it replaces)."""
    event: Event = msgspec.to_builtins(insight)
    series = name(insight.metric, insight.field, tuple(sorted(insight.labels.items())))
    if insight.kind == "forecast":
        key = f"forecast:{series}"
    elif insight.phase is None and insight.state == "learning":
        key = f"learning:{series}"
    else:
        key = insight.insight_id
    return event | {"series": series, "key": key}


def _newest(shelf: dict[str, Event], metrics: frozenset[str], limit: int) -> list[Event]:
    return sorted((event for event in shelf.values() if event["metric"] in metrics), key=_at)[-limit:]


def _at(event: Event) -> int:
    at: int = event["at"]
    return at
