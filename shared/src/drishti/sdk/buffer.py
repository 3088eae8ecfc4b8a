"""What waits to be sent: bounded, thread-safe, taken out in batches of one destination each.

It knows no clock and does no I/O. Items carry rising numbers, so that a flush can ask whether everything up to its own moment
is settled, whatever the order in which batches finish.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from msgspec import Struct


class BufferedEvent(Struct, frozen=True):
    """One encoded event: where it goes, its id, its JSON, and the trace it belongs to."""

    subject: str
    event_id: str
    body: bytes
    traceparent: str | None = None


@dataclass(frozen=True)
class Taken:
    """Items of one partition on their way. They count as buffered until :meth:`Buffer.settle`."""

    number: int
    first: int
    items: list[BufferedEvent] = field(repr=False)


class Buffer:
    """At most ``capacity`` items, queued or on their way. Overflow policy: the newest item is refused.

    Old items are nearer to being sent, and a burst that fills the buffer would otherwise push out the story's beginning.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        # Re-entrant: a signal handler or a finalizer may track an event while its own thread holds the lock.
        self._lock = threading.RLock()
        self._queues: dict[str, deque[tuple[int, BufferedEvent]]] = {}
        self._taken: dict[int, Taken] = {}
        self._added = 0
        self._batches = 0
        self._queued = 0
        self._on_their_way = 0

    def __len__(self) -> int:
        return self._queued + self._on_their_way

    @property
    def queued(self) -> int:
        """Items that no batch has taken yet."""
        return self._queued

    @property
    def added(self) -> int:
        """The number of the newest item; 0 before the first."""
        return self._added

    def add(self, partition: str, item: BufferedEvent) -> bool:
        """Whether there was room."""
        with self._lock:
            if len(self) >= self.capacity:
                return False
            self._added += 1
            self._queued += 1
            self._queues.setdefault(partition, deque()).append((self._added, item))
            return True

    def take(self, max_items: int, max_bytes: int) -> Taken | None:
        """The next batch: of one partition, in order, at least one item; partitions take turns. ``None`` when empty."""
        with self._lock:
            if not self._queues:
                return None
            partition = next(iter(self._queues))
            queue = self._queues.pop(partition)
            first, item = queue.popleft()
            items, size = [item], len(item.body) + 2
            while queue and len(items) < max_items and size + len(queue[0][1].body) + 1 <= max_bytes:
                item = queue.popleft()[1]
                items.append(item)
                size += len(item.body) + 1
            if queue:
                self._queues[partition] = queue
            self._queued -= len(items)
            self._on_their_way += len(items)
            self._batches += 1
            taken = Taken(self._batches, first, items)
            self._taken[taken.number] = taken
            return taken

    def settle(self, taken: Taken) -> None:
        """``taken`` is over, however it ended: its room is free."""
        with self._lock:
            if self._taken.pop(taken.number, None) is not None:
                self._on_their_way -= len(taken.items)

    def settled(self, number: int) -> bool:
        """Whether every item up to ``number`` is over."""
        with self._lock:
            return all(queue[0][0] > number for queue in self._queues.values()) and all(
                taken.first > number for taken in self._taken.values()
            )
