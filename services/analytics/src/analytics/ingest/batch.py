"""A batch of items for the store: their keys, their rows, and the cells of rollups that they change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any

from analytics.computing import INLINE_CELLS, computed
from analytics.event_metrics.extractors import EventMetrics
from analytics.ingest.deliveries import Delivery
from analytics.ingest.items import Item
from analytics.ingest.signal import Exemplars, Put, Signal
from analytics.ingest.tombstones import Tombstones
from analytics.rollup.observations import Observations
from analytics.rollup.windows import DAY_MS
from analytics.storage.service_names import ServiceName
from analytics.storage.store import Contents, PutRows
from analytics.storage.stream_states import StreamStates
from analytics.storage.tables import Table

DAY_S = DAY_MS // 1000
HOUR_S = 3_600

INLINE_STREAMS = 200
"""Points of more streams are compared and turned into histograms in a thread."""

INLINE_PUTS = 200
"""Of more items, what statements add is computed in a thread."""

Groups = Sequence[tuple[Signal, Sequence[Item]]]


class ItemBatch:
    """The items of ``deliveries``. Of items with the same key the first one counts.

    Those of before ``hours_from`` (seconds since 1970) count, but have no rows in tables that are partitioned by the hour:
    whoever sends data of a month at once would have hundreds of partitions made, and every question would lock them all.

    Items of users who are erased by ``tombstones`` count as stored, and add nothing.
    """

    def __init__(
        self,
        deliveries: Sequence[Delivery],
        exemplars: Exemplars,
        event_metrics: EventMetrics | None = None,
        *,
        hours_from: float = 0.0,
        tombstones: Tombstones | None = None,
    ) -> None:
        self._hours_from = int(hours_from) // HOUR_S * HOUR_S
        self._event_metrics = event_metrics
        self._tombstones = tombstones
        self._deliveries = deliveries
        self._exemplars = exemplars
        by_signal: dict[Signal, list[Item]] = {}
        for delivery in deliveries:
            by_signal.setdefault(delivery.signal, []).extend(delivery.items)
        self.size = sum(map(len, by_signal.values()))
        self.keys: list[bytes] = []
        self._groups: list[tuple[Signal, list[Item]]] = []
        for signal, items in by_signal.items():
            first = {item.key: item for item in reversed(items)}
            self.keys += reversed(first)
            self._groups.append((signal, list(first.values())[::-1]))

    @cached_property
    def _days(self) -> list[tuple[Signal, set[int]]]:
        return [(signal, {item.second // DAY_S for item in items}) for signal, items in self._groups]

    @property
    def days(self) -> list[datetime]:
        return [_instant(day * DAY_S) for day in set().union(*(days for _, days in self._days))]

    def tables(self) -> list[tuple[Table, datetime]]:
        tables = [
            (table, _instant(day * DAY_S))
            for signal, days in self._days
            for table in signal.tables
            if table.every != "hour"
            for day in days
        ]
        for signal, items in self._groups:
            if hourly := [table for table in signal.tables if table.every == "hour"]:
                hours = {item.second // HOUR_S for item in items if item.second >= self._hours_from}
                tables += [(table, _instant(hour * HOUR_S)) for table in hourly for hour in hours]
        return tables

    @cached_property
    def without_rows(self) -> int:
        """Items that are too old for rows in the tables by the hour of their signal."""
        return sum(
            item.second < self._hours_from
            for signal, items in self._groups
            if any(table.every == "hour" for table in signal.tables)
            for item in items
        )

    def lookups(self) -> list[tuple[str, Mapping[int, tuple[Any, ...]]]]:
        return [(lookup.statement, lookup.rows(items)) for signal, items in self._groups for lookup in signal.lookups]

    def service_names(self) -> list[ServiceName]:
        return service_names(chain.from_iterable(delivery.items for delivery in self._deliveries))

    @cached_property
    def streams(self) -> dict[bytes, str]:
        """The streams, with their tenants, whose states are needed."""
        streams: dict[bytes, str] = {}
        for signal, items in self._groups:
            if signal.streams is not None:
                streams.update(signal.streams(items))
        return streams

    async def contents(self, states: StreamStates, new: Collection[bytes] | None = None) -> Contents:
        groups: Groups = self._groups
        if new is not None:
            groups = [(signal, [item for item in items if item.key in new]) for signal, items in groups]
        if self._tombstones is not None:
            groups = [(signal, self._tombstones.without_erased(signal, items)) for signal, items in groups]
        observations = await computed(
            lambda: observe(groups, self._exemplars, states, self._event_metrics), in_thread=len(self.streams) > INLINE_STREAMS
        )
        cells = await computed(observations.cells, in_thread=len(observations) > INLINE_CELLS)
        rows: dict[Table, list[tuple[Any, ...]]] = {}
        for signal, items in groups:
            young = items if self.without_rows == 0 else [item for item in items if item.second >= self._hours_from]
            for table, rows_of in signal.tables.items():
                if added := rows_of(young if table.every == "hour" else items):
                    rows.setdefault(table, []).extend(added)
        puts = [PutRows(put.statement, added, put.limits, put.bound) for put, added in await self._puts(groups) if added]
        return Contents(rows, cells, puts)

    async def _puts(self, groups: Groups) -> list[tuple[Put, list[tuple[Any, ...]]]]:
        asked = [(put, items) for signal, items in groups for put in signal.puts]
        in_thread = sum(len(items) for _, items in asked) > INLINE_PUTS
        return await computed(lambda: [(put, put.rows(items)) for put, items in asked], in_thread=in_thread)


def observe(
    groups: Groups,
    exemplars: Exemplars,
    states: StreamStates | None = None,
    event_metrics: EventMetrics | None = None,
) -> Observations:
    """What items say about metrics, those of all signals together."""
    observations = Observations()
    states = StreamStates() if states is None else states
    for signal, items in groups:
        signal.observe(items, exemplars, observations, states)
        if event_metrics is not None and signal.events is not None:
            event_metrics.observe(signal.events(items), exemplars, observations)
    return observations


def service_names(items: Iterable[Item]) -> list[ServiceName]:
    """The names that ``items`` carry, one of each service: the last."""
    names: dict[tuple[str, str], str] = {}
    last: tuple[str | None, str | None, str | None] = (None, None, None)
    for item in items:
        name = item.body.service_name
        # Items of one service come in company: most are compared with the one before, and that is all.
        if name is not None and (name != last[2] or item.body.service != last[1] or item.tenant != last[0]):
            last = item.tenant, item.body.service, name
            if item.body.service is not None:
                names[item.tenant, item.body.service] = name
    return [ServiceName(tenant, service, name) for (tenant, service), name in names.items()]


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
