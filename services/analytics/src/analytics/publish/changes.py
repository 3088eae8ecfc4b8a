"""Which windows the writers changed, read from their transactions' rows in ``changes``.

How this works
--------------
Every transaction of a writer leaves a row in ``changes`` under its transaction's number. The leader reads those from the
horizon of its last reading on: the number of the oldest transaction that was still running then. Whatever was not yet committed
at the last reading is at or after that horizon, so a slow commit is never missed; what is read twice is recognised by its
number.

Rows are deleted when everything read up to them is published. So a new leader finds what the old one left, and besides it
publishes the recent windows again: whether the old one had is not known.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import msgspec

from analytics.computing import computed
from analytics.publish.published_metrics import PublishedMetrics
from analytics.publish.schedule import Schedule
from analytics.rollup.windows import Window
from analytics.storage.database import Session

CHANGES_AT_ONCE = 20
"""Transactions of writers that are read in one round; each may have changed thousands of windows."""

INLINE_WINDOWS = 100_000
"""More windows are noted in a thread."""

FORGET_EVERY_S = 5.0

_windows = msgspec.json.Decoder(list[Window])


class ChangeLog:
    """Notes in ``schedule`` what changed."""

    def __init__(self, session: Session, schedule: Schedule, metrics: PublishedMetrics) -> None:
        self._session = session
        self._schedule = schedule
        self._metrics = metrics
        self._horizon = 0
        self._read: set[int] = set()
        self._turns: deque[tuple[int, int]] = deque()
        self._forgotten_at = 0.0

    async def read(self) -> tuple[int, bool]:
        """Notes what changed since the last call; returns PostgreSQL's clock (epoch ms), and whether there is more."""
        known = [str(xid) for xid in self._read]
        records = await self._session.fetch("changes_since", str(self._horizon), known, CHANGES_AT_ONCE)
        now, horizon = records[0]["now_ms"], records[0]["horizon"]
        changes = [(record["xid"], record["windows"]) for record in records if record["xid"] is not None]
        more = len(changes) == CHANGES_AT_ONCE
        if more:  # what is beyond the limit is not read, whatever the snapshot had
            horizon = min(horizon, changes[-1][0])
        self._horizon = horizon
        self._read = {xid for xid in (*self._read, *(xid for xid, _ in changes)) if xid >= horizon}
        large = sum(len(windows) for _, windows in changes) > INLINE_WINDOWS
        turn = await computed(lambda: self._schedule.note(self._published(windows for _, windows in changes)), in_thread=large)
        if not self._turns or self._turns[-1][1] != horizon:
            self._turns.append((turn, horizon))
        return now, more

    async def forget_published(self) -> None:
        """Deletes the rows that were read in turns of which everything is published; every :data:`FORGET_EVERY_S` at most."""
        now = asyncio.get_running_loop().time()
        if now - self._forgotten_at <= FORGET_EVERY_S:
            return
        self._forgotten_at = now
        until, horizon = self._schedule.published_until(), None
        while self._turns and self._turns[0][0] <= until:
            horizon = self._turns.popleft()[1]
        if horizon is not None:
            await self._session.execute("forget_changes", str(horizon))

    def _published(self, changes: Iterable[str]) -> Iterable[Window]:
        """The windows that are published because of some rows of ``changes``."""
        for windows in changes:
            for window in _windows.decode(windows):
                yield from self._metrics.windows(window)
