"""Shows which ids were joined, and undoes it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import msgspec

from analytics.product.people.changes import TooManyIds, edge_of, group_of
from analytics.product.people.merging import joining
from analytics.product.segments.reading import UserIds
from analytics.query.product.people import MOST_IDS
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from analytics.storage.rows import Record, epoch_ms
from drishti.errors import QueryError
from drishti.messages.product.people import Merge, MergesAnswer, MergesQuery, UndoMerge

_decode_key = msgspec.json.Decoder(tuple[str, str, str]).decode
_FIRST = ("", "", "")


class MergeLists:
    """Answers ``query.v1.people_merges``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: MergesQuery) -> MergesAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        kind, from_id, to_id = _key_of(asked.cursor) if asked.cursor else _FIRST
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.snapshot():
            as_of = await session.value("clock")
            try:
                group = await group_of(session, asked.tenant, [asked.user_id], most=MOST_IDS)
            except TooManyIds:
                raise QueryError(f"more than {MOST_IDS:,} ids are this person's", field="user_id") from None
            person = group.now[asked.user_id]
            ids = sorted(one for one, of in group.now.items() if of == person)
            given = (asked.tenant, ids, kind, from_id, to_id, asked.limit + 1)
            records = await session.fetch("merges_of_ids", *given)
            merges = await _merges(session, asked.tenant, records[: asked.limit])
            if not merges and not asked.cursor:
                await _check_known(session, asked)
        more = len(records) > asked.limit
        return MergesAnswer(as_of=as_of, person_id=person, merges=merges, cursor=_cursor_after(merges[-1]) if more else "")


class MergeUndoing:
    """Answers ``query.v1.people_undo``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: UndoMerge) -> Merge:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        key = (asked.tenant, asked.kind, asked.from_id, asked.to_id)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.transaction():
            await session.execute("undo_merge", *key)
            merges = await _merges(session, asked.tenant, await session.fetch("merge", *key))
        if not merges:
            raise QueryError("no event has said this: `people/merges` lists what was said", "unknown", "from_id")
        return merges[0]


async def _check_known(session: Session, asked: MergesQuery) -> None:
    (record,) = await session.fetch("id_hashes", [asked.user_id])
    if not await UserIds(session, asked.tenant).of([record["hash"]]):
        raise QueryError("no event of this user is stored", "unknown", "user_id")


async def _merges(session: Session, tenant: str, records: Iterable[Record]) -> list[Merge]:
    records = list(records)
    around = await session.fetch("joining_edges", tenant, sorted({record["from_id"] for record in records}))
    joined = set(joining(map(edge_of, around)))
    return [
        Merge(
            kind=record["kind"],
            from_id=record["from_id"],
            to_id=record["to_id"],
            state="undone" if record["undone"] else "joined" if _joins(record) in joined else "ignored",
            at_ms=epoch_ms(record["at"]),
            event_id=record["event_id"],
            undone_ms=None if record["undone_at"] is None else epoch_ms(record["undone_at"]),
        )
        for record in records
    ]


def _joins(record: Record) -> tuple[str, str, bool]:
    return record["from_id"], record["to_id"], record["kind"] == "identify"


def _cursor_after(merge: Merge) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((merge.kind, merge.from_id, merge.to_id))).decode()


def _key_of(cursor: str) -> tuple[str, str, str]:
    try:
        key = _decode_key(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        key = None
    if key is None or any("\0" in part for part in key):
        raise QueryError("must be the cursor of an answer", field="cursor")
    return key
