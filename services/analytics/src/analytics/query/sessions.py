"""PostgreSQL sessions for questions: a bounded number, shared by tenants in turn, kept open between questions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from analytics.errors import Unstorable
from analytics.query.tenant_semaphore import TenantSemaphore, TooManyWaiting
from analytics.storage.database import Database, Session

QUESTION_S = 8.0
"""How long a question may take: the gateway gives up at 10 s."""

WAIT_S = 4.0
"""Of it, how long it may wait for its turn."""

STATEMENT_S = 5.0
"""How long one statement of a question may take; PostgreSQL ends it then."""

CONCURRENT = 3
"""Questions that are answered at once; more wait. Merging is bound by the processor, not by PostgreSQL."""

CONCURRENT_OF_TENANT = 2
"""At most this many of them are one tenant's: there is always a slot for another's."""

WAITING_OF_TENANT = 50
"""More that wait are answered at once, with the reason."""


class Sessions:
    """``async with turn(tenant)`` around a question, and in it ``async with session()`` for each reading."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._slots = TenantSemaphore(CONCURRENT, of_tenant=CONCURRENT_OF_TENANT, waiting_of_tenant=WAITING_OF_TENANT)
        self._pinging = asyncio.Lock()
        self._idle: list[Session] = []

    @contextlib.asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Waits for a slot and holds it while the block lasts; raises :class:`TooManyWaiting` at once where too many wait, and
        where those before it take so long that no time would be left for this one."""
        async with contextlib.AsyncExitStack() as slot:
            try:
                async with asyncio.timeout(WAIT_S):
                    await slot.enter_async_context(self._slots.slot(tenant))
            except TimeoutError:
                raise TooManyWaiting(tenant) from None
            yield

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session that nobody else uses while the block lasts. Raises :class:`DatabaseAway`."""
        session = await self._take()
        try:
            yield session
        except Unstorable:
            self._idle.append(session)
            raise
        except BaseException:  # also when the time is over: the session still waits for the answer
            session.terminate()
            raise
        self._idle.append(session)

    async def ping(self) -> None:
        """Returns when PostgreSQL answers; however many questions wait."""
        async with self._pinging, self.session() as session:
            await session.value("clock")

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _take(self) -> Session:
        while self._idle:
            session = self._idle.pop()
            if not session.is_closed:
                return session
        return await self._database.connect(name="questions", statement_s=STATEMENT_S)
