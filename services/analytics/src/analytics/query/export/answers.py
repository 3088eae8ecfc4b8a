"""Answers with the rows of a tenant, a page at a time.

How this works
--------------
An export sees what was committed when its first page was asked for, and nothing else, but no transaction stays open for it: one
that does would keep compaction and vacuum waiting for as long as the slowest reader takes. Each row says which transaction
stored it (``xid``), so the snapshot is a text in the cursor, and a page leaves out what that does not show. Rows are never
changed and never move, so a page goes on behind the place of the last row, in the order in which they lie on disk: each block
is read once. Any replica answers any page, and none holds anything in between.

Rows that are removed while an export runs (an erasure, a day that expires) are missing in the pages that come after.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from analytics.query.export import cursors, lines
from analytics.query.export.cursors import BEGIN, ExportCursor, Place
from analytics.query.product.asked import unknown
from analytics.query.question_answers import MAX_TYPES
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from analytics.storage.tables import Table, partition_named
from drishti.errors import QueryError
from drishti.messages.export import ExportPage, ExportQuery

PAGE_BYTES = 400_000
"""A page ends with the row that makes it so long: below what a message of NATS takes by more than the largest row."""

PAGE_S = 1.0
"""A page ends after so long, also without a row: a tenant may have few of many."""

BLOCKS = 1024
"""Blocks that one statement reads."""

ROWS_AT_ONCE = 100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Rows(NamedTuple):
    """What can be exported: its table, the statement that reads it, and what makes a line of a row."""

    table: Table
    statement: str
    line: Callable[[Any], bytes]
    has_types: bool = False


ROWS = {
    "events": _Rows(Table("events"), "export_events", lines.event, has_types=True),
    "requests": _Rows(Table("requests"), "export_requests", lines.request),
}


class ExportAnswers:
    """Answers ``query.v1.export``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ExportQuery) -> ExportPage:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        if asked.type and not ROWS[asked.rows].has_types:
            raise QueryError(f"{asked.rows} have no types", field="type")
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            if not asked.cursor:
                await _check_types(session, asked)
            (now,) = await session.fetch("export_snapshot")
            if asked.cursor:
                cursor = cursors.read(asked.cursor)
                if cursor.rows != asked.rows:
                    raise QueryError(f"is one of {cursor.rows[:20]!r}", field="cursor")
                if cursor.cluster != now["cluster"]:
                    raise QueryError("the database was moved since: begin the export anew", field="cursor")
            else:
                cursor = ExportCursor(
                    rows=asked.rows,
                    snapshot=now["snapshot"],
                    cluster=now["cluster"],
                    from_ms=asked.from_,
                    to_ms=asked.to,
                    day=date.min,
                )
            return await _Page(session, asked, cursor).read()


async def _check_types(session: Session, asked: ExportQuery) -> None:
    """Raises :class:`QueryError` at the first type that no event of the tenant has, with the nearest that some have."""
    if not asked.type:
        return
    records = await session.fetch("event_types", asked.tenant, MAX_TYPES)
    known = {record["event_type"] for record in records}
    if None in known or len(known) == MAX_TYPES:  # there are more than are known by name
        return
    for place, name in enumerate(asked.type):
        if name not in known:
            raise unknown("no event of this type was stored", name, known, f"type.{place}")


class _Page:
    """The page after ``cursor``."""

    def __init__(self, session: Session, asked: ExportQuery, cursor: ExportCursor) -> None:
        self._session = session
        self._asked = asked
        self._cursor = cursor
        self._of = ROWS[asked.rows]
        self._from, self._to = (_EPOCH + timedelta(milliseconds=ms) for ms in (cursor.from_ms, cursor.to_ms))
        self._rows: list[msgspec.Raw] = []
        self._bytes = 0
        self._ends = time.monotonic() + PAGE_S

    async def read(self) -> ExportPage:
        days = await self._days()
        total, done = sum(days.values()), sum(blocks for day, blocks in days.items() if day < self._cursor.day)
        for day, blocks in days.items():
            if day < self._cursor.day:
                continue
            place = self._cursor.place if day == self._cursor.day else BEGIN
            while place[0] < blocks:
                place = await self._read_blocks(day, place, min(blocks, place[0] + BLOCKS))
                if self._is_full():
                    cursor = msgspec.structs.replace(self._cursor, day=day, place=place)
                    return self._page(cursors.written(cursor), (done + min(place[0], blocks)) / total)
            done += blocks
        return self._page("", 1.0)

    def _page(self, cursor: str, done: float) -> ExportPage:
        return ExportPage(rows=self._rows, cursor=cursor, done=done)

    def _is_full(self) -> bool:
        return self._bytes >= PAGE_BYTES or time.monotonic() >= self._ends

    async def _days(self) -> dict[date, int]:
        """By day how many blocks its partition has, of the days in the range."""
        found = {}
        for record in await self._session.fetch("export_blocks", self._of.table.name):
            partition = partition_named(self._of.table, record["partition"])
            if partition is not None and partition.starts < self._to and partition.ends > self._from:
                found[partition.starts.date()] = int(record["blocks"])
        return dict(sorted(found.items()))

    async def _read_blocks(self, day: date, after: Place, until: int) -> Place:
        """Takes rows behind ``after`` until the page is full, or up to the block ``until``. The place behind which to go on."""
        starts = datetime(day.year, day.month, day.day, tzinfo=UTC)
        given = [
            self._asked.tenant,
            max(starts, self._from),
            min(starts + timedelta(days=1), self._to),
            self._cursor.snapshot,
            after,
            (until, 0),
        ]
        if self._of.has_types:
            given.append(self._asked.type or None)
        async with self._session.snapshot():
            await self._session.execute("keep_order_of_rows")
            async for batch in self._session.batches(self._of.statement, *given, at_once=ROWS_AT_ONCE):
                for row in batch:
                    after = self._take(row, after)
                    if self._bytes >= PAGE_BYTES:
                        return after
        return (until, 0)

    def _take(self, row: Any, after: Place) -> Place:
        place: Place = row[0]
        if place <= after:
            raise RuntimeError(f"rows of {self._of.table.name} came out of order")
        line = self._of.line(row)
        self._rows.append(msgspec.Raw(line))
        self._bytes += len(line) + 1
        return place
