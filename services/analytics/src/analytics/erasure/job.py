"""Carries erasures out, in the background, one replica at a time.

How this works
--------------
1. Whoever is asked puts the erasure and its tombstones into the database while no writer's transaction runs
   (:mod:`analytics.ingest.tombstones`): from then on nothing of the user from before is stored.
2. This job removes the rows (:mod:`.rows`), partition by partition, then the ids from static cohorts, then the messages
   (:mod:`.streams`). What is removed from tables is in the receipt in the same transaction; whoever is killed begins with the
   first step again, which finds less.
3. Last, the ids leave the receipt. Only their hash is kept.
"""

from __future__ import annotations

import asyncio
import logging

from analytics.erasure.named import Named
from analytics.erasure.rows import Erased, RowErasing
from analytics.erasure.streams import erase_messages
from analytics.errors import DatabaseAway
from analytics.product.stored_cohorts import StoredCohorts, erase_users
from analytics.storage.database import Database, Session
from analytics.storage.rows import Record
from drishti.bus.connection import Bus
from drishti.errors import BusUnavailable
from drishti.messages.catalogue import MESSAGES
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

EVERY_S = 1.0
RETRY_S = 60.0
"""An erasure that failed because of a bug waits so long for its next turn, and no other waits for it."""

STATEMENT_S = 300.0


class Erasing:
    """``run`` until ``stop``."""

    def __init__(self, database: Database, bus: Bus, cohorts: StoredCohorts) -> None:
        self._database = database
        self._bus = bus
        self._cohorts = cohorts
        self._failed: dict[str, float] = {}
        self.finished = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                session = await until(stop, self._database.wait_connection(name="erasure", statement_s=STATEMENT_S))
                if session is None:
                    return
                async with session:
                    await self._while_open(session, stop)
            except (DatabaseAway, BusUnavailable) as error:
                log.warning("users are erased another time", extra={"reason": str(error)})
            await pause(stop, EVERY_S)

    async def _while_open(self, session: Session, stop: asyncio.Event) -> None:
        holding = False
        while not stop.is_set():
            running = await session.fetch("running_erasures")
            if running and (holding or await session.value("try_erase")):
                holding = True
                for record in running:
                    await until(stop, self._try(session, record, stop))
            await pause(stop, EVERY_S)

    async def _try(self, session: Session, record: Record, stop: asyncio.Event) -> None:
        now = asyncio.get_running_loop().time()
        erasure_id = str(record["id"])
        if self._failed.get(erasure_id, now) > now:
            return
        try:
            await self._erase(session, record, stop)
        except (DatabaseAway, BusUnavailable):
            raise
        except Exception:
            log.exception("a user cannot be erased", extra={"erasure": erasure_id})
            self._failed[erasure_id] = now + RETRY_S

    async def _erase(self, session: Session, record: Record, stop: asyncio.Event) -> None:
        erased = Erased(str(record["id"]), record["tenant"], Named(tuple(record["users"])), record["before"])
        if not record["rows_erased"]:
            await RowErasing(session, erased).run()
            await session.execute("erasure_rows_done", erased.id, erased.before)
        if taken_out := await erase_users(self._cohorts, erased.tenant, {*erased.named.ids}):
            await session.execute("add_removed", erased.id, "cohorts", taken_out)
        left = False
        for message in MESSAGES:
            removed, all_of_them = await erase_messages(self._bus, message, erased.tenant, erased.named, erased.before, stop)
            if removed:
                await session.execute("add_removed", erased.id, f"stream {message.stream}", removed)
            left = left or not all_of_them
        if left or stop.is_set():
            return  # some wait to be stored; the next turn looks again
        if not await session.execute("finish_erasure", erased.id, erased.before):
            return  # it was extended meanwhile
        self.finished += 1
        log.info("a user was erased", extra={"erasure": erased.id, "tenant": erased.tenant})
