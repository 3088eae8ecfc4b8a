"""Tells Drishti what people with habits did in the past weeks, at once, and then what they do, when they do it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from drishti.analytics import Analytics
from wisdom.habits import Crowd
from wisdom.store import Store
from wisdom.story import Happened, Story

log = logging.getLogger(__name__)

AT_ONCE = 100
PAUSE_S = 0.25
"""After so many events of the past, so long a pause: at most 400 a second."""

DELIVERED_S = 1.0
TICK_S = 60.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class History:
    """Begins ``after_s`` from now: of a series whose first minutes were those of the past, Drishti would think that a crowd is
    an anomaly. ``days`` before the first start are told; a later start goes on where the one before ended. Events are told in
    the order of time, the next ones when those before are delivered."""

    def __init__(
        self,
        crowd: Crowd,
        client: Analytics,
        store: Store,
        *,
        days: float,
        after_s: float,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._crowd = crowd
        self._client = client
        self._store = store
        self._days = days
        self._after_s = after_s
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        await self._wait_until(self._clock() + timedelta(seconds=self._after_s), stop)
        if stop.is_set():
            return
        began = self._clock()
        since = began - timedelta(days=self._days)
        if (until := await self._store.told_until()) is not None:
            since = max(since, until)
        past = itertools.takewhile(lambda one: one.at <= began, self._after(since))
        told = 0
        while batch := tuple(itertools.islice(past, AT_ONCE)):
            if not await self._tell(batch, stop):
                return
            told += len(batch)
            await asyncio.sleep(PAUSE_S)
        log.info("what people with habits did since %s is told: %d events", f"{since:%Y-%m-%d %H:%M}", told)
        for one in self._after(began):
            await self._wait_until(one.at, stop)
            if stop.is_set() or not await self._tell((one,), stop):
                return

    async def _tell(self, batch: tuple[Happened, ...], stop: asyncio.Event) -> bool:
        """Whether these were delivered before ``stop``."""
        for one in batch:
            await self._client.track_event(one.event)
        while not await self._client.flush(DELIVERED_S):
            if stop.is_set():
                return False
        await self._store.save_told(batch[-1].at)
        return not stop.is_set()

    def _after(self, since: datetime) -> Iterator[Happened]:
        story = Story(self._crowd, since.date() - timedelta(days=1))  # what was asked then makes questions follow-ups
        while True:
            yield from (one for one in story.next_day() if one.at > since)

    async def _wait_until(self, at: datetime, stop: asyncio.Event) -> None:
        while not stop.is_set() and (seconds := (at - self._clock()).total_seconds()) > 0:
            try:
                async with asyncio.timeout(min(seconds, TICK_S)):
                    await stop.wait()
            except TimeoutError:
                continue  # the clock says whether it is time
