"""What log records say over and over: their templates, with counts over time and an example of each."""

from __future__ import annotations

from collections import defaultdict

from analytics.computing import computed
from analytics.logs.otlp import MAX_BODY
from analytics.query.logs import lines
from analytics.query.logs.search import names_of, range_of, service_and_severity
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
            records = await session.fetch("log_templates", *wanted, MOST_TEMPLATES)
            columns = [[record[name] for record in records] for name in ("service", "template", "last")]
            examples = await session.fetch("log_examples", asked.tenant, *columns, MAX_BODY)
            found = await computed(
                lambda: lines.merged(lines.counted(records, examples), asked.limit), in_thread=len(records) > INLINE_TEMPLATES
            )
            width = (end - begin) / asked.steps
            bounds = [begin + n * width for n in range(asked.steps)] + [end]
            those = [part.template for _, parts in found for part in parts]
            steps: defaultdict[tuple[str, int], dict[int, int]] = defaultdict(dict)
            for record in await session.fetch("log_template_steps", *wanted, those, bounds) if those else ():
                steps[record["service"], record["template"]][record["step"]] = record["count"]
            lines.put_counts(found, steps, asked.steps)
            names = await names_of(session, asked.tenant, (template.service for template, _ in found))
        total = records[0]["total"] if records else 0
        return TemplateList(
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            as_of=as_of,
            step_ms=(asked.to_ms - asked.from_ms) / asked.steps,
            count=total,
            templates=[template for template, _ in found],
            other=max(0, total - sum(template.count for template, _ in found)),
            service_names=names,
        )
