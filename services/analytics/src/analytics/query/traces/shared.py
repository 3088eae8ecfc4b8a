"""Answers what the failing or slow traces of a range share."""

from __future__ import annotations

from analytics.query.sessions import Sessions
from analytics.query.traces.conditions import instant
from analytics.spans.comparison import Bad, Finding
from analytics.spans.trace_properties import Property
from analytics.traces.bad_traces import Window, compare
from drishti.errors import QueryError
from drishti.messages import subjects
from drishti.messages.span_errors import SharedAnswer, SharedFinding, SharedProperty, SharedSearch


class SharedAnswers:
    """Answers ``query.v1.shared``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: SharedSearch) -> SharedAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        bad = Bad(asked.bad)
        if bad is Bad.SLOW and asked.error:
            raise QueryError("traces with an error are failing ones, not slow ones", field="error")
        if bad is Bad.FAILING and asked.min_duration_ms is not None:
            raise QueryError("is for slow traces: ask with bad=slow", field="min_duration_ms")
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            service = subjects.token(asked.service) if asked.service else ""
            operations = [
                record["id"]
                for record in await session.fetch("operations_of_tenant", asked.tenant)
                if (record["service"] == service if service else not subjects.is_own(record["service"]))
                and (not asked.operation or record["operation"] == asked.operation)
            ]
            window = Window(
                tenant=asked.tenant,
                start=instant(asked.from_ms),
                end=instant(asked.to_ms),
                operations=operations,
                own=subjects.is_own(service),
                bad=bad,
                slow_ns=None if asked.min_duration_ms is None else round(asked.min_duration_ms * 1e6),
                error=int.from_bytes(bytes.fromhex(asked.error), "big", signed=True) if asked.error else None,
            )
            shared, sampled = await compare(session, window, top=asked.limit)
        return SharedAnswer(
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            as_of=as_of,
            bad=shared.bad,
            rest=shared.rest,
            tried=shared.tried,
            sampled=sampled,
            reason=shared.reason,
            findings=[_finding(found) for found in shared.findings],
        )


def _finding(found: Finding) -> SharedFinding:
    return SharedFinding(
        property=_property(found.property),
        text=str(found),
        bad_with=found.bad_with,
        bad=found.bad,
        rest_with=found.rest_with,
        rest=found.rest,
        lift=round(found.lift, 3),
        p_value=found.p_value,
        other_names=[_property(one) for one in found.other_names],
        related=[_property(one) for one in found.related],
        traces=[trace_id.hex() for trace_id in found.traces],
    )


def _property(one: Property) -> SharedProperty:
    return SharedProperty(kind=one.kind.value, name=one.name, value=one.value, text=str(one))
