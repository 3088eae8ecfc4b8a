"""Answers questions about the ids of people."""

from __future__ import annotations

from analytics.product.people.changes import TooManyIds, group_of
from analytics.query.sessions import Sessions
from drishti.errors import QueryError
from drishti.messages.product.people import PersonAnswer, PersonQuery

SHOWN_IDS = 1_000
MOST_IDS = 100_000


class PersonAnswers:
    """Answers ``query.v1.person``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: PersonQuery) -> PersonAnswer:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.snapshot():
            as_of = await session.value("clock")
            try:
                group = await group_of(session, asked.tenant, [asked.user_id], most=MOST_IDS)
            except TooManyIds:
                raise QueryError(f"more than {MOST_IDS:,} ids are this person's", field="user_id") from None
        person = group.now[asked.user_id]
        ids = sorted(one for one, of in group.now.items() if of == person)
        ids.sort(key=lambda one: one != person)
        return PersonAnswer(as_of=as_of, person_id=person, ids=ids[:SHOWN_IDS], id_count=len(ids))
