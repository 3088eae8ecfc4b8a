"""Which partitions there must be and which have had their time. Names tell the span: ``events_20260131``.

The first half is pure; :class:`Partitions` makes and drops them. Days of data that come unannounced get theirs on demand,
some days ahead are made by :meth:`Partitions.maintain`, which one replica at a time does.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import asyncpg

from analytics.storage import sql
from analytics.storage.database import sorted_errors

log = logging.getLogger(__name__)

DAYS_AHEAD = 2
LOCK_TIMEOUT = "2s"
"""A partition that is in use is dropped another time: whoever waits for the lock holds up everybody behind it."""

SEEN_CHUNK = 20_000
_ROLLUP_OPTIONS = "fillfactor = 60, toast_tuple_target = 4080, autovacuum_vacuum_scale_factor = 0.1"
"""Room for new versions of a row on its own page, and sketches kept in the row: these rows are rewritten all the time."""


class Table(NamedTuple):
    """A table with partitions by day, or by ``months``."""

    name: str
    months: bool = False
    options: str = ""


EVENTS = Table("events")
REQUESTS = Table("requests")
ROLLUPS = {
    "1s": Table("rollups_1s", options=_ROLLUP_OPTIONS),
    "1m": Table("rollups_1m", options=_ROLLUP_OPTIONS),
    "1h": Table("rollups_1h", months=True, options=_ROLLUP_OPTIONS),
}
TABLES = (EVENTS, REQUESTS, *ROLLUPS.values())


class Partition(NamedTuple):
    """One partition, ``[starts, ends)``."""

    table: Table
    name: str
    starts: datetime
    ends: datetime


def partition_for(table: Table, at: datetime) -> Partition:
    """The partition of ``table`` that rows of ``at`` belong to."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if table.months:
        starts = day.replace(day=1)
        return Partition(table, f"{table.name}_{starts:%Y%m}", starts, (starts + timedelta(days=32)).replace(day=1))
    return Partition(table, f"{table.name}_{day:%Y%m%d}", day, day + timedelta(days=1))


def ahead(now: datetime) -> list[Partition]:
    """What should be there at ``now``: today, and some days more."""
    days = [now + timedelta(days=n) for n in range(DAYS_AHEAD + 1)]
    return list(dict.fromkeys(partition_for(table, day) for table in TABLES for day in days))


def expired(table: Table, names: Iterable[str], before: datetime) -> list[str]:
    """Those of a table's partitions that hold nothing of ``before`` or later. Names that are not ours are left alone."""
    found = []
    for name in names:
        if match := re.fullmatch(rf"{table.name}_(\d{{4}})(\d\d)(\d\d)?", name):
            starts = datetime(int(match[1]), int(match[2]), int(match[3] or 1), tzinfo=UTC)
            if partition_for(table, starts).ends <= before:
                found.append(name)
    return sorted(found)


class Partitions:
    """Knows which partitions are there, as far as this process has seen to it."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def forget(self) -> None:
        """After a failure: perhaps one was dropped."""
        self._known.clear()

    def missing(self, wanted: Iterable[tuple[Table, datetime]]) -> list[Partition]:
        """The partitions for rows of these instants that are not known to be there."""
        found = {partition_for(table, at) for table, at in wanted}
        return sorted(p for p in found if p.name not in self._known)

    async def make(self, connection: asyncpg.Connection, wanted: Iterable[Partition]) -> None:
        """Makes what is not there, each in a transaction of its own."""
        query = sql.queries()["make_partition"]
        with sorted_errors():
            for table, name, starts, ends in wanted:
                if await connection.fetchval(query, table.name, name, starts, ends, table.options):
                    log.info("partition made", extra={"partition": name})
                self._known.add(name)

    async def maintain(
        self, connection: asyncpg.Connection, now: datetime, keep_from: Mapping[str, datetime], seen_from: datetime
    ) -> None:
        """Makes partitions ahead, drops what is older than ``keep_from`` (by table) and forgets keys of before ``seen_from``.

        Where another replica is at it, only the first. The others are kept out until ``connection`` ends.
        """
        queries = sql.queries()
        await self.make(connection, ahead(now))
        with sorted_errors():
            if not await connection.fetchval(queries["try_maintain"]):
                return
            names = await connection.fetch(queries["list_partitions"], [table.name for table in TABLES])
            for table in TABLES:
                mine = [row["partition"] for row in names if row["parent"] == table.name]
                for name in expired(table, mine, keep_from[table.name]):
                    await self._drop(connection, table, name)
            while await _count(connection, queries["expire_seen"], seen_from) == SEEN_CHUNK:
                pass

    async def _drop(self, connection: asyncpg.Connection, table: Table, name: str) -> None:
        """Drops one partition in a transaction of its own, so that no lock is held while the next one is waited for."""
        try:
            async with connection.transaction():
                await connection.execute(sql.queries()["limit_lock_wait"], LOCK_TIMEOUT)
                if await connection.fetchval(sql.queries()["drop_partition"], table.name, name):
                    log.info("partition dropped, its time is over", extra={"partition": name})
        except asyncpg.LockNotAvailableError:
            log.info("partition is in use, it is dropped another time", extra={"partition": name})
        self._known.discard(name)


async def _count(connection: asyncpg.Connection, query: str, before: datetime) -> int:
    """How many rows a DELETE removed: the last word of its status line."""
    return int((await connection.execute(query, before, SEEN_CHUNK)).rsplit(" ", 1)[1])
