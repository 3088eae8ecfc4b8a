"""Makes partitions ahead of time, keeps what is to outlive them, and drops and forgets what is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from analytics.errors import DatabaseAway
from analytics.product.segments.compaction import EVENTS, drop_segments
from analytics.settings import AnalyticsSettings
from analytics.storage.database import Database, Session
from analytics.storage.error_rows import ERRORS
from analytics.storage.log_counts import LOG_COUNTS
from analytics.storage.minute_tables import SPAN_CHANGES, SPAN_HOURS, SPAN_MINUTES
from analytics.storage.partitions import Partitions
from analytics.storage.span_lookups import LookupSweep
from analytics.storage.span_rows import KEPT_SPANS, SPANS
from analytics.storage.stream_states import KEPT_DAYS
from analytics.storage.tables import LOG_RECORDS, ROLLUPS, Table
from analytics.traces.keeping import Keeping
from analytics.traces.retention import LATE_HOURS, spans_kept_from
from drishti.events import RESOLUTION_MS
from drishti.measures.registry import MetricRegistry
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

EVERY_S = 600.0

STATEMENT_S = 300.0
"""How long one statement may take: choosing and copying the traces of a busy hour takes longer than any other."""

EXPIRED_AT_ONCE = 5_000

ADMISSIONS_DAYS = 3
"""How long the admissions of an hour are kept after its first series."""

ERROR_GROUPS_DAYS = 90
"""How long a kind of error is known after it was last seen."""

SERVICE_VERSIONS_DAYS = 30
"""How long the versions of a service are known after its last spans: a later one is the first again."""

TOMBSTONE_DAYS = 60
"""How long a tombstone is kept: an event may come 30 days after it happened, and be read from the bus some days later."""

SPARE_DAYS = 1
"""Notes about minutes stay so long after the last span of a minute can have come: each hour of them is a partition."""

LOOKUP_SPARE_DAYS = 32
"""What spans refer to is forgotten so long after the last of them can have gone: one may come 30 days after it happened."""

SERIES_SPARE_DAYS = 40
"""A series is forgotten so long after its last rows can have gone: those of hours go by the month."""


class Maintenance:
    """``run`` until ``stop``. Every replica does so; what only one may do at a time is left to whoever is first."""

    def __init__(
        self, settings: AnalyticsSettings, database: Database, registry: MetricRegistry, tables: Iterable[Table]
    ) -> None:
        self._settings = settings
        self._database = database
        self._registry = registry
        self._tables = tuple(tables)
        self._partitions = Partitions()
        self._keeping = Keeping()
        self._lookups = LookupSweep()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                session = await until(stop, self._database.wait_connection(name="maintenance", statement_s=STATEMENT_S))
                if session is None:
                    return
                async with session:
                    await until(stop, self._round(session, datetime.now(UTC)))
            except DatabaseAway as error:
                log.warning("maintenance is done another time", extra={"reason": str(error)})
            await pause(stop, EVERY_S)

    async def _round(self, session: Session, now: datetime) -> None:
        settings = self._settings

        def since(days: float) -> datetime:
            return now - timedelta(days=days)

        keep_from = dict.fromkeys(self._tables, since(settings.events_days))
        keep_from |= {table: since(settings.kept_days[resolution]) for resolution, table in ROLLUPS.items()}
        keep_from |= dict.fromkeys((SPAN_MINUTES, SPAN_HOURS), since(settings.traces_days))
        keep_from[ERRORS] = since(settings.errors_days)
        keep_from |= dict.fromkeys((LOG_RECORDS, LOG_COUNTS), since(settings.logs_days))
        keep_from[SPANS], keep_from[KEPT_SPANS] = await spans_kept_from(
            session, now, hours=settings.spans_hours, days=settings.traces_days, megabytes=settings.spans_mb
        )
        keep_from[SPAN_CHANGES] = since((settings.spans_hours + LATE_HOURS) / 24 + SPARE_DAYS)
        fading = {SPANS: self._keeping.fade, **{table: drop_segments for table in self._tables if table.name == EVENTS.name}}
        await self._partitions.maintain(session, now, keep_from, since(settings.seen_days), fading)

        await self._expire_cells(session, now)
        await session.execute("expire_service_names", since(settings.events_days))
        await _expire("expire_metric_streams", KEPT_DAYS, session)
        await session.execute("expire_admissions", ADMISSIONS_DAYS)
        await session.execute("expire_error_groups", ERROR_GROUPS_DAYS)
        await session.execute("expire_kept_traces", since(settings.traces_days + 1))
        await session.execute("expire_tombstones", since(TOMBSTONE_DAYS))
        await session.execute("expire_explanations", since(settings.traces_days))
        await session.execute("expire_service_versions", since(SERVICE_VERSIONS_DAYS))
        referring_days = max(settings.spans_hours / 24, settings.traces_days, settings.logs_days)
        for statement in ("expire_span_operations", "expire_span_resources", "expire_span_attributes"):
            await session.execute(statement, int(referring_days) + LOOKUP_SPARE_DAYS)
        await self._lookups.run(session)
        await _expire("expire_series", int(max(settings.kept_days.values())) + SERIES_SPARE_DAYS, session)

    async def _expire_cells(self, session: Session, now: datetime) -> None:
        """Forgets rows of metrics that are to be kept for a shorter time than others."""
        kept = [
            (tenant, metric.token, now - timedelta(days=metric.retention_days))
            for tenant in self._registry.tenants()
            for metric in self._registry.own(tenant).values()
            if metric.retention_days is not None
        ]
        if not kept:
            return
        tenants, metrics, before = map(list, zip(*kept, strict=True))
        for resolution, table in ROLLUPS.items():
            ended = [at - timedelta(milliseconds=RESOLUTION_MS[resolution]) for at in before]
            await session.execute(f"expire_{table.name}", tenants, metrics, ended)


async def _expire(statement: str, days: int, session: Session) -> None:
    """Forgets what has not been seen for ``days``, some at a time."""
    while await session.execute(statement, days, EXPIRED_AT_ONCE) == EXPIRED_AT_ONCE:
        pass
