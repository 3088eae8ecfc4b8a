"""The insights that a dashboard shows: the newest state of each incident, each watched series and each forecast. Pure.

A page keeps them by ``key``: the phases of one incident have one key, and so have all forecasts of one series and horizon, and
the state of its model; a later one replaces an earlier one. What an incident's earlier phases carried and a
later one does not is kept with it (:func:`remember`). Each sort has its own bound, :data:`KEPT` of a tenant, so that none
pushes another out, and within a sort each horizon has its share: a forecast of a week is made once while those of a quarter of
an hour are made many times, and must not be pushed out for its age.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice, zip_longest
from typing import Any, Literal

import msgspec

from dashboard_stream.boards.readings import name
from drishti.events import AnomalyInsight, ForecastInsight, IncidentInsight, Insight, SeriesInsight

Sort = Literal["incident", "state", "unwatched", "other"]

KEPT = 120

SHOWN: dict[Sort, int] = {"incident": 30, "state": 30, "unwatched": 10, "other": 30}
"""What a snapshot carries of each: 100 together. A state says ``learning`` or ``ready``; ``unwatched``, that some series
of a metric are not watched at all; forecasts are among the others."""

UNWATCHED_MS = 900_000
"""That series are not watched is repeated every five minutes; what is older does not hold any more."""

POINTS = 120
"""Of a forecast, at most: a chart is a few hundred pixels wide. So 30 forecasts stay below 200 kB of a snapshot."""

DIGITS = 5
"""Of a forecast's numbers: a screen shows three, and a band's edge is no pixel off."""

GRAVITY = ("info", "warning", "critical")

Event = dict[str, Any]


class Insights:
    """The insights of one tenant."""

    def __init__(self) -> None:
        self._shelves: dict[Sort, dict[str, Event]] = {sort: {} for sort in SHOWN}

    def take(self, insight: Insight) -> Event | None:
        """Keeps ``insight``; returns it as frames carry it, or ``None`` where something newer is known under its key."""
        event = event_of(insight)
        key: str = event["key"]
        shelf = self._shelves[_sort(insight)]
        known = shelf.get(key)
        if known is not None and known["at"] > insight.at:
            return None
        if _sort(insight) == "incident":
            remember(event, known)
        shelf[key] = event
        if len(shelf) > KEPT:
            crowded = max(_by_horizon(shelf.values()), key=len)
            del shelf[min(crowded, key=_at)["key"]]
        return event if key in shelf else None

    def newest(self, metrics: frozenset[str]) -> list[Event]:
        """At most 100 about ``metrics`` or the whole system, oldest first."""
        chosen = (event for sort, shelf in self._shelves.items() for event in _chosen(shelf, metrics, SHOWN[sort]))
        return sorted(chosen, key=_at)

    def unwatched(self, now_ms: int) -> list[Event]:
        """Of each metric with series that are not watched, why; by the metric's token."""
        kept = self._shelves["unwatched"].values()
        return sorted(
            (event for event in kept if event.get("unjudged") and event["at"] > now_ms - UNWATCHED_MS),
            key=lambda event: str(event["metric"]),
        )

    def of(self, keys: Iterable[str], metrics: frozenset[str]) -> list[Event]:
        """Those of ``keys`` that :func:`concern <concerns>` ``metrics`` and are still kept, oldest first."""
        wanted = set(keys)
        kept = (shelf[key] for shelf in self._shelves.values() for key in wanted & shelf.keys())
        return sorted((event for event in kept if concerns(event, metrics)), key=_at)


def about(event: Event) -> set[str]:
    """The metrics that an insight names. None where it is about the system as a whole."""
    return {event["metric"]} if "metric" in event else {series["metric"] for series in event.get("about", ())}


def concerns(event: Event, metrics: frozenset[str]) -> bool:
    """Whether an insight belongs to what shows ``metrics``: it names one of them, or it is about the system as a whole."""
    named = about(event)
    return not named or not named.isdisjoint(metrics)


def _sort(insight: Insight) -> Sort:
    if isinstance(insight, AnomalyInsight | IncidentInsight) and insight.phase is not None:
        return "incident"
    if isinstance(insight, AnomalyInsight):
        return "state" if insight.field else "unwatched"
    return "other"


def event_of(insight: Insight) -> Event:
    """The insight's own fields, and ``series`` (the line it is about, if it is about one) and ``key`` (what it replaces)."""
    event: Event = msgspec.to_builtins(insight)
    if not isinstance(insight, SeriesInsight):
        return event | {"series": "", "key": insight.insight_id}
    series = name(insight.metric, insight.field, tuple(sorted(insight.labels.items())))
    key = insight.insight_id if _sort(insight) == "incident" else f"state:{series}"
    if isinstance(insight, ForecastInsight):
        key = f"forecast:{series}" + (f"@{insight.horizon_ms}" if insight.horizon_ms is not None else "")
        if insight.points:
            event["points"] = [
                [at, *(float(f"{value:.{DIGITS}g}") for value in values)] for at, *values in _thinned(insight.points)
            ]
    return event | {"series": series, "key": key}


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """Every so many-th, counted from the last, which is how far the forecast looks."""
    step = -(-len(points) // POINTS)
    return points[::-1][::step][::-1]


def remember(event: Event, known: Event | None) -> None:
    """What an incident's newest phase does not say itself.

    ``since``: when it was reported first. ``gravest``: the highest severity so far, since a recovery is reported as ``info``.
    ``escalated_at``: when the severity rose last, where it did. ``anomaly``: the sort named last, where this phase names none.
    """
    known = known or {}
    event["since"] = known.get("since") or event.get("since", event["at"])
    severities = [severity for severity in (known.get("gravest"), event.get("severity")) if severity is not None]
    if severities:
        event["gravest"] = max(severities, key=_gravity)
    if event.get("escalated"):
        event["escalated_at"] = event["at"]
    elif "escalated_at" in known:
        event["escalated_at"] = known["escalated_at"]
    if "anomaly" not in event and "anomaly" in known:
        event["anomaly"] = known["anomaly"]


def _gravity(severity: str) -> int:
    """One that a later version has added counts least: whatever is known is shown rather."""
    return GRAVITY.index(severity) if severity in GRAVITY else -1


def _by_horizon(events: Iterable[Event]) -> list[list[Event]]:
    """What has no horizon is one group."""
    groups: dict[int | None, list[Event]] = {}
    for event in events:
        groups.setdefault(event.get("horizon_ms"), []).append(event)
    return list(groups.values())


def _chosen(shelf: dict[str, Event], metrics: frozenset[str], limit: int) -> Iterator[Event]:
    """At most ``limit``, in turn from each horizon."""
    groups = _by_horizon(event for event in shelf.values() if concerns(event, metrics))
    turns = zip_longest(*(sorted(group, key=_rank) for group in groups))
    in_turn = (event for event in chain.from_iterable(turns) if event is not None)
    return islice(in_turn, limit)


def _rank(event: Event) -> tuple[bool, bool, int]:
    """Forecasts that warn of a threshold or count replicas first, then totals; the newest first among equals."""
    forecast = event["kind"] == "forecast"
    watched = "breach" in event or "capacity" in event
    return forecast and not watched, forecast and bool(event.get("labels")), -_at(event)


def _at(event: Event) -> int:
    at: int = event["at"]
    return at
