"""Removes what names a user from the database: day by day, each with its segments, and table by table.

Each partition is one transaction with its part of the receipt, so whoever is killed goes on where they were, and counts nothing
twice. No row of the user is added meanwhile (:mod:`analytics.ingest.tombstones`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from analytics.erasure.named import Named, labels_for
from analytics.product.segments.compaction import rewriting
from analytics.product.segments.reading import days_with_events
from analytics.product.segments.segment import StoredColumn, bucket_of, decode, encode, without
from analytics.product.segments.stored import SEGMENT_COLUMNS
from analytics.storage.database import Session
from analytics.storage.error_rows import ERRORS
from analytics.storage.rows import Record
from analytics.storage.span_rows import KEPT_SPANS, SPANS
from analytics.storage.tables import LOG_RECORDS, Partition, Table, partition_named

REQUESTS = Table("requests")


class Erased(NamedTuple):
    """An erasure that runs: ``named`` is the user, of whom what happened ``before`` goes."""

    id: str
    tenant: str
    named: Named
    before: datetime


class RowErasing:
    """Removes the rows of one erasure."""

    def __init__(self, session: Session, erased: Erased) -> None:
        self._session = session
        self._erased = erased
        self._named = erased.named
        self._hashes: list[int] = []

    async def run(self) -> None:
        """Raises :class:`DatabaseAway`; may be called again, also by another process."""
        records = await self._session.fetch("hashes_of_users", [*self._named.ids])
        self._hashes = [record["hash"] for record in records]
        for day in await self._days():
            await self._erase_day(day)
        ids = [*self._named.ids]
        attributes = self._named.attributes
        # Spans that are to be kept go from the first of these to the second, never back.
        await self._erase_table(REQUESTS, "erase_requests", ids)
        await self._erase_table(SPANS, "erase_spans", ids, attributes)
        await self._erase_table(KEPT_SPANS, "erase_kept_spans", ids, attributes)
        await self._erase_table(LOG_RECORDS, "erase_log_records", attributes, self._named.members)
        await self._erase_table(ERRORS, "erase_users_of_errors", ids)
        async with self._session.transaction():
            label = labels_for(self._erased.id)
            await self._removed("series", await self._session.execute("erase_labels", self._erased.tenant, ids, label))
        await self._erase_user_ids()

    async def _days(self) -> list[datetime]:
        """The days that have events of the user, by segments and by the rows that are in none yet."""
        known = {day.date(): day for day in await days_with_events(self._session, *_ALL_DAYS)}
        found = set()
        for user in self._hashes:
            given = (self._erased.tenant, _bucket(user), user.to_bytes(8, "little", signed=True))
            found |= {record["day"] for record in await self._session.fetch("days_of_user_in_segments", *given)}
        beyond = (self._erased.tenant, [*known.values()], [*self._named.ids])
        found |= {record["day"] for record in await self._session.fetch("days_of_users_beyond", *beyond)}
        return [at for day, at in sorted(known.items()) if day in found]

    async def _erase_day(self, day: datetime) -> None:
        session, tenant = self._session, self._erased.tenant
        until = min(day + timedelta(days=1), self._erased.before)
        if until <= day:
            return
        async with rewriting(session), session.transaction():
            await session.execute("lock_mark", day.date())
            await self._removed("events", await session.execute("erase_events", tenant, day, until, [*self._named.ids]))
            before_t = int((until - day) / timedelta(milliseconds=1))
            for bucket in sorted({_bucket(user) for user in self._hashes}):
                await self._rewrite(day, bucket, before_t)

    async def _rewrite(self, day: datetime, bucket: int, before_t: int) -> None:
        session, tenant, of_day = self._session, self._erased.tenant, day.date()
        records = await session.fetch("segments_of_bucket", tenant, bucket, of_day, of_day, None)
        if not records:
            return
        users = [user for user in self._hashes if _bucket(user) == bucket]
        before, columns, rows = await asyncio.to_thread(_without, records, users, before_t)
        if rows == before:
            return
        await session.execute("delete_segment", tenant, of_day, bucket)
        if rows:
            await session.copy("segments", SEGMENT_COLUMNS, [(tenant, of_day, bucket, c.name, rows, *c[1:]) for c in columns])
        await self._removed("events in segments", before - rows)

    async def _erase_table(self, table: Table, statement: str, *named: Any) -> None:
        records = await self._session.fetch("list_partitions", [table.name])
        partitions = [found for record in records if (found := partition_named(table, record["partition"]))]
        for partition in sorted(partitions, key=_start):
            until = min(partition.ends, self._erased.before)
            if partition.starts < until:
                async with self._session.transaction():
                    given = (self._erased.tenant, partition.starts, until, *named)
                    await self._removed(table.name, await self._session.execute(statement, *given))

    async def _erase_user_ids(self) -> None:
        """But for who has come back since."""
        async with rewriting(self._session), self._session.transaction():
            gone = []
            for user in self._hashes:
                given = (self._erased.tenant, _bucket(user), user.to_bytes(8, "little", signed=True))
                if not await self._session.fetch("days_of_user_in_segments", *given):
                    gone.append(user)
            edges = (self._erased.tenant, [*self._named.ids], self._erased.before)
            await self._removed("person_edges", await self._session.execute("erase_person_edges", *edges))
            if len(gone) == len(self._hashes):
                await self._removed("person_ids", await self._session.execute("erase_person_ids", *edges[:2]))
            await self._removed("user_ids", await self._session.execute("erase_user_ids", self._erased.tenant, gone))

    async def _removed(self, store: str, count: int) -> None:
        """Puts it on the receipt, in the same transaction."""
        if count:
            await self._session.execute("add_removed", self._erased.id, store, count)


def _without(records: Sequence[Record], users: Sequence[int], before_t: int) -> tuple[int, list[StoredColumn], int]:
    stored = decode(StoredColumn(row["col"], row["data"], row["dictionary"], row["numbers"]) for row in records)
    left = stored
    for user in users:
        left = without(left, user, before_t)
    return stored.rows, encode(left), left.rows


def _bucket(user: int) -> int:
    return int(bucket_of(np.array([user], np.int64))[0])


def _start(partition: Partition) -> datetime:
    return partition.starts


_ALL_DAYS = (datetime.min.date(), datetime.max.date())
