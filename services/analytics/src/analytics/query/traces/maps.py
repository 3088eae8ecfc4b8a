"""Answers who calls whom, and what requests waited for, from the sums of minutes."""

from __future__ import annotations

from analytics.computing import computed
from analytics.query.sessions import Sessions
from analytics.query.traces.minutes import Minutes, a_day_before, read_minutes
from analytics.spans import bottleneck_answers, service_map_answers
from analytics.spans.bottlenecks import Bottlenecks
from analytics.spans.service_map import ServiceMap
from analytics.storage.database import Session
from analytics.traces.minute_sums import BOTTLENECKS, MAP
from drishti.messages.bottlenecks import BottlenecksAnswer, BottlenecksQuery
from drishti.messages.field_types import ServiceNames
from drishti.messages.service_maps import ServiceMapAnswer, ServiceMapQuery

INLINE_MINUTES = 10
"""Sums of more minutes are merged in a thread."""


class ServiceMaps:
    """Answers ``query.v1.service_map``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ServiceMapQuery) -> ServiceMapAnswer:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            found = await read_minutes(session, asked.tenant, MAP, asked.from_ms, asked.to_ms)

            def merged() -> ServiceMapAnswer:
                return service_map_answers.answer(
                    merged_maps(found),
                    from_ms=asked.from_ms,
                    to_ms=asked.to_ms,
                    as_of=as_of,
                    complete_to=found.complete_to,
                    service=asked.service,
                )

            answer = await computed(merged, in_thread=len(found.minutes) > INLINE_MINUTES)
            answer.service_names = await _names(session, asked.tenant, service_map_answers.services(answer))
            return answer


class BottleneckAnswers:
    """Answers ``query.v1.bottlenecks``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: BottlenecksQuery) -> BottlenecksAnswer:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            now = await read_minutes(session, asked.tenant, BOTTLENECKS, asked.from_ms, asked.to_ms)
            yesterday = a_day_before(asked.from_ms), a_day_before(asked.to_ms)
            before = await read_minutes(session, asked.tenant, BOTTLENECKS, *yesterday)

            def merged() -> BottlenecksAnswer:
                return bottleneck_answers.answer(
                    asked, merged_bottlenecks(now), merged_bottlenecks(before), as_of=as_of, complete_to=now.complete_to
                )

            minutes = len(now.minutes) + len(before.minutes)
            answer = await computed(merged, in_thread=minutes > INLINE_MINUTES)
            answer.service_names = await _names(session, asked.tenant, bottleneck_answers.services(answer))
            return answer


def merged_maps(found: Minutes) -> ServiceMap:
    """One map of all minutes; that of a sample of one in n traces counts n times."""
    whole = ServiceMap()
    for minute, one in found.decoded(ServiceMap.decode):
        whole.merge(one.scaled(minute.one_in))
    return whole


def merged_bottlenecks(found: Minutes) -> Bottlenecks:
    """One sum of all minutes; ``seen`` counts those too that a sample has left out."""
    whole = Bottlenecks()
    for minute, one in found.decoded(Bottlenecks.decode):
        one.seen = one.walked * minute.one_in
        whole.merge(one)
    return whole


async def _names(session: Session, tenant: str, services: list[str]) -> ServiceNames:
    records = await session.fetch("service_names", tenant, sorted(services))
    return {record["service"]: record["name"] for record in records}
