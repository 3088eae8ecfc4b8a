"""The writer: one task that stores what the handlers have decoded, as much at once as has come meanwhile.

While one transaction runs, the next batch gathers; the handlers wait when a full one is waiting. So there are at most two
batches in memory, and the busier it is, the larger and the cheaper they get. What comes after a pause is stored at once, and
what comes steadily waits for a moment, so that transactions are fewer.

A batch is taken from the tenants in turn. It is smaller than a full one where the last ones changed many rows of rollups for
each item: items that are all different cost many times as much, and others wait for the same transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analytics.errors import DatabaseAway, Unstorable
from analytics.event_metrics.extractors import EventMetrics
from analytics.ingest import tracing
from analytics.ingest.batch import ItemBatch
from analytics.ingest.deliveries import Acknowledger, Delivery
from analytics.ingest.fair_queue import FairQueue
from analytics.ingest.items import Item
from analytics.ingest.tombstones import Tombstones
from analytics.overflow import Overflows
from analytics.storage.store import Recorded, Store

log = logging.getLogger(__name__)

TURN_ITEMS = 1_000
"""Items of one tenant in a batch before the next tenant's turn."""

BATCH_ROWS = 10_000
"""About as many rows of rollups are changed in one transaction: PostgreSQL writes them in some quarter of a second."""

LIGHT_ROWS = 40_000
"""The same of items that change :data:`LIGHT` rows each at most, as data points do: the more of them are stored together, the
fewer rows of minutes and hours are written again for each, and the sooner it is everybody's turn."""

LIGHT = 4

LEAST_ITEMS = 250


MAX_FAILURES = 64
"""Transactions of one message that may fail while its bad items are searched for: enough for five or so."""


class _Bad(NamedTuple):
    item: Item
    error: Exception


