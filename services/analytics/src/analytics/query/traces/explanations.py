"""Explains trouble by itself: when anomalies open or an incident is reported, says where it began and what bad traces share.

How this works
--------------
Everything that opens in the same two minutes of a tenant is one trouble. Some time later, when its spans have come, the
questions that a person would ask are asked: where did it begin (:mod:`.root_causes`), and what do failing traces have in
common, or slow ones where none fails (:mod:`.shared`). What is found is published as a recommendation, which dashboards show;
where nothing is, nothing is said. One replica explains each trouble: the row that says so is committed after the message is
out.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from analytics.errors import DatabaseAway
from analytics.query.tenant_semaphore import TooManyWaiting
from analytics.storage.database import Database
from drishti.bus.connection import Bus
from drishti.errors import BusRefused, BusUnavailable, DuplicateMessage
from drishti.events import RecommendationInsight, encode
from drishti.messages import subjects
from drishti.messages.root_causes import RootCauseAnswer, RootCauseQuery
from drishti.messages.span_errors import SharedAnswer, SharedSearch
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

WINDOW_MS = 120_000
BEFORE_MS = 120_000
"""A trouble is taken to have begun so long before the first that tells of it, at most."""

AFTER_MS = 60_000

DELAY_MS = 100_000
"""After the end of the two minutes: spans come every some seconds, and a minute counts when it is over."""

TOO_OLD_MS = 1_800_000
"""What was reported so long ago is no news."""

EVERY_S = 5.0
MOST_WAITING = 200
"""Troubles that wait; further ones are not explained."""

MOST_IDS = 20
EVIDENCE = 2
"""Pieces of evidence that a recommendation names of a suspect."""

EXAMPLES = 2
"""Traces whose ids it names."""

NEAR = 0.5
"""It names a second suspect, too, from this share of the first one's score on."""


class Asks(Protocol):
    """What answers the two questions."""

    async def root_cause(self, asked: RootCauseQuery) -> RootCauseAnswer: ...
    async def shared(self, asked: SharedSearch) -> SharedAnswer: ...


class Trouble(NamedTuple):
    """What is to be explained: a tenant, and two minutes."""

    tenant: str
    window: int

    @property
    def start_ms(self) -> int:
        return self.window * WINDOW_MS


class Explanations:
    """``opened`` for whatever opens; ``run`` until ``stop``."""

    def __init__(self, bus: Bus, database: Database, asks: Asks) -> None:
        self._bus = bus
        self._database = database
        self._asks = asks
        self._waiting: dict[Trouble, tuple[list[str], set[str]]] = {}
        self.published = 0
        self.passed_over = 0

    def opened(self, tenant: str, insight_id: str, at_ms: int, services: list[str]) -> None:
        """Notes that an anomaly opened, or that there is an incident. What concerns Drishti's own services alone is no trouble
        of the tenant."""
        theirs = [service for service in services if not subjects.is_own(service)]
        if services and not theirs:
            return
        trouble = Trouble(tenant, at_ms // WINDOW_MS)
        if trouble not in self._waiting and len(self._waiting) >= MOST_WAITING:
            self.passed_over += 1
            return
        ids, concerned = self._waiting.setdefault(trouble, ([], set()))
        if len(ids) < MOST_IDS:
            ids.append(insight_id)
        concerned.update(theirs)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, EVERY_S)
            now = datetime.now(UTC).timestamp() * 1000
            for trouble in [one for one in self._waiting if one.start_ms + WINDOW_MS + DELAY_MS <= now]:
                ids, services = self._waiting[trouble]
                try:
                    if now - trouble.start_ms < TOO_OLD_MS:
                        await until(stop, self._explain(trouble, ids, sorted(services)))
                except (DatabaseAway, TimeoutError, TooManyWaiting, BusUnavailable, BusRefused) as error:
                    log.warning("a trouble is explained another time", extra={"tenant": trouble.tenant, "reason": str(error)})
                    continue
                except Exception:
                    log.exception("a trouble cannot be explained", extra={"tenant": trouble.tenant})
                self._waiting.pop(trouble, None)

    async def _explain(self, trouble: Trouble, ids: list[str], services: list[str]) -> None:
        async with await self._database.connect(name="explanations") as session, session.transaction():
            if not await session.value("take_explanation", trouble.tenant, _instant(trouble.start_ms)):
                return
            insight = await self._insight(trouble, ids, services)
            if insight is None:
                return
            subject = subjects.insights(trouble.tenant, RecommendationInsight.kind)
            try:
                await self._bus.publish(subject, encode(insight), msg_id=insight.insight_id)
            except DuplicateMessage:
                return  # it went out, and the transaction of then did not end
            self.published += 1

    async def _insight(self, trouble: Trouble, ids: list[str], services: list[str]) -> RecommendationInsight | None:
        begin, end = trouble.start_ms - BEFORE_MS, trouble.start_ms + WINDOW_MS + AFTER_MS
        cause = await self._asks.root_cause(RootCauseQuery(tenant=trouble.tenant, from_ms=begin, to_ms=end))
        suspect = cause.suspects[0] if cause.clear and cause.suspects else None
        shared: SharedAnswer | None = None
        for bad in ("failing", "slow"):
            answer = await self._asks.shared(SharedSearch(tenant=trouble.tenant, from_ms=begin, to_ms=end, bad=bad))
            if answer.findings:
                shared = answer
                break
        message = in_words(cause, shared, bad)
        if not message:
            return None
        concerned = [suspect.service] if suspect is not None else services
        return RecommendationInsight(
            insight_id=hashlib.blake2b(f"explanation\0{trouble.tenant}\0{trouble.window}".encode(), digest_size=16).hexdigest(),
            tenant=trouble.tenant,
            at=trouble.start_ms + WINDOW_MS,
            model="root-cause",
            severity="info",
            message=message,
            services=concerned,
            because=ids,
        )


def in_words(cause: RootCauseAnswer, shared: SharedAnswer | None, bad: str) -> str:
    """What was found, in words; empty: nothing. ``bad`` says what the bad traces are: failing or slow."""
    parts: list[str] = []
    if cause.clear and cause.suspects:
        suspect, *others = cause.suspects
        name = _name(cause, suspect.service)
        evidence = "; ".join(one.summary for one in suspect.evidence[:EVIDENCE])
        parts.append(f"Look at {name} first: {evidence}.")
        if len(suspect.path) > 1:
            parts.append(f"Requests reach it by {' → '.join(_name(cause, service) for service in suspect.path)}.")
        if others and others[0].score >= suspect.score * NEAR:
            parts.append(f"If it is not that, look at {_name(cause, others[0].service)}: {others[0].evidence[0].summary}.")
    if shared is not None:
        first = shared.findings[0]
        parts.append(f"Of the {shared.bad} {bad} traces: {first.text}.")
        if first.traces:
            parts.append(
                f"See for example {'traces' if len(first.traces) > 1 else 'trace'} {', '.join(first.traces[:EXAMPLES])}."
            )
    return " ".join(parts)


def _name(cause: RootCauseAnswer, service: str) -> str:
    return cause.service_names.get(service, service)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
