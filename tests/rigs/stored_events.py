"""Batches of events for a store, without a bus: what the writer would give it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg

from analytics.ingest.signals.events import TABLE
from analytics.rollup.observations import Observations, Series
from analytics.storage.service_names import ServiceName
from analytics.storage.store import Contents
from analytics.storage.stream_states import StreamStates
from analytics.storage.tables import Table

COUNTED_BY_ROWS = """
SELECT r.resolution, date_trunc(unit, time AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS start, event_type, count(*)::int AS count
FROM events CROSS JOIN (VALUES ('1s', 'second'), ('1m', 'minute'), ('1h', 'hour')) AS r (resolution, unit)
WHERE tenant = $1 GROUP BY 1, 2, 3
"""
COUNTED_BY_ROLLUPS = """
SELECT resolution, window_start AS start, labels ->> 'event_type' AS event_type, sum(count)::int AS count
FROM rollups WHERE tenant = $1 AND metric = 'events' GROUP BY 1, 2, 3
"""


class Happened(NamedTuple):
    key: bytes
    kind: str
    at: int


class EventBatch:
    """Events of one tenant, of which each key counts once."""

    def __init__(self, tenant: str, events: Sequence[Happened]) -> None:
        self._tenant = tenant
        self._events = {event.key: event for event in events}
        self.size = len(events)
        self.keys = list(self._events)
        self.streams: dict[bytes, str] = {}

    @property
    def days(self) -> list[datetime]:
        return [datetime.fromtimestamp(event.at, UTC) for event in self._events.values()]

    def tables(self) -> list[tuple[Table, datetime]]:
        return [(TABLE, day) for day in self.days]

    def lookups(self) -> list[tuple[str, Mapping[int, tuple[Any, ...]]]]:
        return []

    def service_names(self) -> list[ServiceName]:
        return []

    async def contents(self, _states: StreamStates, new: Collection[bytes] | None = None) -> Contents:
        observations = Observations()
        rows: list[tuple[Any, ...]] = []
        for event in self._events.values():
            if new is None or event.key in new:
                observations.count(Series(self._tenant, "events", (event.kind, "s"), event.at), 1)
                row = {"tenant": self._tenant, "event_id": event.key.hex(), "event_type": event.kind}
                row["time"] = datetime.fromtimestamp(event.at, UTC)  # type: ignore[assignment]
                rows.append(tuple(row.get(name) for name in TABLE.columns))
        return Contents({TABLE: rows}, observations.cells())


Counts = dict[tuple[str, datetime], dict[str, int]]


async def counts(connection: asyncpg.Connection, query: str, tenant: str) -> Counts:
    """What one of the queries above says: counts by type of event, of each resolution and window."""
    result: Counts = {}
    for row in await connection.fetch(query, tenant):
        result.setdefault((row["resolution"], row["start"]), {})[row["event_type"]] = row["count"]
    return result
