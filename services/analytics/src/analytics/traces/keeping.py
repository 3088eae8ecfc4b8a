"""Which traces stay for days when the hours of all spans are over: failed, slow, sampled, cited and pinned ones.

An hour is judged when it goes, and the one after it as well: a trace that fails in the next hour keeps its beginning. Citing
marks traces at once, so that a window that somebody looks into later is still there then. Who marks locks before it looks for
what to mark (:func:`marking`), and so does an hour that goes: what was there to be seen is either kept or was gone before.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple

from analytics.errors import StatementTimeout
from analytics.storage.database import Session
from analytics.storage.partitions import Partitions
from analytics.storage.span_rows import KEPT_SPANS
from analytics.storage.tables import Partition
from analytics.traces.slices import Slices

log = logging.getLogger(__name__)

SLOW_SHARE = 0.99
LEAST_TRACES = 20
"""Of an operation with fewer traces in an hour none is slow."""

MOST_OF_OPERATION = 200
"""Failed traces of an operation in an hour that are kept; slow ones and sampled ones, as many each."""

ONE_IN = 100
HOUR = timedelta(hours=1)

MOST_CITED = 100
"""Traces of one window that are kept because somebody or something cites it."""


class Keeping:
    """Keeps what is to be kept of an hour before it goes."""

    def __init__(self) -> None:
        self._partitions = Partitions()

    async def fade(self, session: Session, partition: Partition) -> None:
        """Marks and copies the traces of ``partition``, an hour of spans, within a transaction that drops it."""
        await session.execute("lock_for_fading")
        begin, end = partition.starts, partition.ends
        after = end + HOUR
        await session.execute("keep_failed", begin, after, MOST_OF_OPERATION)
        await session.execute("keep_slow", begin, after, SLOW_SHARE, LEAST_TRACES, MOST_OF_OPERATION)
        await session.execute("keep_sampled", begin, after, ONE_IN, MOST_OF_OPERATION)
        await self._partitions.make(session, self._partitions.missing([(KEPT_SPANS, begin)]))
        self._partitions.forget()  # whether they stay is not known before the transaction has ended
        kept = await session.execute("copy_kept", begin, end)
        log.info("spans of kept traces stay", extra={"partition": partition.name, "spans": kept})


class Cited(NamedTuple):
    """How many traces were not cited before. ``searched_from``: the window is so long that only the traces from there on were
    looked at."""

    traces: int
    searched_from: datetime | None


@contextlib.asynccontextmanager
async def marking(session: Session) -> AsyncIterator[None]:
    """A transaction in which traces are looked for and marked: none of them goes meanwhile."""
    async with session.transaction():
        await session.execute("lock_for_marking")
        yield


async def cite(session: Session, tenant: str, services: list[str], begin: datetime, end: datetime) -> Cited:
    """Keeps the worst traces of a window, of some services or of all: failed ones first, then those with the longest spans."""
    worst: dict[bytes, tuple[bool, int]] = {}
    async with marking(session):
        slices = Slices(begin, end)
        try:
            for piece in slices:
                async with session.transaction():  # one that takes too long ends alone
                    records = await session.fetch("worst_traces", tenant, services, *piece, MOST_CITED, within_s=slices.left_s)
                for record in records:
                    failed, longest = worst.get(record["trace_id"], (False, 0))
                    worst[record["trace_id"]] = failed or record["failed"], max(longest, record["longest"])
                worst = dict(sorted(worst.items(), key=lambda one: one[1], reverse=True)[:MOST_CITED])
        except StatementTimeout:
            if slices.untouched:
                raise
        found: int = await session.value("cite_traces", tenant, list(worst), "cited")
    return Cited(found, None if slices.whole else slices.read_from)
