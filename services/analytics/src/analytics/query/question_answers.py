"""Reads what a set of questions needs, and answers it. What to read and how to evaluate it is in :mod:`.questions`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from analytics.computing import computed
from analytics.errors import Unstorable
from analytics.query import questions, versions
from analytics.query.readings import MAX_ROWS, Cells, Reading, cells, rows_read
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.steps import Steps
from analytics.rollup.windows import DAY_MS
from analytics.storage import rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.events import AnswerSet, QuestionSet
from drishti.measures.definitions import MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.measures.registry import MetricRegistry

MANY_ROWS = 500
"""From this many rows on answers are computed in a thread, so that the consumers do not wait for them."""

MAX_ROWS_IN_ALL = 200_000
"""Rows read for all questions of a set."""

BEFORE_CARRIED = "_before_carried"
"""Ends the names of the statements that find rows of before series had ids, too."""

MAX_TYPES = 10_000
"""Types of events that can be asked for by name."""

StoredName = Callable[[str, MetricDefinition], str]
"""The name under which a tenant's rollups of a metric are kept."""

Records = dict[Reading, Sequence[Record]]


def token_of_metric(_tenant: str, metric: MetricDefinition) -> str:
    """That of a metric of which there is one version."""
    return metric.token


class QuestionAnswers:
    """Answers ``query.v1.query``. ``kept_days``: how long rollups are kept, by resolution."""

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

    async def answer(self, asked: QuestionSet) -> AnswerSet:
        """Raises :class:`QueryError` for what cannot be asked, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        now = time.time() * 1000
        kept_from = {resolution: int(now - days * DAY_MS) for resolution, days in self._kept_days.items()}
        metrics = versions.with_earlier(asked, self._registry.view(asked.tenant))
        event_types: frozenset[str] = frozenset()
        if questions.asks_events(asked, metrics):
            async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
                event_types = frozenset(r["event_type"] for r in await session.fetch("event_types", asked.tenant, MAX_TYPES))
        plan = questions.planned(asked, kept_from, metrics, event_types)
        async with self._sessions.turn(asked.tenant):
            async with self._sessions.session() as session:
                (begun,) = await session.fetch("question_begins")
                names = {
                    key: await self._stored_name(session, asked.tenant, key, metrics)
                    for key in dict.fromkeys(reading.metric for reading in plan.readings)
                }
                suffix = "" if begun["carried"] else BEFORE_CARRIED
                current = await _read(session, plan, plan.steps, names, suffix)
                earlier = {} if plan.earlier is None else await _read(session, plan, plan.earlier, names, suffix)
            count = sum(rows_read(records) for records in (*current.values(), *earlier.values()))
            computing = asyncio.ensure_future(
                computed(lambda: _computed(plan, current, earlier, begun["as_of"]), in_thread=count >= MANY_ROWS)
            )
            try:
                answer = await asyncio.shield(computing)
            except asyncio.CancelledError:  # nobody waits any more, but the thread still works: its slot is not free
                await asyncio.wait((computing,))
                raise
            if services := questions.services(plan, answer):
                async with self._sessions.session() as session:
                    answer.service_names = await names_of(session, asked.tenant, services)
            return answer

    async def _stored_name(self, session: Session, tenant: str, key: str, metrics: TenantMetrics) -> str:
        """The name of the rollups of the metric that ``metrics`` has under ``key``."""
        metric = metrics.find(key)
        if metric is None:
            return key
        stored = self._stored(tenant, metric)
        if metric.source is not None and (versions.is_earlier(metric, metrics) or stored == metric.token):
            # An earlier version, or a term of one that nothing counts now.
            token = key.partition(versions.SEPARATOR)[0]
            number = await session.value("event_metric_version", tenant, token, metric.version)
            return stored if number is None else rows.stored_name(token, number)
        return stored


async def _read(session: Session, plan: questions.Plan, steps: Steps, stored: Mapping[str, str], suffix: str) -> Records:
    """Every reading of ``plan``; ``stored``: the names that rows have, by token; ``suffix``: of the statements."""
    bounds = [rows.instant(at) for at in steps.bounds]
    found: Records = {}
    count = 0
    for reading, field in plan.readings.items():
        names = [*reading.names, None, None, None][:3]
        try:
            records = await session.fetch(
                reading.statement + suffix,
                steps.rollup,
                plan.asked.tenant,
                stored[reading.metric],
                bounds,
                reading.labels,
                reading.path or None,
                *names,
                MAX_ROWS + 1,
            )
        except Unstorable as error:
            raise QueryError(f"a filter has a value that cannot be: {error}", field=f"{field}filters") from error
        count += rows_read(records)
        if count > MAX_ROWS_IN_ALL:
            raise QueryError(
                f"more than {MAX_ROWS_IN_ALL} rows of {steps.rollup}: ask for a shorter range, a coarser resolution, or less "
                "at once",
                field="questions",
            )
        found[reading] = records
    return found


def _computed(plan: questions.Plan, current: Records, earlier: Records, as_of: int) -> AnswerSet:
    return questions.answers(plan, _cells(plan, current, plan.steps), _cells(plan, earlier, plan.earlier), as_of)


def _cells(plan: questions.Plan, records: Records, steps: Steps | None) -> dict[Reading, Cells]:
    if steps is None:
        return {}
    return {reading: cells(reading, read, steps, field="resolution") for reading, read in records.items()}
