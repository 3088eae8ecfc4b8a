"""Adds up the minutes of hours that are over, so that a question about days reads hours.

Whoever puts a minute takes its hour away in the same transaction; both jobs run under one lock. So an hour that is there is
always that of its minutes, and one that is not is read minute by minute.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from analytics.errors import DatabaseAway, StatementTimeout
from analytics.storage.database import Session
from analytics.storage.minute_tables import SPAN_HOURS
from analytics.storage.partitions import Partitions
from analytics.traces.hour_sums import HOURLY

log = logging.getLogger(__name__)

AFTER_S = 300.0
"""After its end an hour is given so long for spans that come late."""

AT_ONCE = 24
"""Hours that are added up before other work has its turn."""

MAX_UNREADABLE = 1_000
"""Hours that could not be added up and are not tried again by this process."""


class Hours:
    """Adds up hours, on a session that holds the lock of the minutes."""

    def __init__(self) -> None:
        self._partitions = Partitions()
        self._unreadable: set[tuple[str, str, datetime]] = set()
        self.counted = 0

    async def count(self, session: Session) -> None:
        """Adds up what is due, the newest hours first. Raises :class:`DatabaseAway` and :class:`StatementTimeout`."""
        try:
            for kind in HOURLY:
                for record in await session.fetch("due_hours", kind, AFTER_S, AT_ONCE + len(self._unreadable)):
                    await self._count(session, record["tenant"], kind, record["hour"])
        except (DatabaseAway, StatementTimeout):
            self._partitions.forget()
            raise

    async def _count(self, session: Session, tenant: str, kind: str, hour: datetime) -> None:
        if (tenant, kind, hour) in self._unreadable:
            return
        if missing := self._partitions.missing([(SPAN_HOURS, hour)]):
            await self._partitions.make(session, missing)
        minutes = await session.fetch("minutes_of_hour", tenant, kind, hour)
        given = [(record["one_in"], record["sums"]) for record in minutes]
        try:
            sums = await asyncio.to_thread(HOURLY[kind], given)
        except Exception:
            # A bug, or sums that another version has stored: it would fail again, and no other hour must wait for it.
            log.exception("an hour of spans cannot be added up", extra={"tenant": tenant, "hour": hour.isoformat()})
            if len(self._unreadable) < MAX_UNREADABLE:
                self._unreadable.add((tenant, kind, hour))
            return
        await session.execute("put_hour", tenant, kind, hour, sum(record["traces"] for record in minutes), sums)
        self.counted += 1
