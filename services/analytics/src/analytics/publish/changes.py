"""Which windows the writers changed, read from their transactions' rows in ``changes``.

How this works
--------------
Every transaction of a writer leaves a row in ``changes`` under its transaction's number. A publisher reads those from the
horizon of its last reading on: the number of the oldest transaction that was still running then. Whatever was not yet committed
at the last reading is at or after that horizon, so a slow commit is never missed; what is read twice is recognised by its
number.

Every replica reads all rows and takes the windows of the partitions that it holds. Rows are deleted when everything read up to
them is published of all partitions (``publish_progress``). So whoever takes over a partition reads all rows again
(:meth:`ChangeLog.restart`) and finds what the old owner left; besides, it publishes the recent windows again: whether the old
owner had is not known.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence

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

EVENTS = "events"
"""The metric that counts every event."""

FORGET_EVERY_S = 5.0

UNKNOWN_S = 5.0
UNKNOWN_WINDOWS = 20_000
"""Windows of metrics that another replica's writer knows already and this one does not: kept for so long, so many at most."""

_windows = msgspec.json.Decoder(list[Window])


class ChangeLog:
    """Notes in ``schedule`` what changed, as far as this replica publishes it: ``owns`` says so of a window.
    ``events_stored`` is told of every tenant that has new events, whoever stored them and whoever publishes it."""

    def __init__(
        self,
        session: Session,
        schedule: Schedule,
        metrics: PublishedMetrics,
        owns: Callable[[Window], bool],
        events_stored: Callable[[str], None],
    ) -> None:
        self._session = session
        self._schedule = schedule
        self._metrics = metrics
        self._owns = owns
        self._events_stored = events_stored
        self._with_events: set[str] = set()
        self._horizon = 0
        self._read: set[int] = set()
        self._turns: deque[tuple[int, int]] = deque()
        self._unknown: deque[tuple[float, Window]] = deque(maxlen=UNKNOWN_WINDOWS)
        self._forgotten_at = 0.0

    def restart(self) -> None:
        """Everything that the table has is read again: there are partitions of which it was passed over."""
        self._horizon = 0
        self._read.clear()
        self._turns.clear()

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
        turn = await computed(lambda: self._schedule.note(self._published([text for _, text in changes])), in_thread=large)
        for tenant in self._with_events:
            self._events_stored(tenant)
        self._with_events.clear()
        if not self._turns or self._turns[-1][1] != horizon:
            self._turns.append((turn, horizon))
        return now, more

    async def forget_published(self, partitions: Collection[int]) -> None:
        """Deletes the rows of which everything is published of all partitions, those that this replica holds among them; every
        :data:`FORGET_EVERY_S` at most."""
        now = asyncio.get_running_loop().time()
        if now - self._forgotten_at <= FORGET_EVERY_S:
            return
        self._forgotten_at = now
        until, horizon = self._schedule.published_until(), None
        while self._turns and self._turns[0][0] <= until:
            horizon = self._turns.popleft()[1]
        if horizon is not None and partitions:
            await self._session.execute("note_progress", horizon, sorted(partitions))
            await self._session.execute("forget_changes")

    def _published(self, changes: Sequence[str]) -> Iterator[Window]:
        """The windows that this replica publishes because of some rows of ``changes``, and of what it did not know lately."""
        now = time.monotonic()
        unknown, self._unknown = self._unknown, deque(maxlen=UNKNOWN_WINDOWS)
        for since, window in unknown:
            yield from self._of(window, since, now)
        for windows in changes:
            for window in _windows.decode(windows):
                if window.metric == EVENTS:
                    self._with_events.add(window.tenant)
                yield from self._of(window, now, now)

    def _of(self, changed: Window, since: float, now: float) -> Iterator[Window]:
        """The windows that are published because ``changed`` did, of which this replica heard at ``since``."""
        if self._metrics.is_known(changed):
            yield from filter(self._owns, self._metrics.windows(changed))
        elif now - since < UNKNOWN_S:
            self._unknown.append((since, changed))
