"""What edges change about who is who, read in one snapshot of a session: the ids whose person is another than segments say."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from analytics.product.people.merging import Edge, joining, persons
from analytics.storage.database import Session
from analytics.storage.rows import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class TooManyIds(Exception):
    """More ids are to be looked at than was allowed."""


class Moved(NamedTuple):
    """An id, by its hash, that is to be counted as another person than segments say."""

    hash: int
    user_id: str
    before: int
    person: int
    person_id: str


class Group(NamedTuple):
    """Ids that were or are one person with those that were asked for: by id, the person as segments have it, and as it is."""

    before: dict[str, str]
    now: dict[str, str]


async def moved(session: Session, tenant: str, touched: Collection[str], *, most: int) -> list[Moved]:
    """The ids whose persons change by edges that touch these ids; raises :class:`TooManyIds`."""
    if not touched:
        return []
    group = await group_of(session, tenant, touched, most=most)
    changed = {one: person for one, person in group.now.items() if person != group.before.get(one, one)}
    texts = {*changed, *changed.values(), *(group.before.get(one, one) for one in changed)}
    hashes = {record["id"]: record["hash"] for record in await session.fetch("id_hashes", sorted(texts))}
    return [
        Moved(hashes[one], one, hashes[group.before.get(one, one)], hashes[person], person)
        for one, person in sorted(changed.items())
    ]


async def group_of(session: Session, tenant: str, touched: Iterable[str], *, most: int) -> Group:
    """All ids that are or were connected with ``touched``; raises :class:`TooManyIds`."""
    known: set[str] = set()
    edges: set[Edge] = set()
    before: dict[str, str] = {}
    next_ids = set(touched)
    while next_ids:
        known |= next_ids
        if len(known) > most:
            raise TooManyIds
        ids = sorted(next_ids)
        edges.update(map(edge_of, await session.fetch("joining_edges", tenant, ids)))
        siblings = await session.fetch("person_siblings", tenant, ids)
        before |= {record["user_id"]: record["person_id"] for record in siblings}
        next_ids = {one for record in siblings for one in (record["user_id"], record["person_id"])}
        next_ids |= {one for from_id, to_id, _ in joining(edges) for one in (from_id, to_id)}
        next_ids -= known
    now = persons(edges)
    return Group(before, {one: now.get(one, one) for one in known})


def edge_of(record: Record) -> Edge:
    """A row of ``person_edges``."""
    at = (record["at"] - _EPOCH) // _US
    return Edge(record["kind"], record["from_id"], record["to_id"], at, record["event_id"], record["undone"])
