"""Lists the names that questions about users can have, and the users that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from analytics.product.counting.conditions import column_of
from analytics.product.people.changes import TooManyIds, moved
from analytics.product.segments.event_rows import FIELDS
from analytics.product.segments.reading import MOST_EDGES, KnownNames, days_with_events
from analytics.query.product.asked import shown
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from drishti.errors import QueryError
from drishti.messages.product.names import EventNames, EventNamesQuery, KnownUser, KnownUsers, UsersQuery

MOST_NAMES = 1_000
"""Types of events and properties, each, that are listed."""

MOST_ROWS = 20_000
"""Ids that are looked through for the people of one list."""

_LAST_CHARACTER = "\U0010ffff"


class EventNameLists:
    """Answers ``query.v1.event_names``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: EventNamesQuery) -> EventNames:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.snapshot():
            as_of = await session.value("clock")
            known = KnownNames(session, asked.tenant)
            types = sorted(await known.event_types() | await known.new_event_types())
            columns = {*FIELDS, *await known.columns(), *await known.new_columns(), *await known.of_people()}
        properties = sorted(map(_name_of, columns))
        return EventNames(
            as_of=as_of,
            event_types=types[:MOST_NAMES],
            properties=properties[:MOST_NAMES],
            more=len(types) > MOST_NAMES or len(properties) > MOST_NAMES,
        )


def _name_of(column: str) -> str:
    """The shortest name by which a condition means ``column``."""
    name = shown(column)
    return name if column_of(name) == column else column


class UserLists:
    """Answers ``query.v1.users``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: UsersQuery) -> KnownUsers:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.snapshot():
            as_of = await session.value("clock")
            days = await days_with_events(session, date.min, date.max)
            pending = await _pending_persons(session, asked.tenant)
            rows = asked.limit + 1
            while True:
                ids, cut = await _ids(session, asked, days, rows)
                known = await session.fetch("persons_of_ids", asked.tenant, list(ids))
                users = _people(asked, ids, {**{one["user_id"]: one["person_id"] for one in known}, **pending})
                if not cut or len(users) > asked.limit or rows >= MOST_ROWS:  # many ids may be of few people
                    return KnownUsers(as_of=as_of, users=users[: asked.limit], more=cut or len(users) > asked.limit)
                rows *= 4


async def _ids(session: Session, asked: UsersQuery, days: Sequence[datetime], rows: int) -> tuple[dict[str, date], bool]:
    """The first ids of the list with their last days, in its order, and whether there are more."""
    if asked.prefix:
        between = (asked.prefix, asked.prefix + _LAST_CHARACTER)
        stored = await session.fetch("users_between", asked.tenant, *between, rows)
        beyond = await session.fetch("users_between_beyond", asked.tenant, days, *between, rows)
    else:
        stored = await session.fetch("users_lately", asked.tenant, rows)
        beyond = await session.fetch("users_lately_beyond", asked.tenant, days, rows)
    last: dict[str, date] = {}
    for record in (*stored, *beyond):
        last[record["user_id"]] = max(record["day"], last.get(record["user_id"], date.min))
    by_id = sorted(last.items(), key=lambda user: user[0].encode())
    ordered = by_id if asked.prefix else sorted(by_id, key=lambda user: user[1], reverse=True)
    return dict(ordered[:rows]), max(len(stored), len(beyond)) >= rows or len(ordered) > rows


async def _pending_persons(session: Session, tenant: str) -> dict[str, str]:
    """Of the ids whose person edges change that are not applied yet, that person; raises :class:`QueryError`."""
    edges = await session.fetch("pending_edges", tenant, MOST_EDGES + 1)
    try:
        if len(edges) > MOST_EDGES:
            raise TooManyIds
        touched = {one for edge in edges for one in (edge["from_id"], edge["to_id"])}
        return {one.user_id: one.person_id for one in await moved(session, tenant, touched, most=10 * MOST_EDGES)}
    except TooManyIds:
        raise QueryError(
            "many ids of people are being joined at the moment: ask again in some minutes", "unavailable"
        ) from None


def _people(asked: UsersQuery, ids: Mapping[str, date], persons: Mapping[str, str]) -> list[KnownUser]:
    """Whose these ids are, each person once, where the first of their ids stands."""
    found: dict[str, KnownUser] = {}
    for one, day in ids.items():
        person = persons.get(one, one)
        matched = one if asked.prefix and not person.startswith(asked.prefix) else None
        known = found.setdefault(person, KnownUser(user_id=person, last_day=day.isoformat(), matched=matched))
        known.last_day = max(known.last_day, day.isoformat())
    return list(found.values())
