"""Places that tenants get in turn: a tenant that wants many waits for itself, and the others do not wait for it.

They limit what the gateway does at once: messages on their way to the bus, large bodies that are read. Served in the order in
which they came, a request of ten thousand messages would stand in front of everybody who comes after it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class FairPlaces:
    """``places`` that may be taken at once. A place that becomes free goes to the tenant that waits for its turn longest."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def enter(self, tenant: str) -> None:
        """Returns when there is a place; :meth:`leave` gives it back. A wait that is cancelled takes none."""
        if self._free:  # nobody waits then
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        while self._queues:
            tenant = next(iter(self._queues))
            queue = self._queues.pop(tenant)  # and back at the end: the next tenant is first then
            place = queue.popleft()
            if queue:
                self._queues[tenant] = queue
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


class Reader:
    """One thread that reads what is large, of one tenant after the other, while the event loop serves everybody else.

    One thread, so that the bodies behind wait as bytes and not as objects.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._turns = FairPlaces(1)

    async def read(self, tenant: str, reading: Callable[[], T]) -> T:
        await self._turns.enter(tenant)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, reading)
        finally:
            self._turns.leave()
