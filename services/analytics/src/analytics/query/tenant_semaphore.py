"""A semaphore that is fair between tenants.

A free slot goes to the waiting tenant whose turn it is, first come first served within a tenant. One tenant holds ``of_tenant``
slots at most, so one is free for another's question while it has any number of its own, and at most ``waiting_of_tenant`` of
its questions wait.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator

from drishti.errors import DrishtiError


class TooManyWaiting(DrishtiError):
    """As many of this tenant wait already as are allowed to."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        super().__init__(f"too many wait of tenant {tenant!r}")


class TenantSemaphore:
    """``async with semaphore.slot(tenant)``: waits for a slot and holds it while the block lasts."""

    def __init__(self, slots: int, *, of_tenant: int, waiting_of_tenant: int) -> None:
        self._free = slots
        self._of_tenant = of_tenant
        self._waiting_of_tenant = waiting_of_tenant
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def slot(self, tenant: str) -> AsyncIterator[None]:
        """Raises :class:`TooManyWaiting` at once where too many wait."""
        await self._enter(tenant)
        try:
            yield
        finally:
            self._leave(tenant)

    async def _enter(self, tenant: str) -> None:
        queue = self._waiting.setdefault(tenant, deque())
        if len(queue) >= self._waiting_of_tenant:
            raise TooManyWaiting(tenant)
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was this one's turn, and nobody takes it
                self._leave(tenant)
            else:
                self._forget(tenant, turn)
            raise

    def _leave(self, tenant: str) -> None:
        self._free += 1
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        self._admit()

    def _admit(self) -> None:
        """Gives free slots away, tenants in turn."""
        for tenant in list(self._waiting):
            if not self._free:
                return
            queue = self._waiting.pop(tenant)
            while queue and self._free and self._held[tenant] < self._of_tenant:
                turn = queue.popleft()
                if turn.cancelled():
                    continue
                turn.set_result(None)
                self._free -= 1
                self._held[tenant] += 1
                break  # one each, then the others
            if queue:
                self._waiting[tenant] = queue
        if self._free and any(self._held[tenant] < self._of_tenant for tenant in self._waiting):
            self._admit()

    def _forget(self, tenant: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(tenant)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[tenant]
