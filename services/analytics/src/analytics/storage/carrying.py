"""Carries the rollups of before series had ids over to where they are kept now. One replica at a time, in the background.

A portion is one short transaction: rows go from one table and come into the other, so that whoever reads ``rollups``, the view
of both, finds each of them once, at any time. Nothing is written into the old table any more (migration 8 says why). When it is
empty, it goes, and the view is of the new tables alone.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from datetime import UTC, datetime

from analytics.errors import DatabaseAway, LockTimeout
from analytics.storage.database import Database, Session
from analytics.storage.partitions import LOCK_TIMEOUT, Partitions
from analytics.storage.tables import ROLLUPS, partition_for
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

PORTION_S = 0.2
"""How long a portion should take: others wait as long for the ids of new series."""

FIRST_PAGES = 50
MOST_PAGES = 5_000
ALL_PAGES = 2**32 - 1
"""No table has more."""

PAUSE_SHARE = 1.0
"""How long it pauses after each portion, in parts of the time that this took."""

RETRY_S = 5.0

_NAME = re.compile(r"rollups_(1s|1m|1h)_(\d{4})(\d\d)(\d\d)?")


class Carrying:
    """``run`` until all is carried over, or until ``stop``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._partitions = Partitions()
        self._pages = FIRST_PAGES
        self.rows = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            session = await until(stop, self._database.wait_connection(name="carrying"))
            if session is None:
                return
            try:
                async with session:
                    if await until(stop, self._carry(session, stop)) is not None:
                        return
            except DatabaseAway as error:
                self._partitions.forget()
                log.warning("older rollups are carried over another time", extra={"reason": str(error)})
                await pause(stop, RETRY_S)

    async def _carry(self, session: Session, stop: asyncio.Event) -> bool:
        """Returns when nothing is left."""
        while records := await session.fetch("partitions_to_carry"):
            if not await session.value("try_carry"):
                await pause(stop, RETRY_S)
                continue
            for record in records:
                if record["partition"] is not None:
                    await self._carry_partition(session, record["parent"], record["partition"], record["pages"], stop)
            await self._end(session, stop)
        return True

    async def _carry_partition(self, session: Session, parent: str, partition: str, pages: int, stop: asyncio.Event) -> None:
        match = _NAME.fullmatch(partition)
        if match is None:
            raise ValueError(f"{partition} is no partition of rollups: move its rows elsewhere, and drop it")
        table = ROLLUPS[match[1]]
        target = partition_for(table, datetime(int(match[2]), int(match[3]), int(match[4] or 1), tzinfo=UTC))
        if pages:
            await self._partitions.make(session, [target])
        page = carried = 0
        while page < pages:
            began = time.perf_counter()
            after = page + self._pages
            carried += await session.value("carry_rollups", partition, table.name, page, after)
            page = after
            taken = time.perf_counter() - began
            self._pages = max(1, min(MOST_PAGES, self._pages * 2, int(self._pages * PORTION_S / taken)))
            await pause(stop, taken * PAUSE_SHARE)
        async with session.transaction():
            await session.execute("limit_lock_wait", LOCK_TIMEOUT)
            carried += await session.value(
                "carry_rollups", partition, table.name, 0, ALL_PAGES
            )  # none; it is dropped only then
            await session.value("drop_partition", parent, partition)
        self.rows += carried
        log.info("older rollups are carried over", extra={"partition": partition, "rows": carried})

    async def _end(self, session: Session, stop: asyncio.Event) -> None:
        try:
            async with session.transaction():
                await session.execute("limit_lock_wait", LOCK_TIMEOUT)
                if await session.value("end_carrying"):
                    log.info("all older rollups are carried over", extra={"rows": self.rows})
        except LockTimeout:
            await pause(stop, RETRY_S)
