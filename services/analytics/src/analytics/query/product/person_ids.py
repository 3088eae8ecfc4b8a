"""All ids of the person whose one id is given."""

from __future__ import annotations

from typing import NamedTuple

from analytics.product.people.changes import Group, TooManyIds, group_of
from analytics.storage.database import Session
from drishti.errors import QueryError


class PersonIds(NamedTuple):
    """``ids``: ``person_id`` first, the others by the order of their characters; ``group``: those that are connected."""

    person_id: str
    ids: list[str]
    group: Group


async def person_ids(session: Session, tenant: str, user_id: str, *, most: int) -> PersonIds:
    """Raises :class:`QueryError` where they are more than ``most``."""
    try:
        group = await group_of(session, tenant, [user_id], most=most)
    except TooManyIds:
        raise QueryError(f"more than {most:,} ids are this person's", field="user_id") from None
    person = group.now[user_id]
    ids = sorted(one for one, of in group.now.items() if of == person)
    ids.sort(key=lambda one: one != person)
    return PersonIds(person, ids, group)
