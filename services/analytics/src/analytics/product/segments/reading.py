"""What a question reads of a tenant's events by user: segments, and the rows that are not in them yet. Inside one snapshot of
a session, so that each event is there once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from analytics.product.counting.day import DAY_MS, Day
from analytics.product.segments.event_rows import EventRows
from analytics.product.segments.segment import BUCKETS, PROPERTY, Segment, StoredColumn, decode, dictionary_of, merge
from analytics.storage.database import Session
from analytics.storage.rows import Record

ROWS_IN_MEMORY = 200_000
"""Of more rows that are in no segment those of one bucket are read at a time; where these alone are more, none are."""

READ_AT_ONCE = 2_000

_ALWAYS = ("users", "counts", "t", "omitted")
_EPOCH = date(1970, 1, 1)

Beyond = Mapping[tuple[datetime, int], Segment]
"""Segments of rows that are in none yet, by day and bucket."""


class TooManyRows(Exception):
    """More rows than :data:`ROWS_IN_MEMORY` are in no segment."""


class ProductReading:
    """Reads ``columns`` of events of these types (``None``: of all) from the UTC days in which ``[from_ms, to_ms)`` lies."""

    def __init__(
        self,
        session: Session,
        tenant: str,
        *,
        from_ms: int,
        to_ms: int,
        columns: Collection[str],
        event_types: Sequence[str] | None = None,
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._range = _days_of(from_ms, to_ms)
        self._columns = sorted({*columns, "event_type"})
        self._types = event_types
        self._days: list[datetime] = []
        self._beyond: Beyond | None = None
        self._read = False
        self.rows = 0
        """Rows that were read, of whatever type where they are in segments."""
        self.omitted: set[str] = set()
        """Columns that some events have and that cannot be read."""

    async def bucket(self, bucket: int) -> list[Day]:
        """The days of a bucket that have any row, in order. Raises :class:`TooManyRows`."""
        if not self._read:
            await self._read_beyond()
        beyond = self._beyond if self._beyond is not None else await self._rows_beyond([bucket])
        records = await self._session.fetch(
            "segments_of_bucket", self._tenant, bucket, *self._range, [*_ALWAYS, *self._columns]
        )
        new = {day.date(): segment for (day, of_bucket), segment in beyond.items() if of_bucket == bucket}
        days = await asyncio.to_thread(lambda: list(_days(records, new)))
        for day in days:
            self.rows += day.segment.rows
            self.omitted.update(column for column in self._columns if day.segment.omits(column))
        return days

    async def _read_beyond(self) -> None:
        self._days = await days_with_events(self._session, *self._range)
        self._read = True
        try:
            self._beyond = await self._rows_beyond(range(BUCKETS))
        except TooManyRows:
            self._beyond = None

    async def _rows_beyond(self, buckets: Collection[int]) -> Beyond:
        by_day: dict[datetime, EventRows] = {}
        given = (self._tenant, self._days, self._types, list(buckets))
        read = 0
        async for records in self._session.batches("event_rows_beyond", *given, at_once=READ_AT_ONCE):
            read += len(records)
            if read > ROWS_IN_MEMORY:
                raise TooManyRows
            await asyncio.to_thread(self._add, by_day, records)
        found: dict[tuple[datetime, int], Segment] = {}
        for day, rows in by_day.items():
            found |= {(day, bucket): segment for bucket, segment in (await asyncio.to_thread(rows.segments)).items()}
        return found

    def _add(self, by_day: dict[datetime, EventRows], records: Sequence[Iterable[Any]]) -> None:
        for day, of_day in groupby((tuple(record) for record in records), key=lambda row: row[0]):
            if day not in by_day:
                by_day[day] = EventRows(self._columns, only=True)
            by_day[day].add([row[1:] for row in of_day])


async def share_compacted(session: Session, from_ms: int, to_ms: int) -> float:
    """Of the UTC days with events in which ``[from_ms, to_ms)`` lies, the share that has segments: 0 to 1."""
    days = [day.date() for day in await days_with_events(session, *_days_of(from_ms, to_ms))]
    return (await session.value("compacted_days", days)) / len(days) if days else 1.0


async def days_with_events(session: Session, first: date, last: date) -> list[datetime]:
    """The days that have a partition."""
    records = await session.fetch("event_days", first, last)
    return [record["day"] for record in records]


class UserIds:
    """The ids of users by their hashes, of whoever has an event that is stored. Inside the snapshot in which they were read."""

    def __init__(self, session: Session, tenant: str) -> None:
        self._session = session
        self._tenant = tenant

    async def of(self, hashes: Iterable[int]) -> dict[int, str]:
        """By hash."""
        wanted = sorted(hashes)
        found = await self._session.fetch("user_ids", self._tenant, wanted)
        ids = {record["hash"]: record["user_id"] for record in found}
        if new := [user for user in wanted if user not in ids]:
            days = await days_with_events(self._session, date.min, date.max)
            beyond = await self._session.fetch("user_ids_beyond", self._tenant, days, new)
            ids |= {record["hash"]: record["user_id"] for record in beyond}
        return ids


class KnownNames:
    """What events of a tenant are called, and what they have, as far as anything is stored."""

    def __init__(self, session: Session, tenant: str) -> None:
        self._session = session
        self._tenant = tenant

    async def event_types(self) -> set[str]:
        """Types in segments."""
        records = await self._session.fetch("segment_dictionaries", self._tenant, "event_type")
        return {name for record in records for name in dictionary_of(StoredColumn("", b"", record["dictionary"]))}

    async def columns(self) -> set[str]:
        """Columns of segments."""
        records = await self._session.fetch("segment_columns", self._tenant, date.min, date.max)
        return {record["col"] for record in records} - {*_ALWAYS}

    async def new_event_types(self) -> set[str]:
        """Types of events that are in no segment yet."""
        days = await days_with_events(self._session, date.min, date.max)
        return {record["event_type"] for record in await self._session.fetch("event_types_beyond", self._tenant, days)}

    async def new_columns(self) -> set[str]:
        """Properties of events that are in no segment yet."""
        days = await days_with_events(self._session, date.min, date.max)
        records = await self._session.fetch("properties_beyond", self._tenant, days)
        return {PROPERTY + record["name"] for record in records}


def _days_of(from_ms: int, to_ms: int) -> tuple[date, date]:
    return _EPOCH + timedelta(days=from_ms // DAY_MS), _EPOCH + timedelta(days=(to_ms - 1) // DAY_MS)


def _days(records: Sequence[Record], new: Mapping[date, Segment]) -> Iterator[Day]:
    waiting = dict(sorted(new.items()))
    for day, columns in groupby(records, key=lambda record: record["day"]):
        stored = decode(StoredColumn(row["col"], row["data"], row["dictionary"], row["numbers"]) for row in columns)
        while waiting and (earlier := next(iter(waiting))) < day:
            yield _day(earlier, waiting.pop(earlier))
        yield _day(day, merge(stored, waiting.pop(day)) if day in waiting else stored)
    for day, segment in waiting.items():
        yield _day(day, segment)


def _day(day: date, segment: Segment) -> Day:
    return Day((day - _EPOCH).days * DAY_MS, segment)
