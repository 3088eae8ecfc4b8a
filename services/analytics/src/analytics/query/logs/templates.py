"""What log records say over and over: their templates, with counts over time and an example of each."""

from __future__ import annotations

from analytics.computing import computed
from analytics.logs.otlp import MAX_BODY
from analytics.query.logs import lines
from analytics.query.logs.search import range_of, service_and_severity
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from drishti.messages.logs import TemplateList, TemplateSearch

MOST_TEMPLATES = 1_000
"""Templates, those with the most records, that are looked at; the others are counted together."""

INLINE_TEMPLATES = 50


class TemplateSearches:
    """Answers ``query.v1.log_templates``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TemplateSearch) -> TemplateList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        begin, end = range_of(asked)
        wanted = [asked.tenant, begin, end, *service_and_severity(asked)]
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            width = (end - begin) / asked.steps
            bounds = [begin + n * width for n in range(asked.steps)]
            async with session.transaction():
                await session.value("plan_for_values")
                records = await session.fetch("log_templates", *wanted, bounds, MOST_TEMPLATES)
            columns = [[record[name] for record in records] for name in ("service", "template", "last")]
            examples = await session.fetch("log_examples", asked.tenant, *columns, MAX_BODY)
            found = await computed(
                lambda: lines.merged(lines.counted(records, examples), asked.limit, asked.steps),
                in_thread=len(records) > INLINE_TEMPLATES,
            )
            names = await names_of(session, asked.tenant, (template.service for template in found))
        total = records[0]["total"] if records else 0
        return TemplateList(
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            as_of=as_of,
            step_ms=(asked.to_ms - asked.from_ms) / asked.steps,
            count=total,
            templates=found,
            other=max(0, total - sum(template.count for template in found)),
            service_names=names,
        )
