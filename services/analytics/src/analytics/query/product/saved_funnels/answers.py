"""Answers questions about saved funnels, and stores them."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from analytics.product.saved_funnels import FunnelDocument, FunnelResults, SavedFunnels
from analytics.product.segments.reading import KnownNames
from analytics.query.product.asked import check_names, unknown
from analytics.query.product.funnels import event_names, funnel_of
from analytics.query.product.saved_funnels.range import query_of
from analytics.query.sessions import Sessions
from drishti.bus.documents import Known
from drishti.errors import QueryError
from drishti.messages.product.saved_funnels import (
    DeleteSavedFunnel,
    FunnelResult,
    PutSavedFunnel,
    SavedFunnel,
    SavedFunnelList,
    SavedFunnelQuery,
    SavedFunnelsQuery,
)


class SavedFunnelLists:
    """Answers ``query.v1.saved_funnels``."""

    def __init__(self, stored: SavedFunnels) -> None:
        self._stored = stored

    async def answer(self, asked: SavedFunnelsQuery) -> SavedFunnelList:
        """Raises :class:`QueryError`."""
        await self._stored.wait_loaded()
        known = self._stored.of(asked.tenant).values()
        return SavedFunnelList(funnels=[_funnel(one, one.value) for one in known if one.value is not None])


class SavedFunnelAnswers:
    """Answers ``query.v1.saved_funnel``."""

    def __init__(self, stored: SavedFunnels, results: FunnelResults) -> None:
        self._stored = stored
        self._results = results

    async def answer(self, asked: SavedFunnelQuery) -> SavedFunnel:
        """Raises :class:`QueryError`."""
        known, found = await _named(self._stored, asked.tenant, asked.name)
        result = self._results.get(asked.tenant, asked.name)
        return _funnel(known, found, result if result is not None and result.revision == known.revision else None)


class SavedFunnelStoring:
    """Answers ``query.v1.put_saved_funnel``."""

    def __init__(self, sessions: Sessions, stored: SavedFunnels, *, now: Callable[[], float] = time.time) -> None:
        self._sessions = sessions
        self._stored = stored
        self._now = now

    async def answer(self, asked: PutSavedFunnel) -> SavedFunnel:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        question = query_of(asked.tenant, asked.funnel, self._now())
        try:
            funnel_of(question)
            async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
                await check_names(KnownNames(session, asked.tenant), event_names(question))
        except QueryError as error:
            if error.field:
                error.field = f"funnel.{error.field}"
            raise
        funnel = FunnelDocument(name=asked.name, title=asked.title, description=asked.description, funnel=asked.funnel)
        return _funnel(await self._stored.put(asked.tenant, funnel, asked.revision), funnel)


class SavedFunnelDeletions:
    """Answers ``query.v1.delete_saved_funnel``."""

    def __init__(self, stored: SavedFunnels) -> None:
        self._stored = stored

    async def answer(self, asked: DeleteSavedFunnel) -> SavedFunnel:
        """The funnel that is no more. Raises :class:`QueryError`."""
        known, found = await _named(self._stored, asked.tenant, asked.name)
        await self._stored.delete(asked.tenant, asked.name, asked.revision)
        return _funnel(known, found)


async def _named(stored: SavedFunnels, tenant: str, name: str) -> tuple[Known[FunnelDocument], FunnelDocument]:
    await stored.wait_loaded()
    known = stored.known(tenant, name)
    if known.value is None:
        raise unknown("there is no saved funnel of that name", name, stored.of(tenant), "name")
    return known, known.value


def _funnel(known: Known[FunnelDocument], funnel: FunnelDocument, result: FunnelResult | None = None) -> SavedFunnel:
    return SavedFunnel(
        **msgspec.structs.asdict(funnel), revision=known.revision, changed_ms=round(known.at * 1000), result=result
    )