class Writer:
    """``put`` deliveries; ``run`` stores and acknowledges them until ``finish``."""

    def __init__(
        self,
        store: Store,
        acknowledger: Acknowledger,
        overflows: Overflows,
        *,
        batch_items: int,
        linger_s: float = 0.0,
        event_metrics: EventMetrics | None = None,
        tombstones: Tombstones | None = None,
        hours_kept: float = float("inf"),
        stored: Callable[[Sequence[Delivery]], None] = lambda _deliveries: None,
    ) -> None:
        """Transactions begin ``linger_s`` apart, where less than a batch waits. ``stored`` is called after each of them, with
        what it stored.

        Tables by the hour get rows of the last ``hours_kept`` hours."""
        self._store = store
        self._stored = stored
        self._event_metrics = event_metrics
        self._tombstones = tombstones
        self._hours_kept = hours_kept
        self._acknowledger = acknowledger
        self._overflows = overflows
        self._batch_items = batch_items
        self._linger_s = linger_s
        self._began = float("-inf")
        self._next_items = batch_items
        self._waiting: FairQueue[Delivery] = FairQueue(TURN_ITEMS)
        self._changed = asyncio.Condition()
        self._finished = False
        self._abandoned = False
        self.stored = 0
        self.duplicates = 0
        self.overflowed = 0

    @property
    def waiting(self) -> int:
        """Items that wait for their transaction."""
        return self._waiting.size

    async def put(self, deliveries: list[Delivery]) -> None:
        """Takes ``deliveries``; waits while a full batch is waiting already. Once abandoned, gives them back."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting.size < self._batch_items or self._abandoned)
            if self._abandoned:
                await self._redeliver(deliveries)
                return
            for delivery in deliveries:
                self._waiting.put(delivery.items[0].tenant, delivery, len(delivery.items))
            self._changed.notify_all()

    async def finish(self) -> None:
        """Nothing more is put; :meth:`run` returns after the last batch."""
        async with self._changed:
            self._finished = True
            self._changed.notify_all()

    async def run(self) -> None:
        while batch := await self._take():
            await self._store_batch(batch)
            del batch  # the next one may be long in coming

    async def abandon(self) -> None:
        """Gives back what is waiting and what still comes, for another replica or a later start."""
        async with self._changed:
            self._abandoned = True
            batch = list(self._waiting.clear())
            self._changed.notify_all()
        await self._redeliver(batch)

    async def _take(self) -> list[Delivery]:
        """The next batch; empty when it is finished."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) or self._finished)
            loop = asyncio.get_running_loop()
            if loop.time() < self._began + self._linger_s:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(self._began + self._linger_s):
                        await self._changed.wait_for(lambda: self._waiting.size >= self._next_items or self._finished)
            self._began = loop.time()
            batch = self._waiting.take(self._next_items)
            self._changed.notify_all()
            return batch

    async def _store_batch(self, batch: list[Delivery]) -> None:
        try:
            await self._record(batch)
        except DatabaseAway as error:
            await self._give_back(batch, error)
        except Exception as error:
            # Some message is more than PostgreSQL or this program can take. One by one, only that one suffers.
            if len(batch) > 1 and not isinstance(error, Unstorable):
                log.exception("batch failed, its messages are tried one by one", extra={"messages": len(batch)})
            await self._store_one_by_one(batch)
        else:
            # Together: some wait for dead letters, which nobody else needs to wait for.
            await asyncio.gather(*(self._acknowledger.stored(delivery.msg, delivery.refusals) for delivery in batch))

    async def _store_one_by_one(self, batch: list[Delivery]) -> None:
        for index, delivery in enumerate(batch):
            try:
                await self._record([delivery])
            except DatabaseAway as error:
                await self._give_back(batch[index:], error)
                return
            except Exception as error:
                try:
                    bad = await self._store_what_can_be(delivery, error)
                except DatabaseAway as away:
                    await self._give_back(batch[index:], away)
                    return
                await self._refuse(delivery, bad)
            else:
                await self._acknowledger.stored(delivery.msg, delivery.refusals)

    async def _store_what_can_be(self, delivery: Delivery, error: Exception) -> list[_Bad]:
        """Stores the items of a message that failed as a whole, except those that fail by themselves, and returns these.

        Each failure costs a connection, so there are at most :data:`MAX_FAILURES`; what is not stored by then is bad."""
        bad: list[_Bad] = []
        failures = 1
        waiting = [(delivery.items, error)]
        while waiting:
            items, error = waiting.pop()
            if len(items) == 1 or failures >= MAX_FAILURES:
                bad += [_Bad(item, error) for item in items]
                continue
            middle = len(items) // 2
            for half in (items[middle:], items[:middle]):
                try:
                    await self._record([delivery._replace(items=half, refusals=[])])
                except DatabaseAway:
                    raise
                except Exception as failure:
                    # Not swallowed: it is the reason of a refusal, or raised again when the item is stored alone.
                    failures += 1
                    waiting.append((half, failure))
        return bad

    async def _refuse(self, delivery: Delivery, bad: list[_Bad]) -> None:
        """Answers a message of which all but ``bad`` is stored."""
        payload = delivery.signal.payload_of(delivery.msg.headers, delivery.msg.data)
        refusals = delivery.signal.dead_letters(payload, [(item, str(error)) for item, error in bad])
        bug = next((error for _, error in bad if not isinstance(error, Unstorable)), None)
        if bug is not None:
            # Logged with its traceback, counted, and dead-lettered after the last failure.
            await self._acknowledger.fail(delivery.msg, bug, delivery.refusals + refusals)
        elif any(refusal.payload is None for refusal in refusals):
            await self._acknowledger.refuse(delivery.msg, refusals[0].reason)
        else:
            await self._acknowledger.stored(delivery.msg, delivery.refusals + refusals)

    async def _record(self, batch: list[Delivery]) -> None:
        with tracing.storing(batch) as exemplars:
            hours_from = max(0.0, time.time() - self._hours_kept * 3_600)
            item_batch = ItemBatch(batch, exemplars, self._event_metrics, hours_from=hours_from, tombstones=self._tombstones)
            recorded = await self._store.record(item_batch)
        self._stored(batch)
        self.stored += recorded.fresh
        self.duplicates += recorded.duplicates
        self.overflowed += recorded.overflowed
        self._overflows.note("series", recorded.overflowed)
        self._overflows.note("old_spans", item_batch.without_rows)
        self._overflows.note("service_names", recorded.unnamed)
        for bound, amount in recorded.beyond.items():
            self._overflows.note(bound, amount)
        self._overflows.note("passed_over_points", recorded.passed_over)
        self._next_items = self._fitting(recorded)

    def _fitting(self, recorded: Recorded) -> int:
        """How many items like the last ones change about as many rows as one transaction should."""
        most = LIGHT_ROWS if recorded.rows <= LIGHT * recorded.fresh else BATCH_ROWS
        if recorded.rows <= most // 2:
            return min(self._batch_items, self._next_items * 2)
        return max(min(LEAST_ITEMS, self._batch_items), min(self._batch_items, recorded.fresh * most // recorded.rows))

    async def _give_back(self, batch: list[Delivery], error: DatabaseAway) -> None:
        """A passing fault: everything is redelivered, and nothing more is tried before PostgreSQL answers."""
        log.warning("batch not stored, it comes again", extra={"messages": len(batch), "reason": str(error)})
        await self._redeliver(batch)
        await self._store.wait_ready()

    async def _redeliver(self, batch: list[Delivery]) -> None:
        for delivery in batch:
            await self._acknowledger.redeliver(delivery.msg)
