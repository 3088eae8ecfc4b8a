"""What spans and log records refer to (operations, resources, sets of attributes): how much of the disk it takes, and how it is
forgotten when nothing refers to it any more.

Whoever stores spans says at least every hour, before the spans are there, that what they refer to is seen. So what was not seen
for :data:`UNSEEN_S`, and is in no row that is committed, will be put again before a row refers to it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from analytics.errors import LockTimeout
from analytics.storage.database import Session

log = logging.getLogger(__name__)

TABLES = ("span_operations", "span_resources", "span_attributes")

UNSEEN_S = 2 * 3_600.0

EVERY_S = 3_600.0
"""To find what nothing refers to, all spans are read."""

MIB = 1024 * 1024
SWEPT_FROM = 16 * MIB
"""A smaller table is left to its days."""

REWRITTEN_FROM = 4
"""A file so many times as large as its rows is written anew, so that the disk has the room back."""

REWRITTEN_MOST = 256 * MIB
"""Nobody can store or read spans meanwhile, so only for rows that are copied in a moment."""

LOCK_TIMEOUT = "2s"


class LookupSweep:
    """``run`` now and then; what it does it does once an hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: float | None = None

    async def run(self, session: Session) -> None:
        """Raises :class:`DatabaseAway`."""
        now = self._clock()
        if self._at is not None and now - self._at < EVERY_S:
            return
        self._at = now
        for record in await session.fetch("lookup_sizes", list(TABLES)):
            if record["bytes"] >= SWEPT_FROM:
                await self._sweep(session, record["name"])

    async def _sweep(self, session: Session, table: str) -> None:
        forgotten = await session.execute(f"forget_{table}", UNSEEN_S)
        log.info("forgotten what no span refers to", extra={"table": table, "rows": forgotten})
        live = await session.value(f"live_bytes_{table}")
        size = next(record["bytes"] for record in await session.fetch("lookup_sizes", [table]))
        if size < SWEPT_FROM or live * REWRITTEN_FROM > size or live > REWRITTEN_MOST:
            return
        await session.value("wait_for_locks", LOCK_TIMEOUT)
        try:
            await session.execute(f"rewrite_{table}")
        except LockTimeout:
            log.info("a table is in use, it is written anew another time", extra={"table": table})
        await session.value("wait_for_locks", "0")


async def lookup_bytes(session: Session) -> int:
    """What all of it takes on disk, indexes included."""
    return sum(record["bytes"] for record in await session.fetch("lookup_sizes", list(TABLES)))
