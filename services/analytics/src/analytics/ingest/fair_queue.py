"""Tenants in turn: what waits, and whose it is. Pure.

Each tenant has a queue. :meth:`Turns.take` goes round the tenants and gives each the same share (in whatever unit a thing's
size is) before the next one's turn, so a tenant with much to do waits for itself and not the others for it. What a turn leaves
of a share is not saved up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """``size`` is that of everything that waits."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._queues: dict[str, deque[tuple[T, int]]] = {}
        self.size = 0

    def put(self, tenant: str, thing: T, size: int = 1) -> None:
        self._queues.setdefault(tenant, deque()).append((thing, size))
        self.size += size

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def take(self, most: int) -> list[T]:
        """Things with a size of about ``most`` together: the last one may exceed it, and there is one if any waits."""
        taken: list[T] = []
        left = most
        while self._queues and left > 0:
            tenant = next(iter(self._queues))
            queue = self._queues.pop(tenant)  # and back at the end: the next one is first then
            share = min(self._share, left)
            while queue and share > 0:
                thing, size = queue.popleft()
                taken.append(thing)
                share -= max(1, size)
                left -= max(1, size)
                self.size -= size
            if queue:
                self._queues[tenant] = queue
        return taken

    def clear(self) -> Iterator[T]:
        """Everything that waits, which waits no longer."""
        queues, self._queues, self.size = self._queues, {}, 0
        return (thing for queue in queues.values() for thing, _ in queue)
