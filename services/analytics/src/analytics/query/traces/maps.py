"""Answers who calls whom, what requests waited for, and how long messages wait, from the sums of minutes."""

from __future__ import annotations

from analytics.computing import computed
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces.minutes import Minutes, a_day_before, read_minutes
from analytics.spans import bottleneck_answers, queue_answers, service_map_answers
from analytics.traces.hour_sums import bottlenecks_of, map_of, queues_of
from analytics.traces.minute_sums import BOTTLENECKS, MAP, QUEUES
from drishti.messages import subjects
from drishti.messages.bottlenecks import BottlenecksAnswer, BottlenecksQuery
from drishti.messages.field_types import any_of
from drishti.messages.queues import QueuesAnswer, QueuesQuery
from drishti.messages.service_maps import ServiceMapAnswer, ServiceMapQuery

INLINE_BYTES = 64 * 1024
"""Larger sums, encoded, are merged in a thread: that takes about a millisecond for 10 KiB."""


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
                    map_of(found.counted()),
                    from_ms=asked.from_ms,
                    to_ms=asked.to_ms,
                    as_of=as_of,
                    complete_to=found.complete_to,
                    covered_s=found.covered_s,
                    around=frozenset(subjects.token(service) for service in any_of(asked.service, asked.services)),
                )

            answer = await computed(merged, in_thread=_size(found) > INLINE_BYTES)
            answer.service_names = await names_of(session, asked.tenant, service_map_answers.services(answer))
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
                    asked,
                    bottlenecks_of(now.counted()),
                    bottlenecks_of(before.counted()),
                    as_of=as_of,
                    complete_to=now.complete_to,
                )

            answer = await computed(merged, in_thread=_size(now, before) > INLINE_BYTES)
            answer.service_names = await names_of(session, asked.tenant, bottleneck_answers.services(answer))
            return answer


class QueueAnswers:
    """Answers ``query.v1.queues``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: QueuesQuery) -> QueuesAnswer:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            found = await read_minutes(session, asked.tenant, QUEUES, asked.from_ms, asked.to_ms)

            def merged() -> QueuesAnswer:
                return queue_answers.answer(
                    queues_of(found.counted()),
                    from_ms=asked.from_ms,
                    to_ms=asked.to_ms,
                    as_of=as_of,
                    complete_to=found.complete_to,
                    covered_s=found.covered_s,
                    service=subjects.token(asked.service) if asked.service else "",
                )

            answer = await computed(merged, in_thread=_size(found) > INLINE_BYTES)
            answer.service_names = await names_of(session, asked.tenant, {queue.service for queue in answer.queues})
            return answer


def _size(*found: Minutes) -> int:
    """Bytes of encoded sums."""
    return sum(len(minute.sums) for minutes in found for minute in minutes.minutes)
