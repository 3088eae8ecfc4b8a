"""Brings changes of definitions into the table that writers count by, and the table into memory. Every replica may do it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from analytics.errors import DatabaseAway
from analytics.event_metrics import table
from analytics.event_metrics.extractors import EventMetrics
from analytics.storage.database import Database, Session
from drishti.measures.definitions import MetricDefinition
from drishti.measures.registry import MetricRegistry
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
"""How often a replica checks whether definitions or the table have changed; a writer notices the table with its next batch."""


class EventMetricChanges:
    """``run`` until ``stop``."""

    def __init__(self, database: Database, registry: MetricRegistry, metrics: EventMetrics) -> None:
        self._database = database
        self._registry = registry
        self._metrics = metrics
        self._changed = asyncio.Event()
        self._changed.set()  # definitions may have changed while no replica ran
        registry.on_change(lambda _tenant: self._changed.set())
        self._views: dict[str, tuple[object, object, Mapping[str, MetricDefinition]]] = {}

    def of(self, tenant: str) -> Mapping[str, MetricDefinition]:
        """The metrics of a tenant by the name of their rollups, as they are defined now; not those that only KPIs need."""
        known, drawn = self._registry.of(tenant), self._metrics.of(tenant)
        if not drawn:
            return known
        cached = self._views.get(tenant)
        if cached is not None and cached[0] is known and cached[1] is drawn:
            return cached[2]
        named = {stored: known[definition.token] for stored, definition in drawn.items() if definition.token in known}
        view = {**known, **named}
        self._views[tenant] = known, drawn, view
        return view

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            session = await until(stop, self._database.wait_connection(name="event metrics"))
            if session is None:
                return
            try:
                async with session:
                    await self._follow(session, stop)
            except DatabaseAway as error:
                log.warning("metrics drawn from events are looked after another time", extra={"reason": str(error)})

    async def _follow(self, session: Session, stop: asyncio.Event) -> None:
        await table.load(session, self._metrics)
        while not stop.is_set():
            if self._changed.is_set() and self._registry.loaded.is_set():
                self._changed.clear()
                try:
                    await self._apply(session)
                except DatabaseAway:
                    self._changed.set()
                    raise
            if await session.value("event_metrics_epoch") != self._metrics.epoch:
                await table.load(session, self._metrics)
            await pause(stop, 0 if self._changed.is_set() and self._registry.loaded.is_set() else LOOK_EVERY_S)

    async def _apply(self, session: Session) -> None:
        wanted = table.wanted_of(self._registry)
        if await table.apply(session, wanted, self._registry.read_until):
            log.info("other metrics are drawn from events now", extra={"metrics": len(wanted)})
