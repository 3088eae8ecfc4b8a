"""Adds up the minutes of hours that are over, so that a question about days reads hours.

Whoever puts a minute takes its hour away in the same transaction; both jobs run under one lock. So an hour that is there is
always that of its minutes, and one that is not is read minute by minute.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from analytics.storage.database import Session
from analytics.storage.minute_tables import SPAN_HOURS
from analytics.storage.partitions import Partitions
from analytics.traces.hour_sums import HOURLY

AFTER_S = 300.0
"""After its end an hour is given so long for spans that come late."""

AT_ONCE = 24
"""Hours that are added up before other work has its turn."""


async def count_hours(session: Session, partitions: Partitions) -> int:
    """Adds up what is due, the newest hours first; how many that were. ``session`` holds the lock of the minutes. Raises
    :class:`DatabaseAway` and :class:`StatementTimeout`."""
    counted = 0
    for kind in HOURLY:
        for record in await session.fetch("due_hours", kind, AFTER_S, AT_ONCE):
            await _count(session, partitions, record["tenant"], kind, record["hour"])
            counted += 1
    return counted


async def _count(session: Session, partitions: Partitions, tenant: str, kind: str, hour: datetime) -> None:
    if missing := partitions.missing([(SPAN_HOURS, hour)]):
        await partitions.make(session, missing)
    minutes = await session.fetch("minutes_of_hour", tenant, kind, hour)
    given = [(record["one_in"], record["sums"]) for record in minutes]
    sums = await asyncio.to_thread(HOURLY[kind], given)
    await session.execute("put_hour", tenant, kind, hour, sum(record["traces"] for record in minutes), sums)
