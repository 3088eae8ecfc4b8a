"""Makes and drops partitions. Days of data that come unannounced get theirs on demand; some days ahead are made by
:meth:`Partitions.maintain`, which one replica at a time does. Which ones there must be is said in :mod:`.tables`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date, datetime

from analytics.errors import LockTimeout
from analytics.storage.database import Session
from analytics.storage.tables import Partition, Table, ahead, expired, partition_for, partition_named

log = logging.getLogger(__name__)

Fade = Callable[[Session, Partition], Awaitable[None]]
"""Does what must be done before a partition goes."""

LOCK_TIMEOUT = "2s"
"""A partition that is in use is dropped another time: waiting for its lock would block all statements behind it."""


class Partitions:
    """Knows which partitions exist, as far as this process has made sure of it."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def forget(self) -> None:
        """After a failure: perhaps one was dropped."""
        self._known.clear()

    def missing(self, wanted: Iterable[tuple[Table, datetime]]) -> list[Partition]:
        """The partitions for rows of these instants that are not known to exist."""
        partitions = {partition_for(table, at) for table, at in wanted}
        return sorted(p for p in partitions if p.name not in self._known)

    async def make(self, session: Session, wanted: Iterable[Partition]) -> None:
        """Makes what does not exist, each in a transaction of its own."""
        for table, name, starts, ends in wanted:
            if await session.value("make_partition", table.name, name, starts, ends, table.options):
                log.info("partition made", extra={"partition": name})
            self._known.add(name)

    async def maintain(
        self,
        session: Session,
        now: datetime,
        keep_from: Mapping[Table, datetime],
        seen_from: datetime,
        fading: Mapping[Table, Fade] | None = None,
    ) -> None:
        """Makes partitions ahead, opens the day for keys, drops what is older than ``keep_from`` (by table), and forgets days
        whose keys were all added before ``seen_from``. What ``fading`` has for a table is done before one of its partitions
        goes, in the same transaction.

        Where another replica drops already, only the first two. The others are kept out until ``session`` ends.
        """
        await self.make(session, ahead(keep_from, now))
        await _open_day(session)
        if not await session.value("try_maintain"):
            return
        records = await session.fetch("list_partitions", [table.name for table in keep_from])
        for table, before in keep_from.items():
            mine = [row["partition"] for row in records if row["parent"] == table.name]
            for name in expired(table, mine, before):
                await self._drop(session, table, name, (fading or {}).get(table))
        for record in await session.fetch("expired_seen_days", seen_from):
            await _drop_day(session, record["day"])

    async def _drop(self, session: Session, table: Table, name: str, fade: Fade | None) -> None:
        """Drops one partition in a transaction of its own, so that no lock is held while the next one is waited for."""
        partition = partition_named(table, name)
        try:
            async with session.transaction():
                if fade is not None and partition is not None:
                    await fade(session, partition)
                await session.execute("limit_lock_wait", LOCK_TIMEOUT)
                if await session.value("drop_partition", table.name, name):
                    log.info("partition dropped, its time is over", extra={"partition": name})
        except LockTimeout:
            log.info("partition is in use, it is dropped another time", extra={"partition": name})
        self._known.discard(name)


async def _open_day(session: Session) -> None:
    """Lets keys go into today's partition. Until a replica gets the lock they go on into the last one, which harms nothing."""
    try:
        async with session.transaction():
            await session.execute("limit_lock_wait", LOCK_TIMEOUT)
            if await session.value("open_seen_day"):
                log.info("keys go into the partition of another day")
    except LockTimeout:
        log.info("a batch takes long, the day for keys is opened another time")


async def _drop_day(session: Session, day: date) -> None:
    try:
        async with session.transaction():
            await session.execute("limit_lock_wait", LOCK_TIMEOUT)
            await session.value("drop_seen_day", day)
    except LockTimeout:
        log.info("keys of a day are in use, they are dropped another time", extra={"day": day.isoformat()})
