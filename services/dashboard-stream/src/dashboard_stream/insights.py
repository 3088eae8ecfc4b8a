"""The insights that a dashboard shows: the newest word on each incident, each watched series and each forecast. Pure.

A page keeps them by ``key``: the phases of one incident have one key, and so have all forecasts of one series, and what a model
says of its own state there; a later word replaces an earlier one. An incident keeps the instant at which it was told first, as
``since``. Each sort has its own bound, :data:`KEPT` of a tenant, so that none pushes another out; the oldest gives way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from dashboard_stream.dashboards import name
from drishti.events import Insight

Sort = Literal["incident", "state", "other"]

KEPT = 120

SHOWN: dict[Sort, int] = {"incident": 30, "state": 40, "other": 30}
"""What a snapshot carries of each: 100 together. A state says ``learning`` or ``ready``; forecasts are among the others."""

Event = dict[str, Any]


class Insights:
    """The insights of one tenant."""

    def __init__(self) -> None:
        self._shelves: dict[Sort, dict[str, Event]] = {sort: {} for sort in SHOWN}

    def take(self, insight: Insight) -> str | None:
        """Keeps ``insight``; returns its key, or ``None`` where something newer is known under it."""
        event = event_of(insight)
        key: str = event["key"]
        shelf = self._shelves[_sort(insight)]
        known = shelf.get(key)
        if known is not None and known["at"] > insight.at:
            return None
        if insight.phase is not None:
            event["since"] = known["since"] if known is not None else insight.at
        shelf[key] = event
        if len(shelf) > KEPT:
            del shelf[min(shelf, key=lambda k: shelf[k]["at"])]
        return key if key in shelf else None

    def newest(self, metrics: frozenset[str]) -> list[Event]:
        """At most 100 about ``metrics``, oldest first."""
        chosen = (event for sort, shelf in self._shelves.items() for event in _newest(shelf, metrics, SHOWN[sort]))
        return sorted(chosen, key=_at)

    def of(self, keys: Iterable[str], metrics: frozenset[str]) -> list[Event]:
        """Those of ``keys`` that are about ``metrics`` and still kept, oldest first."""
        wanted = set(keys)
        found = (shelf[key] for shelf in self._shelves.values() for key in wanted & shelf.keys())
        return sorted((event for event in found if event["metric"] in metrics), key=_at)


def _sort(insight: Insight) -> Sort:
    if insight.phase is not None:
        return "incident"
    return "state" if insight.kind == "anomaly" else "other"


def event_of(insight: Insight) -> Event:
    """The insight's own fields, and ``series`` (the line it is about) and ``key`` (what it replaces)."""
    event: Event = msgspec.to_builtins(insight)
    series = name(insight.metric, insight.field, tuple(sorted(insight.labels.items())))
    if insight.kind == "forecast":
        key = f"forecast:{series}"
    elif _sort(insight) == "state":
        key = f"state:{series}"
    else:
        key = insight.insight_id
    return event | {"series": series, "key": key}


def _newest(shelf: dict[str, Event], metrics: frozenset[str], limit: int) -> list[Event]:
    return sorted((event for event in shelf.values() if event["metric"] in metrics), key=_at)[-limit:]


def _at(event: Event) -> int:
    at: int = event["at"]
    return at
