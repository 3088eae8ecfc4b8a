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
from analytics.erasure.rules import without_ids
from analytics.product.people.applying import EDGES_AT_ONCE, apply_edges
from analytics.product.segments.compaction import rewriting
from analytics.product.segments.own_ids import own_ids, rows_of
from analytics.product.segments.reading import days_with_events
from analytics.product.segments.segment import Segment, bucket_of
from analytics.product.segments.stored import put_segment, read_segment
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
        async with rewriting(self._session):
            while await apply_edges(self._session, self._erased.tenant) == EDGES_AT_ONCE:
                pass  # then segments and person_ids have the persons of the moment
            days = await self._days()
        for day in days:
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
        async with self._session.transaction():
            given = (self._erased.tenant, self._hashes, self._erased.before)
            await self._removed("property_changes", await self._session.execute("erase_property_changes", *given))
        await self._erase_from_rules()
        await self._erase_user_ids()

    async def _days(self) -> list[datetime]:
        """The days that have events of the user, by segments and by the rows that are in none yet."""
        known = {day.date(): day for day in await days_with_events(self._session, *_ALL_DAYS)}
        found = set()
        for person in set((await self._persons()).values()):
            found |= {record["day"] for record in await self._days_in_segments(person)}
        beyond = (self._erased.tenant, [*known.values()], [*self._named.ids])
        found |= {record["day"] for record in await self._session.fetch("days_of_users_beyond", *beyond)}
        return [at for day, at in sorted(known.items()) if day in found]

    async def _persons(self) -> dict[int, int]:
        """By the hash of each id the person whose rows those of the id are in segments, for as long as nobody else rewrites
        these."""
        records = await self._session.fetch("persons_of_hashes", self._erased.tenant, self._hashes)
        return {record["hash"]: record["person"] for record in records}

    async def _days_in_segments(self, person: int) -> Sequence[Record]:
        given = (self._erased.tenant, _bucket(person), person.to_bytes(8, "little", signed=True))
        return await self._session.fetch("days_of_user_in_segments", *given)

    async def _erase_day(self, day: datetime) -> None:
        session, tenant = self._session, self._erased.tenant
        until = min(day + timedelta(days=1), self._erased.before)
        if until <= day:
            return
        async with rewriting(session), session.transaction():
            await session.execute("lock_mark", day.date())
            await self._removed("events", await session.execute("erase_events", tenant, day, until, [*self._named.ids]))
            before_t = int((until - day) / timedelta(milliseconds=1))
            for bucket in sorted(set(map(_bucket, (await self._persons()).values()))):
                await self._rewrite(day, bucket, before_t)

    async def _rewrite(self, day: datetime, bucket: int, before_t: int) -> None:
        session, tenant, of_day = self._session, self._erased.tenant, day.date()
        stored = await read_segment(session, tenant, of_day, bucket)
        if stored is None:
            return
        left = await asyncio.to_thread(_without, stored, self._hashes, before_t)
        if left.rows < stored.rows:
            await put_segment(session, tenant, of_day, bucket, left)
            await self._removed("events in segments", stored.rows - left.rows)

    async def _erase_table(self, table: Table, statement: str, *named: Any) -> None:
        records = await self._session.fetch("list_partitions", [table.name])
        partitions = [found for record in records if (found := partition_named(table, record["partition"]))]
        for partition in sorted(partitions, key=_start):
            until = min(partition.ends, self._erased.before)
            if partition.starts < until:
                async with self._session.transaction():
                    given = (self._erased.tenant, partition.starts, until, *named)
                    await self._removed(table.name, await self._session.execute(statement, *given))

    async def _erase_from_rules(self) -> None:
        session, tenant = self._session, self._erased.tenant
        async with session.transaction():
            for record in await session.fetch("lock_exclusion_rules", tenant):
                rules, named = without_ids(record["rules"], self._named.ids)
                if named:
                    await session.execute("replace_exclusion_rules", tenant, rules)
                    await self._removed("exclusion_rules", named)

    async def _erase_user_ids(self) -> None:
        """But for who has come back since."""
        async with rewriting(self._session), self._session.transaction():
            persons = await self._persons()
            gone = [user for user, person in persons.items() if not await self._days_in_segments(person)]
            edges = (self._erased.tenant, [*self._named.ids], self._erased.before)
            await self._removed("person_edges", await self._session.execute("erase_person_edges", *edges))
            if len(gone) == len(self._hashes):
                await self._removed("person_ids", await self._session.execute("erase_person_ids", *edges[:2]))
            await self._removed("user_ids", await self._session.execute("erase_user_ids", self._erased.tenant, gone))

    async def _removed(self, store: str, count: int) -> None:
        """Puts it on the receipt, in the same transaction."""
        if count:
            await self._session.execute("add_removed", self._erased.id, store, count)


def _without(stored: Segment, users: Sequence[int], before_t: int) -> Segment:
    """The rows that were not sent under these ids before ``before_t``, whoever they are of."""
    own = own_ids(stored)
    return rows_of(stored, ~np.isin(own, users) | (stored.t >= before_t), stored.of_rows(), own)


def _bucket(user: int) -> int:
    return int(bucket_of(np.array([user], np.int64))[0])


def _start(partition: Partition) -> datetime:
    return partition.starts


_ALL_DAYS = (datetime.min.date(), datetime.max.date())
