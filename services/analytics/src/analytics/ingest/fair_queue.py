"""A queue that serves tenants round robin. Pure.

Each tenant has a queue of its own. :meth:`FairQueue.take` goes round the tenants and takes the same share of each (in whatever
unit an entry's size is) before the next one's turn, so a tenant with much to do delays nobody but itself. What a turn leaves
of a share is not saved up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """``size`` is that of all entries together."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._queues: dict[str, deque[tuple[T, int]]] = {}
        self.size = 0

    def put(self, tenant: str, entry: T, size: int = 1) -> None:
        self._queues.setdefault(tenant, deque()).append((entry, size))
        self.size += size

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def take(self, most: int) -> list[T]:
        """Entries with a size of about ``most`` together: the last one may exceed it, and there is one if any waits."""
        taken: list[T] = []
        left = most
        while self._queues and left > 0:
            tenant = next(iter(self._queues))
            queue = self._queues.pop(tenant)  # and back at the end: the next one is first then
            share = min(self._share, left)
            while queue and share > 0:
                entry, size = queue.popleft()
                taken.append(entry)
                share -= max(1, size)
                left -= max(1, size)
                self.size -= size
            if queue:
                self._queues[tenant] = queue
        return taken

    def clear(self) -> Iterator[T]:
        """Everything that waits, which waits no longer."""
        queues, self._queues, self.size = self._queues, {}, 0
        return (entry for queue in queues.values() for entry, _ in queue)
