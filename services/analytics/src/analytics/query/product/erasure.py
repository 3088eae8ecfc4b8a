"""Takes orders to erase users, and shows the receipts."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime

import msgspec

from analytics.erasure.named import hash_of
from analytics.errors import LockTimeout
from analytics.event_metrics.table import LOCK_TIMEOUT
from analytics.product.people.changes import TooManyIds, group_of
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from analytics.storage.rows import Record, epoch_ms
from drishti.errors import QueryError
from drishti.messages.event_times import NEWEST
from drishti.messages.product.erasure import EraseUser, Erasure, ErasureList, ErasureQuery, ErasuresQuery

_decode_counts = msgspec.json.Decoder(dict[str, int]).decode

FOREVER_YEAR = 9000
TRIES = 3
MOST_IDS = 10_000
PAUSE_S = 0.2


class UserErasing:
    """Answers ``query.v1.erase_user``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: EraseUser) -> Erasure:
        """The erasure, which has begun: nothing of the user from before is stored from now on. One that runs already is
        extended. Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        for _ in range(TRIES):
            try:
                async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
                    return await _begin(session, asked)
            except LockTimeout:  # a long transaction of a writer
                await asyncio.sleep(PAUSE_S)
        raise QueryError("the erasure could not begin beside what is being stored: ask again", "unavailable")


async def _begin(session: Session, asked: EraseUser) -> Erasure:
    user_hash = hash_of(asked.tenant, asked.user_id)
    async with session.transaction():
        await session.execute("limit_lock_wait", LOCK_TIMEOUT)
        await session.execute("change_event_metrics")
        ids = await _ids_of_person(session, asked)
        added = (asked.tenant, user_hash, ids, asked.asked_by, asked.block, NEWEST.total_seconds())
        (record,) = await session.fetch("add_erasure", *added)
        hashes = [hash_of(asked.tenant, user) for user in ids]
        await session.execute("put_tombstones", asked.tenant, hashes, record["before"])
        await session.execute("next_tombstone_epoch")
    return receipt(record)


async def _ids_of_person(session: Session, asked: EraseUser) -> list[str]:
    """All ids that are or were one person with the user, of whom the anonymous ones tell as much."""
    try:
        group = await group_of(session, asked.tenant, [asked.user_id], most=MOST_IDS)
    except TooManyIds:
        raise QueryError(
            f"more than {MOST_IDS:,} ids were merged into one with this user: undo that first", field="user_id"
        ) from None
    return sorted({asked.user_id, *(one for one, person in group.now.items() if person == group.now.get(asked.user_id))})


class ErasureAnswers:
    """Answers ``query.v1.erasure``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ErasureQuery) -> Erasure:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        try:
            wanted = uuid.UUID(asked.id)
        except ValueError:
            raise _unknown() from None
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            found = await session.fetch("erasure", asked.tenant, wanted)
        if not found:
            raise _unknown()
        return receipt(found[0])


class ErasureLists:
    """Answers ``query.v1.erasures``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ErasuresQuery) -> ErasureList:
        """Raises :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            records = await session.fetch("erasures", asked.tenant, asked.limit)
        return ErasureList(erasures=[receipt(record) for record in records])


def receipt(record: Record) -> Erasure:
    """A row of ``erasures`` without the ids."""
    before: datetime = record["before"]
    finished: datetime | None = record["finished_at"]
    return Erasure(
        id=str(record["id"]),
        state="running" if finished is None else "done",
        user_hash=record["user_hash"].hex(),
        asked_by=record["asked_by"],
        asked_ms=epoch_ms(record["asked_at"]),
        before_ms=None if _is_forever(before) else epoch_ms(before),
        finished_ms=None if finished is None else epoch_ms(finished),
        removed=_decode_counts(record["removed"]),
    )


def _is_forever(at: datetime) -> bool:
    return at.year >= FOREVER_YEAR


def _unknown() -> QueryError:
    return QueryError("there is no such erasure", "unknown", "id")
