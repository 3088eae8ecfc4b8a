"""Reads what a question about metrics needs, and answers it. What to read and how to merge it is in :mod:`.metrics`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from analytics.computing import computed
from analytics.errors import Unstorable
from analytics.query import metrics
from analytics.query.sessions import Sessions
from analytics.rollup.windows import DAY_MS
from analytics.storage import rows
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.events import Query, QueryAnswer
from drishti.measures.definitions import MetricDefinition
from drishti.measures.registry import MetricRegistry

MANY_ROWS = 1_000
"""From this many rows on an answer is computed in a thread, so that the consumers do not wait for it."""

StoredName = Callable[[str, MetricDefinition], str]
"""The name under which a tenant's rollups of a metric are kept."""


def token_of_metric(_tenant: str, metric: MetricDefinition) -> str:
    """That of a metric of which there is one version."""
    return metric.token


class MetricAnswers:
    """Answers ``query.v1.metrics``. ``kept_days``: how long rollups are kept, by resolution."""

    def __init__(
        self,
        sessions: Sessions,
        registry: MetricRegistry,
        *,
        kept_days: Mapping[str, float],
        stored: StoredName = token_of_metric,
    ) -> None:
        self._stored = stored
        self._sessions = sessions
        self._registry = registry
        self._kept_days = kept_days

    async def answer(self, question: Query) -> QueryAnswer:
        """Raises :class:`QueryError` for what cannot be asked, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        now = time.time() * 1000
        kept_from = {resolution: int(now - days * DAY_MS) for resolution, days in self._kept_days.items()}
        plan = metrics.planned(question, kept_from, self._registry.view(question.tenant))
        async with self._sessions.turn(question.tenant):
            as_of, records = await self._read(plan)
            merging = asyncio.ensure_future(
                computed(lambda: metrics.answer(plan, records, as_of), in_thread=len(records) >= MANY_ROWS)
            )
            try:
                answer = await asyncio.shield(merging)
            except asyncio.CancelledError:  # nobody waits any more, but the thread still works: its slot is not free
                await asyncio.wait((merging,))
                raise
            if services := metrics.services(plan, answer):
                answer.service_names = await self._service_names(question.tenant, services)
            return answer

    async def _read(self, plan: metrics.QueryPlan) -> tuple[int, Sequence[Record]]:
        try:
            async with self._sessions.session() as session:
                as_of = await session.value("clock")
                records = await session.fetch(
                    plan.statement,
                    plan.resolution,
                    plan.question.tenant,
                    self._stored(plan.question.tenant, plan.metric),
                    rows.instant(plan.start),
                    rows.instant(plan.end),
                    plan.labels,
                    metrics.MAX_ROWS + 1,
                )
        except Unstorable as error:
            raise QueryError(f"a filter has a value that cannot be: {error}") from error
        return as_of, records

    async def _service_names(self, tenant: str, services: list[str]) -> dict[str, str]:
        """The display names of ``services``, of those that have one."""
        async with self._sessions.session() as session:
            records = await session.fetch("service_names", tenant, services)
        return {record["service"]: record["name"] for record in records}
