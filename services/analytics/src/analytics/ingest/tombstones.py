"""Users of whom nothing that happened before some instant is stored any more.

Every transaction of a writer goes by the tombstones that the database has, as it does by the metrics that are drawn from
events (:mod:`analytics.event_metrics.table`), and they change under the same lock: an erasure begins when every transaction
that did not know of it has ended. So what is still on the bus, comes again, or comes late, is dropped in the transaction that
would store it, and no row of the user is added while their rows are removed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from analytics.erasure.named import hash_of
from analytics.ingest.items import Item
from analytics.ingest.signal import Signal
from analytics.storage.database import Session
from analytics.storage.store import EventMetricsTable


class Tombstones:
    """Those of ``epoch``; ``none`` before the first :meth:`load`."""

    def __init__(self) -> None:
        self.epoch = -1
        self._before: dict[str, dict[bytes, datetime]] = {}
        self.dropped = 0
        """Items that were not stored for them; more where a transaction was tried again."""

    def replace(self, epoch: int, stones: Sequence[tuple[str, bytes, datetime]]) -> None:
        """``stones`` (tenant, hash of the user, before) are all there are from ``epoch`` on."""
        self._before = {}
        for tenant, user_hash, before in stones:
            self._before.setdefault(tenant, {})[user_hash] = before
        self.epoch = epoch

    def without_erased(self, signal: Signal, items: Sequence[Item]) -> Sequence[Item]:
        """``items`` without those of erased users."""
        if not self._before or signal.users is None:
            return items
        users = signal.users
        kept = [item for item in items if item.tenant not in self._before or not self._is_erased(item, users(item))]
        self.dropped += len(items) - len(kept)
        return kept

    def _is_erased(self, item: Item, users: Collection[str]) -> bool:
        known = self._before[item.tenant]
        befores = (known.get(hash_of(item.tenant, user)) for user in users)
        return any(before is not None and item.time < before for before in befores)


class HeldTombstones:
    """Tombstones, and the metrics that are drawn from events, as the store's transactions hold them."""

    def __init__(self, metrics: EventMetricsTable, tombstones: Tombstones) -> None:
        self._metrics = metrics
        self._tombstones = tombstones

    @property
    def epoch(self) -> int:
        """That of both, or of none."""
        epoch = self._metrics.epoch
        return epoch if self._tombstones.epoch == epoch else -1

    async def load(self, session: Session) -> None:
        """Reads those of the epoch that ``session`` holds."""
        await self._metrics.load(session)
        stones = await session.fetch("tombstones")
        self._tombstones.replace(self._metrics.epoch, [(row["tenant"], row["user_hash"], row["before"]) for row in stones])
