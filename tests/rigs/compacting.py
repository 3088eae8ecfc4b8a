"""Brings events and merges of ids into segments at once, as the background does in its time."""

from __future__ import annotations

from datetime import date

from analytics.product.people.applying import apply_edges
from analytics.product.segments.compaction import compact, rewriting
from analytics.product.segments.reading import days_with_events
from analytics.storage.database import Database
from drishti.settings import Secret
from rigs.analytics import Rig


async def compacted(analytics: Rig) -> None:
    """All days of events are in segments, and so is what edges of the tenant say."""
    async with await Database(Secret(analytics.database_url)).connect(name="test") as session:
        async with rewriting(session):
            while await apply_edges(session, analytics.tenant):
                pass
        for day in await days_with_events(session, date.min, date.max):
            async with rewriting(session):
                await compact(session, day)
