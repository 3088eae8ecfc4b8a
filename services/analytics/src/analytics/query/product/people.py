"""Answers questions about the ids of people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.product.people.changes import Group, TooManyIds, group_of
from analytics.product.segments.own_ids import own_ids
from analytics.product.segments.reading import ProductReading, TooManyRows
from analytics.product.segments.segment import Ints, bucket_of
from analytics.query.product.asked import LAST_MS
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
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
            try:
                times = await _times(session, asked.tenant, ids, group)
            except TooManyRows:
                raise QueryError("events are still being compacted: ask again in some minutes", "unavailable") from None
        if not len(times) and len(ids) == 1:
            raise QueryError("no event of this user is stored", "unknown", "user_id")
        return PersonAnswer(
            as_of=as_of,
            person_id=person,
            ids=ids[:SHOWN_IDS],
            id_count=len(ids),
            events=len(times),
            first_ms=int(times.min()) if len(times) else None,
            last_ms=int(times.max()) if len(times) else None,
        )


async def _times(session: Session, tenant: str, ids: Sequence[str], group: Group) -> Ints:
    """When events with one of these ids happened, in ms since 1970."""
    before = [group.before.get(one, one) for one in ids]
    hashes = {record["id"]: record["hash"] for record in await session.fetch("id_hashes", sorted({*ids, *before}))}
    own = np.array([hashes[one] for one in ids], np.int64)
    reading = ProductReading(session, tenant, from_ms=0, to_ms=LAST_MS, columns=[])
    found: list[Ints] = [np.empty(0, np.int64)]
    for bucket in sorted(set(bucket_of(np.array([hashes[one] for one in before], np.int64)).tolist())):
        days = await reading.bucket(bucket)
        found += [day.start_ms + day.segment.t[np.isin(own_ids(day.segment), own)].astype(np.int64) for day in days]
    return np.concatenate(found)
