"""Keeps the results of saved funnels current: what the question ``funnel`` answers, published when it changed.

How this works
--------------
Every replica hears of stored events from the log of changes that writers leave in the database, whichever replica stored them
(:mod:`analytics.publish.changes`), and counts those funnels whose partition it publishes
(:mod:`analytics.publish.membership`): so each has one replica. A funnel is counted when events of its tenant were stored since
it was counted last, by the same code and in the same kind of snapshot as the question; and every :data:`REFRESH_S` without,
for what changes by no event: midnight, a merge of people, an erasure, a rule, a cohort.

One is counted at a time, that of the tenant whose turn was the longest ago first, and after it nothing is counted for as long
as it took. Each waits :data:`EVERY_S` from one beginning to the next, or four times as long as it took: so one that takes a
tenth of a second moves within a second, and one that takes a second is counted every four seconds. ``as_of`` says to when
a result is true.

A result replaces the one that was there when its counting began (:mod:`drishti.bus.documents`). Where a partition has another
owner meanwhile, one of two such writes fails, and its funnel is counted again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from analytics.errors import DatabaseAway
from analytics.product.saved_funnels import FunnelDocument, FunnelResults, SavedFunnels
from analytics.query.product.funnels import FunnelAnswers
from analytics.query.product.saved_funnels.range import query_of
from analytics.query.tenant_semaphore import TooManyWaiting
from drishti.bus.documents import Conflict, Known
from drishti.errors import BucketFull, BusRefused, BusUnavailable, QueryError
from drishti.messages.product.saved_funnels import MAX_RESULT_BYTES, FunnelResult
from drishti.rate_limited_log import RateLimitedLog
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

EVERY_S = 0.5
PATIENCE = 4
"""How many times as long as its last counting took a funnel waits for the next one."""

REFRESH_S = 60.0
SAME_S = 10.0
"""So often a result that stays the same is published, for its ``as_of``."""

LOOK_S = 0.25
"""How long it is waited for events at most before it is looked whose turn it is."""

RETRY_S = 1.0
FAILED_S = 60.0
"""How long a funnel waits whose counting failed by a bug."""

LOG_EVERY_S = 60.0

Key = tuple[str, str]
"""A tenant, and the name of its funnel."""


class _Counted(NamedTuple):
    """After how many notes of its tenant a funnel was counted, at which revision, when, and when it may be again."""

    notes: int
    revision: int
    at: float
    next_at: float


class LiveFunnels:
    """``run`` until ``stop``; ``note`` when events of a tenant were stored. ``owns``: whether this replica counts a funnel of a
    tenant, by its name; ``now``: seconds since 1970."""

    def __init__(
        self,
        funnels: SavedFunnels,
        results: FunnelResults,
        answers: FunnelAnswers,
        owns: Callable[[str, str], bool],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._funnels = funnels
        self._results = results
        self._answers = answers
        self._owns = owns
        self._now = now
        self._notes: dict[str, int] = {}
        self._counted: dict[Key, _Counted] = {}
        self._turns: dict[str, float] = {}
        self._noted = asyncio.Event()
        self._swept_at = 0.0
        self._tell = RateLimitedLog(LOG_EVERY_S)
        self.counted = 0
        self.published = 0

    def note(self, tenant: str) -> None:
        """Events of ``tenant`` were stored, and can be read."""
        if self._funnels.of(tenant):
            self._notes[tenant] = self._notes.get(tenant, 0) + 1
            self._noted.set()

    async def run(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        for documents in (self._funnels, self._results):
            if await until(stop, documents.loaded.wait()) is None:
                return
        while not stop.is_set():
            self._noted.clear()
            key = self._next(loop.time())
            if key is None:
                await self._wait(stop)
                continue
            began = loop.time()
            if await until(stop, self._count(*key, began)) is None:
                return
            await self._sweep(loop.time())
            await pause(stop, loop.time() - began)

    async def _wait(self, stop: asyncio.Event) -> None:
        """For a note, or :data:`LOOK_S`."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (stop, self._noted)]
        try:
            await asyncio.wait(waiting, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    def _next(self, now: float) -> Key | None:
        """The funnel whose turn it is."""
        owned = {
            (tenant, name): known.revision
            for tenant in self._funnels.tenants()
            for name, known in self._funnels.of(tenant).items()
            if self._owns(tenant, name)
        }
        self._counted = {key: counted for key, counted in self._counted.items() if key in owned}
        due = [key for key, revision in owned.items() if self._is_due(key, revision, now)]
        at = {key: counted.at for key, counted in self._counted.items()}
        return min(due, key=lambda key: (self._turns.get(key[0], 0.0), at.get(key, 0.0), key), default=None)

    def _is_due(self, key: Key, revision: int, now: float) -> bool:
        counted = self._counted.get(key)
        if counted is None or counted.revision != revision:
            return True
        changed = counted.notes != self._notes.get(key[0], 0)
        return now >= counted.next_at and (changed or now - counted.at >= REFRESH_S)

    async def _count(self, tenant: str, name: str, began: float) -> bool:
        """Counts one and publishes what changed."""
        loop = asyncio.get_running_loop()
        funnel, there, notes = self._funnels.known(tenant, name), self._results.known(tenant, name), self._notes.get(tenant, 0)
        self._turns[tenant] = began
        if funnel.value is None:
            return False
        is_done, retry_s = False, RETRY_S
        try:
            result = await self._result(tenant, funnel.value, funnel.revision)
            self.counted += 1
            if not self._owns(tenant, name) or self._funnels.known(tenant, name).revision != funnel.revision:
                return False
            if _is_news(there, result):
                await self._results.replace(tenant, result, there.live_revision)
                self.published += 1
            is_done = True
        except Conflict:
            log.info("a funnel was counted by another replica, too", extra={"tenant": tenant, "funnel": name})
        except (TooManyWaiting, DatabaseAway, BusUnavailable, BusRefused, BucketFull) as error:
            if self._tell.due():
                about = {"tenant": tenant, "funnel": name, "reason": str(error), "skipped": self._tell.skipped}
                log.warning("a funnel is counted another time", extra=about)
        except Exception:
            log.exception("a funnel cannot be counted", extra={"tenant": tenant, "funnel": name})
            retry_s = FAILED_S
        wait_s = max(EVERY_S if is_done else retry_s, PATIENCE * (loop.time() - began))
        self._counted[tenant, name] = _Counted(notes if is_done else -1, funnel.revision, began, began + wait_s)
        return is_done

    async def _result(self, tenant: str, funnel: FunnelDocument, revision: int) -> FunnelResult:
        now = self._now()
        about = FunnelResult(
            name=funnel.name, title=funnel.title, revision=revision, funnel=funnel.funnel, as_of=int(now * 1000)
        )
        try:
            answer = await self._answers.answer(query_of(tenant, funnel.funnel, now))
        except QueryError as error:
            return msgspec.structs.replace(about, error=str(error))
        result = msgspec.structs.replace(about, as_of=answer.as_of, answer=answer)
        if len(msgspec.json.encode(result)) > MAX_RESULT_BYTES:
            return msgspec.structs.replace(about, error="the result is too large: ask for fewer values of `breakdown`")
        return result

    async def _sweep(self, now: float) -> None:
        """Removes the results of funnels that are no more."""
        if now - self._swept_at < REFRESH_S:
            return
        self._swept_at = now
        for tenant in self._results.tenants():
            for name, known in self._results.of(tenant).items():
                if self._owns(tenant, name) and self._funnels.get(tenant, name) is None:
                    try:
                        await self._results.delete(tenant, name, known.revision)
                    except QueryError as error:
                        log.info("a result is removed another time", extra={"tenant": tenant, "reason": str(error)})


def _is_news(there: Known[FunnelResult], result: FunnelResult) -> bool:
    """Whether ``result`` says something that ``there`` does not."""
    known = there.value
    return known is None or result.as_of - known.as_of >= SAME_S * 1000 or _undated(known) != _undated(result)


def _undated(result: FunnelResult) -> FunnelResult:
    answer = None if result.answer is None else msgspec.structs.replace(result.answer, as_of=0)
    return msgspec.structs.replace(result, as_of=0, answer=answer)
