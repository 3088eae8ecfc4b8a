"""Answers where a trouble began, from the sums of minutes and from gauges."""

from __future__ import annotations

from analytics.computing import computed
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces.minutes import LIVE_S, Minutes, read_minutes
from analytics.spans.root_cause import answers
from analytics.spans.root_cause.ranking import rank
from analytics.spans.root_cause.sums import Sums, merged
from analytics.spans.root_cause.usual import quiet
from analytics.storage.database import Session
from analytics.traces.minute_reading import minute_of
from analytics.traces.minute_sums import EVIDENCE
from drishti.messages import subjects
from drishti.messages.root_causes import RootCauseAnswer, RootCauseQuery

MINUTE_MS = 60_000

MAX_GAUGES = 20_000
"""Samples of gauges by service and minute that are read."""


class RootCauses:
    """Answers ``query.v1.root_cause``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: RootCauseQuery) -> RootCauseAnswer:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        begin = first_minute(asked.from_ms, asked.to_ms)
        usual_from = (begin - asked.usual_minutes) * MINUTE_MS
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            window = await read_minutes(session, asked.tenant, EVIDENCE, begin * MINUTE_MS, asked.to_ms, live_s=LIVE_S / 2)
            before = await read_minutes(session, asked.tenant, EVIDENCE, usual_from, begin * MINUTE_MS, live_s=LIVE_S / 2)
            gauges = await _gauges(session, asked, usual_from)

            def ranked() -> RootCauseAnswer:
                return answers.answer(
                    asked,
                    rank(
                        merged([*_sums(window).values(), *(sums for at, sums in gauges.items() if at >= begin)]),
                        quiet(_with(_sums(before), gauges), begin),
                        excluded=None if asked.own else subjects.is_own,
                    ),
                    as_of=as_of,
                    complete_to=window.complete_to,
                    usual_from=usual_from,
                )

            answer = await computed(ranked, in_thread=True)
            answer.service_names = await names_of(session, asked.tenant, answers.services(answer))
            return answer


def first_minute(from_ms: int, to_ms: int) -> int:
    """The first minute since 1970 that is looked at. One of which most is before ``from_ms`` is not, unless there is no
    other: it says more of what was before."""
    return min((from_ms + MINUTE_MS // 2) // MINUTE_MS, (to_ms - 1) // MINUTE_MS)


def _sums(found: Minutes) -> dict[int, Sums]:
    """By the minute since 1970."""
    return {int(minute.start.timestamp()) // 60: Sums.decode(minute.sums) for minute in found.minutes}


def _with(minutes: dict[int, Sums], gauges: dict[int, Sums]) -> dict[int, Sums]:
    for minute, sums in gauges.items():
        minutes.setdefault(minute, Sums()).merge(sums)
    return minutes


async def _gauges(session: Session, asked: RootCauseQuery, usual_from: int) -> dict[int, Sums]:
    """Gauges of load by the minute since 1970, as sums."""
    found: dict[int, Sums] = {}
    records = await session.fetch(
        "gauges_of_load", asked.tenant, minute_of(usual_from), minute_of(asked.to_ms + MINUTE_MS - 1), MAX_GAUGES
    )
    for record in records:
        sums = found.setdefault(int(record["minute"].timestamp()) // 60, Sums())
        sums.add_gauge(record["service"], record["metric"], record["value"])
    return found
