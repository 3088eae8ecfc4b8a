"""What a question reads of a tenant's events by user: segments, and the rows that are not in them yet. Inside one snapshot of
a session, so that each event is there once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np

from analytics.product.counting.day import DAY_MS, Day
from analytics.product.people.changes import TooManyIds, moved
from analytics.product.people.exclusion import Rule, left_out
from analytics.product.people.properties import Properties
from analytics.product.people.property_reading import property_columns, read_properties
from analytics.product.segments.event_rows import EventRows
from analytics.product.segments.own_ids import OWN, Moves, own_ids, rows_of
from analytics.product.segments.segment import (
    BUCKETS,
    OF_ACCOUNT,
    OF_USER,
    PROPERTY,
    ROWS_OF_SEGMENT,
    Ints,
    Segment,
    StoredColumn,
    bucket_of,
    decode,
    dictionary_of,
    merge,
)
from analytics.product.segments.stored import merge_all
from analytics.storage.database import Session
from analytics.storage.rows import Record

ROWS_IN_MEMORY = 200_000
"""Of more rows that are in no segment those of one bucket are read at a time; where these alone are more, none are."""

READ_AT_ONCE = 2_000

MOST_EDGES = 2_000
"""Edges that are not applied yet, and ten times as many ids that are connected with them, a question takes into account."""

_ALWAYS = (*ROWS_OF_SEGMENT, OWN)
_BY_DAY = ("users", "counts", "omitted")
_EPOCH = date(1970, 1, 1)
_NONE = Segment(np.empty(0, np.int64), np.empty(0, np.uint32), np.empty(0, np.int32))

Beyond = Mapping[tuple[datetime, int], Segment]
"""Segments of rows that are in none yet, by day and bucket."""


class TooManyRows(Exception):
    """More rows than :data:`ROWS_IN_MEMORY` are in no segment."""


class TooManyMerges(Exception):
    """More edges between ids, or more rows of whom they join, are not applied yet than can be in memory."""


class ProductReading:
    """Reads ``columns`` of events of these types (``None``: of all) from the UTC days in which ``[from_ms, to_ms)`` lies.

    Who the events are of is what edges say at this moment (:mod:`analytics.product.people`): where segments do not have it yet,
    the rows of these persons are taken aside, out of whatever bucket.

    ``by_day``: without the times of events, which may then all be of the beginning of their day; and without ``columns``
    perhaps one event only of each user and day. With ``users_from_ms`` days from there on come before these, of which perhaps
    nothing is read but who has events. People who meet one of ``rules`` are left out."""

    def __init__(
        self,
        session: Session,
        tenant: str,
        *,
        from_ms: int,
        to_ms: int,
        columns: Collection[str],
        event_types: Sequence[str] | None = None,
        by_day: bool = False,
        users_from_ms: int | None = None,
        rules: Sequence[Rule] = (),
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._range = _days_of(from_ms, to_ms)
        self._from_ms = from_ms // DAY_MS * DAY_MS
        self._to_ms = ((self._range[1] - _EPOCH).days + 1) * DAY_MS
        self._rules = rules
        of_rules = {column for rule in rules for column in rule.columns}
        self._properties = sorted(column for column in {*columns, *of_rules} if column.startswith((OF_USER, OF_ACCOUNT)))
        of_rules.difference_update(self._properties)
        stored = {*columns}.difference(self._properties)
        self._columns = sorted({*stored, *of_rules, *(() if by_day else ("event_type",))})
        by_day = by_day and not rules and not self._properties  # each row has its own id, and its own time
        self._stored = [*self._columns, *(_ALWAYS if not by_day else _BY_DAY if self._columns else ("users",))]
        self._types = None if rules else event_types  # an event of any type may meet a rule
        self._rule_columns = sorted(of_rules)
        self._stored_of_users = [*self._rule_columns, *(_ALWAYS if rules else ("users",))]
        self._before = None if users_from_ms is None else _days_of(users_from_ms, self._from_ms)
        self._days: list[datetime] = []
        self._beyond: Beyond | None = None
        self._read = False
        self.rows = 0
        """Rows that were read, of whatever type where they are in segments."""
        self.omitted: set[str] = set()
        """Columns that some events have and that cannot be read."""
        self.excluded = 0
        """People who were left out, of the parts that were read."""

    async def buckets(self, *, sample: bool = False) -> AsyncGenerator[list[Day], None]:
        """Parts of all users, with the days in which these have any row, in order; with ``sample`` the users of one bucket.
        Raises :class:`TooManyRows`, :class:`TooManyMerges` and :class:`TooManyChanges`."""
        properties = await self._read_properties()
        async with contextlib.aclosing(self._of_everybody(sample=sample)) as parts:
            async for stored in parts:
                days = stored if properties is None else await asyncio.to_thread(properties.told, stored)
                if self._rules:
                    left, excluded = await asyncio.to_thread(left_out, days, self._rules)
                    self.excluded += excluded
                    yield left
                else:
                    yield days

    async def _read_properties(self) -> Properties | None:
        if not self._properties:
            return None
        moves = await read_moves(self._session, self._tenant)
        return await read_properties(self._session, self._tenant, self._properties, to_ms=self._to_ms, moves=moves)

    async def _of_everybody(self, *, sample: bool) -> AsyncGenerator[list[Day], None]:
        moves = await read_moves(self._session, self._tenant)
        if moves is not None:
            self._stored = [*self._columns, *_ALWAYS]  # each row has its own id
            self._stored_of_users = [*self._rule_columns, *_ALWAYS]
        buckets = [0] if sample else list(range(BUCKETS))
        if moves is None:
            for bucket in buckets:
                yield await self.bucket(bucket)
            return
        joined = np.unique(moves.to)
        if sample:
            buckets += sorted(set(bucket_of(moves.before[bucket_of(moves.to) == 0]).tolist()) - {0})
        aside: defaultdict[int, list[Segment]] = defaultdict(list)
        rows = 0
        for bucket in buckets:
            staying = []
            for day in await self.bucket(bucket):
                stays, leaves = await asyncio.to_thread(_parted, day.segment, moves, joined)
                if stays.rows:
                    staying.append(Day(day.start_ms, stays))
                if leaves.rows:
                    aside[day.start_ms].append(leaves)
                    rows += leaves.rows
                    if rows > ROWS_IN_MEMORY:
                        raise TooManyMerges
            if bucket == 0 or not sample:
                yield staying
        yield await asyncio.to_thread(_merged, aside, sample)

    async def bucket(self, bucket: int) -> list[Day]:
        """The days of a bucket, as segments have it, in order. Raises :class:`TooManyRows`."""
        if not self._read:
            await self._read_beyond()
        beyond = self._beyond if self._beyond is not None else await self._rows_beyond([bucket])
        given = (self._tenant, bucket)
        records = await self._session.fetch("segments_of_bucket", *given, *self._range, self._stored)
        if self._before is not None:
            earlier = await self._session.fetch("segments_of_bucket", *given, *self._before, self._stored_of_users)
            records = [*earlier, *records]
        new = {day.date(): segment for (day, of_bucket), segment in beyond.items() if of_bucket == bucket}
        days = await asyncio.to_thread(lambda: list(_days(records, new)))
        for day in days:
            self.rows += day.segment.rows
            columns = self._columns if day.start_ms >= self._from_ms else self._rule_columns
            self.omitted.update(column for column in columns if day.segment.omits(column))
        return days

    async def _read_beyond(self) -> None:
        self._days = await days_with_events(self._session, (self._before or self._range)[0], self._range[1])
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


async def read_moves(session: Session, tenant: str) -> Moves | None:
    """What pending edges change about whose rows are whose; raises :class:`TooManyMerges`."""
    pending = await session.fetch("pending_edges", tenant, MOST_EDGES + 1)
    if len(pending) > MOST_EDGES:
        raise TooManyMerges
    try:
        touched = {one for edge in pending for one in (edge["from_id"], edge["to_id"])}
        changed = await moved(session, tenant, touched, most=10 * MOST_EDGES)
    except TooManyIds:
        raise TooManyMerges from None
    return Moves.of((one.hash, one.before, one.person) for one in changed) if changed else None


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
        if new := [user for user in wanted if user not in ids]:
            known = await self._session.fetch("person_texts", self._tenant, new)
            ids |= {record["hash"]: record["user_id"] for record in known}
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

    async def omitted(self) -> set[str]:
        """Columns that segments lack though events have such properties."""
        records = await self._session.fetch("segment_dictionaries", self._tenant, "omitted")
        return {name for record in records for name in dictionary_of(StoredColumn("", b"", record["dictionary"]))}

    async def of_people(self) -> set[str]:
        """Properties of users and accounts."""
        return await property_columns(self._session, self._tenant)

    async def new_event_types(self) -> set[str]:
        """Types of events that are in no segment yet."""
        days = await days_with_events(self._session, date.min, date.max)
        return {record["event_type"] for record in await self._session.fetch("event_types_beyond", self._tenant, days)}

    async def new_columns(self) -> set[str]:
        """Properties of events that are in no segment yet."""
        days = await days_with_events(self._session, date.min, date.max)
        records = await self._session.fetch("properties_beyond", self._tenant, days)
        return {PROPERTY + record["name"] for record in records}


def _parted(segment: Segment, moves: Moves, joined: Ints) -> tuple[Segment, Segment]:
    """The rows of persons who are what they were, or are left without some ids, and those of persons who ids were joined to."""
    if not np.isin(segment.users, moves.before).any() and not np.isin(segment.users, joined).any():
        return segment, _NONE
    own = own_ids(segment)
    persons = moves.persons(segment, own)
    leaves = np.isin(persons, joined)
    if not leaves.any():
        return segment, _NONE
    return rows_of(segment, ~leaves, segment.of_rows(), own), rows_of(segment, leaves, persons, own)


def _merged(aside: Mapping[int, Sequence[Segment]], sample: bool) -> list[Day]:
    days = []
    for start_ms, parts in sorted(aside.items()):
        segment = merge_all(list(parts))
        if sample:
            segment = rows_of(segment, bucket_of(segment.of_rows()) == 0, segment.of_rows(), own_ids(segment))
        if segment.rows:
            days.append(Day(start_ms, segment))
    return days


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
