"""The publisher: puts every window that changed on AGGREGATES, of the share of the metrics that this replica has.

Replicas share the metrics by partitions (:mod:`analytics.publish.membership`); what is done round by round is in
:mod:`analytics.publish.rounds`. A round begins when this replica has stored something, ``every_s`` after the last one began at
the earliest, and now and then without: other replicas store too, and windows end. Rounds take at most half of the time, but
where one was not enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from analytics.errors import DatabaseAway
from analytics.overflow import Overflows
from analytics.publish.lag import Lag
from analytics.publish.membership import Membership
from analytics.publish.publications import PublishedExemplars
from analytics.publish.published_metrics import PublishedMetrics
from analytics.publish.rounds import Rounds
from analytics.publish.schedule import ScheduleLimits
from analytics.publish.shares import partition_of
from analytics.storage.database import Database, Session
from drishti.bus.connection import Bus
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

JOIN_EVERY_S = 1.0
SETTLED_S = 1.0
UNSETTLED_S = 0.2
"""How often it is read which replicas live: the partitions of one that was killed have a new owner after about as long."""

ALONE_S = 0.25
"""How long a round waits for something to be stored where no other replica stores anything."""

LAST_S = 5.0
"""How long the last rounds may take at the end; what is left then is published by the next owner."""


class Publisher:
    """``run`` until ``stop``. Several may run.

    ``consumers``: streams and durables whose messages must be stored before a window is final. ``events_stored`` is told
    of every tenant that has new events, whichever replica stored them.
    """

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
        events_stored: Callable[[str], None],
    ) -> None:
        self._database = database
        self._bus = bus
        self._overflows = overflows
        self._consumers = consumers
        self._every_s = every_s
        self._metrics = metrics
        self._events_stored = events_stored
        self._limits = ScheduleLimits(series=max_series)
        self._exemplars = PublishedExemplars()
        self._stored = asyncio.Event()
        self._logged = 0
        self.held: frozenset[int] = frozenset()
        """The partitions, of :data:`~analytics.publish.shares.PARTITIONS`, that this replica publishes."""
        self.published = 0
        self.active_series = 0
        """Series whose silence is published."""
        self.waiting_windows = 0
        """Windows that changed and were not published by the last round."""

    @property
    def partitions(self) -> int:
        """How many of them there are."""
        return len(self.held)

    def owns(self, tenant: str, name: str) -> bool:
        """Whether this replica publishes what has that name."""
        return partition_of(tenant, name) in self.held

    def wake(self) -> None:
        """Something was stored: a round may begin."""
        self._stored.set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            session = await until(stop, self._database.wait_connection(name="publisher", generic=True))
            if session is None:
                return
            try:
                async with session:
                    membership = Membership(session)
                    if await self._wait_join(membership, stop):
                        log.info("publishes aggregates from now on")
                        await self._publish(session, membership, stop)
            except DatabaseAway as error:
                log.warning("cannot publish", extra={"reason": str(error)})
            finally:
                self.held = frozenset()
                self.active_series = self.waiting_windows = 0

    async def _wait_join(self, membership: Membership, stop: asyncio.Event) -> bool:
        while not stop.is_set():
            if await membership.join():
                return True
            await pause(stop, JOIN_EVERY_S)
        return False

    async def _publish(self, session: Session, membership: Membership, stop: asyncio.Event) -> None:
        lag = Lag(self._bus, self._consumers)
        await lag.ask()
        watching = asyncio.create_task(lag.watch(), name="lag")
        try:
            now = await session.value("clock")
            rounds = Rounds(
                session,
                self._bus,
                lag,
                self._exemplars,
                self._overflows,
                self._limits,
                self._metrics,
                now,
                self._events_stored,
            )
            await self._rounds(rounds, membership, stop)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _rounds(self, rounds: Rounds, membership: Membership, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        balanced_at = float("-inf")
        stopped_at: float | None = None
        while True:
            began = loop.time()
            if stop.is_set() and stopped_at is None:
                stopped_at = began
            if began - balanced_at >= (SETTLED_S if membership.is_settled else UNSETTLED_S):
                balanced_at = began
                await self._balance(rounds, membership)
            self._stored.clear()
            result = await rounds.next(ending=stopped_at is not None)
            self.published += result.messages
            self.active_series, self.waiting_windows = rounds.schedule.active.count, rounds.schedule.waiting
            # what was stored before the end is still published, as far as there is time
            if stopped_at is not None and (not result.more or loop.time() > stopped_at + LAST_S):
                return
            if not result.more:
                await self._wait(stop, began, max(self._every_s, 2 * (loop.time() - began)), alone=membership.replicas == 1)

    async def _balance(self, rounds: Rounds, membership: Membership) -> None:
        """Gives partitions back that others should publish, and takes those that it should publish itself."""
        await membership.refresh()
        if lost := membership.held - membership.assigned:
            rounds.give_up(lost)
            self.held -= lost
            await membership.release()
        if gained := await membership.take():
            await rounds.take_over(gained, shared=membership.replicas > 1 or bool(self.held))
        if len(membership.held) != self._logged:
            log.info("publishes a share of the metrics", extra={"partitions": len(membership.held)})
        self._logged = len(membership.held)
        self.held = membership.held

    async def _wait(self, stop: asyncio.Event, began: float, least_s: float, *, alone: bool) -> None:
        """Until ``least_s`` after the last round ``began``, and there is a reason for the next one; or until ``stop``."""
        loop = asyncio.get_running_loop()
        await pause(stop, began + least_s - loop.time())
        if alone and not stop.is_set():
            await _first(stop, self._stored, began + max(least_s, ALONE_S) - loop.time())


async def _first(stop: asyncio.Event, stored: asyncio.Event, seconds: float) -> None:
    """Waits for either event, ``seconds`` at most."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (stop, stored)]
    try:
        await asyncio.wait(waiting, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
