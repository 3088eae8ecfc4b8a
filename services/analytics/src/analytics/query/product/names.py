"""Lists the names that questions about users can have, and the users that there are."""

from __future__ import annotations

from datetime import date

from analytics.product.counting.conditions import column_of
from analytics.product.segments.event_rows import FIELDS
from analytics.product.segments.reading import KnownNames, days_with_events
from analytics.query.product.asked import shown
from analytics.query.sessions import Sessions
from drishti.messages.product.names import EventNames, EventNamesQuery, KnownUser, KnownUsers, UsersQuery

MOST_NAMES = 1_000
"""Types of events and properties, each, that are listed."""

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
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        limit = asked.limit + 1
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.snapshot():
            as_of = await session.value("clock")
            days = await days_with_events(session, date.min, date.max)
            if asked.prefix:
                between = (asked.prefix, asked.prefix + _LAST_CHARACTER)
                stored = await session.fetch("users_between", asked.tenant, *between, limit)
                beyond = await session.fetch("users_between_beyond", asked.tenant, days, *between, limit)
            else:
                stored = await session.fetch("users_lately", asked.tenant, limit)
                beyond = await session.fetch("users_lately_beyond", asked.tenant, days, limit)
        last: dict[str, date] = {}
        for record in (*stored, *beyond):
            last[record["user_id"]] = max(record["day"], last.get(record["user_id"], date.min))
        by_id = sorted(last.items(), key=lambda user: user[0].encode())
        ordered = by_id if asked.prefix else sorted(by_id, key=lambda user: user[1], reverse=True)
        users = [KnownUser(user_id=user, last_day=day.isoformat()) for user, day in ordered[: asked.limit]]
        return KnownUsers(as_of=as_of, users=users, more=len(ordered) > asked.limit)
