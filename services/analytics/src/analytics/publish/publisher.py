"""The publisher: one replica leads and puts every window that changed on AGGREGATES; the others stand by.

The leader holds an advisory lock on its connection; when the connection ends, so does the lead, and another replica takes it.
What it does round by round is in :mod:`analytics.publish.rounds`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from analytics.errors import DatabaseAway
from analytics.overflow import Overflows
from analytics.publish.lag import Lag
from analytics.publish.publications import PublishedExemplars
from analytics.publish.published_metrics import PublishedMetrics
from analytics.publish.rounds import Rounds
from analytics.publish.schedule import ScheduleLimits
from analytics.storage.database import Database, Session
from drishti.bus.connection import Bus
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

LEAD_EVERY_S = 1.0
LAST_S = 5.0
"""How long the last rounds may take at the end; what is left then is published by the next leader."""


class Publisher:
    """``run`` until ``stop``. Several may run; one leads at a time. ``consumers``: streams and durables whose messages must be
    stored before a window is final."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        overflows: Overflows,
        *,
        consumers: Sequence[tuple[str, str]],
        every_s: float,
        max_series: int,
        metrics: PublishedMetrics,
    ) -> None:
        self._database = database
        self._bus = bus
        self._overflows = overflows
        self._consumers = consumers
        self._every_s = every_s
        self._metrics = metrics
        self._limits = ScheduleLimits(series=max_series)
        self._exemplars = PublishedExemplars()
        self.leads = False
        self.published = 0
        self.active_series = 0
        """Series whose silence is published."""
        self.waiting_windows = 0
        """Windows that changed and were not published by the last round."""

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            session = await until(stop, self._database.wait_connection(name="publisher", generic=True))
            if session is None:
                return
            try:
                async with session:
                    if await self._wait_lead(session, stop):
                        log.info("publishes aggregates from now on")
                        self.leads = True
                        await self._lead(session, stop)
            except DatabaseAway as error:
                log.warning("cannot publish", extra={"reason": str(error)})
            finally:
                self.leads = False
                self.active_series = self.waiting_windows = 0

    async def _wait_lead(self, session: Session, stop: asyncio.Event) -> bool:
        while not stop.is_set():
            if await session.value("try_lead"):
                return True
            await pause(stop, LEAD_EVERY_S)
        return False

    async def _lead(self, session: Session, stop: asyncio.Event) -> None:
        lag = Lag(self._bus, self._consumers)
        watching = asyncio.create_task(lag.watch(), name="lag")
        try:
            now = await session.value("clock")
            rounds = Rounds(session, self._bus, lag, self._exemplars, self._overflows, self._limits, self._metrics, now)
            await rounds.begin()
            loop = asyncio.get_running_loop()
            stopped_at: float | None = None
            while True:
                if stop.is_set() and stopped_at is None:
                    stopped_at = loop.time()
                began = loop.time()
                result = await rounds.next()
                self.published += result.messages
                self.active_series, self.waiting_windows = rounds.schedule.active.count, rounds.schedule.waiting
                # what was stored before the end is still published, as far as there is time
                if stopped_at is not None and (not result.more or loop.time() > stopped_at + LAST_S):
                    return
                await pause(stop, 0 if result.more else began + self._every_s - loop.time())
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
