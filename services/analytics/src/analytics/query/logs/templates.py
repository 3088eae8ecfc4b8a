"""What log records say over and over: their templates, with counts over time and an example of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from analytics.computing import computed
from analytics.logs.otlp import MAX_BODY
from analytics.query.logs import lines
from analytics.query.logs.lines import EPOCH
from analytics.query.logs.search import range_of, service_and_severity
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from drishti.messages.logs import TemplateList, TemplateSearch

MOST_TEMPLATES = 1_000
"""Templates, those with the most records, that are looked at; the others are counted together."""

INLINE_TEMPLATES = 50

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

BY_MINUTES_MS = 3 * HOUR_MS
"""A longer range is counted by hours."""


class Steps(NamedTuple):
    """The whole minutes, or hours, that a range is widened to, and its steps, which are of whole ones, too."""

    hourly: bool
    from_ms: int
    to_ms: int
    width_ms: int

    @property
    def bounds(self) -> list[datetime]:
        """Where each step begins."""
        return [EPOCH + timedelta(milliseconds=at) for at in range(self.from_ms, self.to_ms, self.width_ms)]


def steps_of(from_ms: int, to_ms: int, steps: int) -> Steps:
    """One step more than ``steps`` where the range does not begin with a minute, or hour."""
    hourly = to_ms - from_ms > BY_MINUTES_MS
    unit = HOUR_MS if hourly else MINUTE_MS
    width = -(-(to_ms - from_ms) // (steps * unit)) * unit
    return Steps(hourly, from_ms // unit * unit, -(-to_ms // unit) * unit, width)


class TemplateSearches:
    """Answers ``query.v1.log_templates``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: TemplateSearch) -> TemplateList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        range_of(asked)
        steps = steps_of(asked.from_ms, asked.to_ms, asked.steps)
        bounds = steps.bounds
        end = EPOCH + timedelta(milliseconds=steps.to_ms)
        wanted = [asked.tenant, steps.hourly, bounds[0], end, *service_and_severity(asked)]
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            async with session.transaction():
                await session.value("plan_for_values")
                records = await session.fetch("log_templates", *wanted, bounds, MOST_TEMPLATES, asked.without_service)
            columns = [[record[name] for record in records] for name in ("service", "template", "last")]
            examples = await session.fetch("log_examples", asked.tenant, *columns, MAX_BODY)
            found = await computed(
                lambda: lines.merged(lines.counted(records, examples), asked.limit, len(bounds)),
                in_thread=len(records) > INLINE_TEMPLATES,
            )
            names = await names_of(session, asked.tenant, (template.service for template in found))
        total = records[0]["total"] if records else 0
        return TemplateList(
            from_ms=steps.from_ms,
            to_ms=steps.to_ms,
            as_of=as_of,
            step_ms=steps.width_ms,
            count=total,
            templates=found,
            other=max(0, total - sum(template.count for template in found)),
            service_names=names,
        )
