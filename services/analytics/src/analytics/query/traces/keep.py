"""Keeps a trace that a person pins, or the traces of a window that somebody cites."""

from __future__ import annotations

from analytics.query.sessions import Sessions
from analytics.query.traces.conditions import instant
from analytics.storage import rows
from analytics.traces.keeping import cite, marking
from drishti.errors import QueryError
from drishti.messages.traces import KeepTrace, KeepWindow, TraceKept, WindowKept


class TraceKeeper:
    """Answers ``query.v1.keep_trace``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: KeepTrace) -> TraceKept:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        trace_id = bytes.fromhex(asked.trace_id)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            async with marking(session):
                if not await session.value("has_trace", asked.tenant, trace_id):
                    raise QueryError("there is no such trace", code="unknown", field="trace_id")
                await session.execute("pin_trace" if asked.keep else "unpin_trace", asked.tenant, trace_id)
            reasons = [record["reason"] for record in await session.fetch("kept_reasons", asked.tenant, trace_id)]
            return TraceKept(trace_id=trace_id.hex(), kept=reasons)


class WindowKeeper:
    """Answers ``query.v1.keep_window``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: KeepWindow) -> WindowKept:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        begin, end = instant(asked.from_ms), instant(asked.to_ms)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            cited = await cite(session, asked.tenant, list(asked.services), begin, end)
        since = cited.searched_from
        return WindowKept(traces=cited.traces, searched_from=None if since is None else rows.epoch_ms(since))
