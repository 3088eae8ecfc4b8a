"""Answers questions about the ids of people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from analytics.errors import StatementTimeout
from analytics.product.counting.breakdowns import number_label
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.personal_sessions import personal_sessions
from analytics.product.counting.sessions import GAP_S
from analytics.product.people.changes import Group
from analytics.product.people.properties import ACCOUNT_OF_USER, Change, current
from analytics.product.people.property_reading import value_of
from analytics.product.segments.own_ids import own_ids
from analytics.product.segments.reading import ProductReading
from analytics.product.segments.segment import Ints, bucket_of
from analytics.query.product.asked import LAST_MS
from analytics.query.product.counting import ProductCounting
from analytics.query.product.person_ids import person_ids
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.messages.product.people import PersonAnswer, PersonDay, PersonQuery

SHOWN_IDS = 1_000
MOST_IDS = 100_000

MOST_REQUEST_IDS = 1_000
"""Requests of a person with more ids are not counted: each id is looked for by itself."""

REQUESTS_S = 2.0
"""How long requests may be counted. No list of them by user is kept, so those of somebody who is in every block take long."""

_EPOCH = date(1970, 1, 1)


class PersonAnswers:
    """Answers ``query.v1.person``."""

    def __init__(self, sessions: Sessions, counting: ProductCounting) -> None:
        self._sessions = sessions
        self._counting = counting

    async def answer(self, asked: PersonQuery) -> PersonAnswer:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        span = 0, LAST_MS
        async with self._counting.snapshot(asked.tenant, "history of this person", span, hint="ask again later") as session:
            as_of = await session.value("clock")
            person = await person_ids(session, asked.tenant, asked.user_id, most=MOST_IDS)
            times = np.sort(await _times(session, asked.tenant, person.ids, person.group))
            properties, account = await _properties(session, asked.tenant, person.ids)
        requests = await self._requests(asked.tenant, person.ids)
        if not len(times) and not requests and len(person.ids) == 1:
            raise QueryError("nothing that this user did is stored", "unknown", "user_id")
        return PersonAnswer(
            as_of=as_of,
            person_id=person.person_id,
            ids=person.ids[:SHOWN_IDS],
            id_count=len(person.ids),
            events=len(times),
            first_ms=int(times[0]) if len(times) else None,
            last_ms=int(times[-1]) if len(times) else None,
            sessions=len(personal_sessions(times, GAP_S * 1_000).starts),
            requests=None if requests is None else sum(record["requests"] for record in requests),
            failed_requests=None if requests is None else sum(record["failed"] for record in requests),
            days=_days(times, requests or ()),
            properties=properties,
            account=account,
        )

    async def _requests(self, tenant: str, ids: Sequence[str]) -> Sequence[Record] | None:
        """Requests by UTC day; ``None`` where they would take too long to count."""
        if len(ids) > MOST_REQUEST_IDS:
            return None
        async with self._sessions.turn(tenant), self._sessions.session() as session:
            try:
                async with session.transaction():
                    await session.execute("prefer_indexes")
                    return await session.fetch("requests_of_user_by_day", tenant, ids, within_s=REQUESTS_S)
            except StatementTimeout:
                return None


def _days(times: Ints, requests: Sequence[Record]) -> list[PersonDay]:
    days, counts = np.unique(times // DAY_MS, return_counts=True)
    events = {_EPOCH + timedelta(days=day): count for day, count in zip(days.tolist(), counts.tolist(), strict=True)}
    by_day = {record["day"]: record for record in requests}
    return [
        PersonDay(
            day=day.isoformat(),
            events=events.get(day, 0),
            requests=by_day[day]["requests"] if day in by_day else 0,
            failed_requests=by_day[day]["failed"] if day in by_day else 0,
        )
        for day in sorted({*events, *by_day})
    ]


async def _properties(session: Session, tenant: str, ids: Sequence[str]) -> tuple[dict[str, str], str | None]:
    """The properties that the person has now, and their account."""
    hashes = [record["hash"] for record in await session.fetch("id_hashes", ids)]
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for row in await session.fetch("properties_of", tenant, "user", hashes):
        change = Change(0, row["at"], row["event_id"], row["op"], value_of(row["text"], row["number"]))
        changes[row["name"]].append(change)
    values = {name: current(changes[name]) for name in sorted(changes)}
    account = values.pop(ACCOUNT_OF_USER, None)
    found = {
        name: value if isinstance(value, str) else number_label(value) for name, value in values.items() if value is not None
    }
    return found, account if isinstance(account, str) else None


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
