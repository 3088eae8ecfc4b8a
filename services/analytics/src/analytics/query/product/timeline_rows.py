"""Reads what a person did, the newest first, a page at a time: from the end of the past in slices, until there is enough."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec

from analytics.storage.database import Session
from analytics.storage.error_rows import ERRORS
from analytics.storage.rows import Record
from analytics.storage.tables import Table, partition_named
from analytics.traces.slices import Slices
from drishti.errors import QueryError
from drishti.messages.product.timeline import TimelineKind

TABLES = (Table("events"), Table("requests"), ERRORS)

MAX_BYTES = 600_000
"""Of the data of one page: a reply to the gateway has less than a million, and one event has 128 KiB at most."""

FIRST = timedelta(hours=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class Position(msgspec.Struct, array_like=True, frozen=True):
    """Where a page ends: behind a row, by its time in microseconds, its kind and its id; or behind a time, with no id."""

    at_us: Annotated[int, msgspec.Meta(ge=0, le=253_370_764_800_000_000)]
    kind: TimelineKind = "event"
    id: str = ""

    @property
    def at(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.at_us)


class Page(NamedTuple):
    """``following`` is where the next page begins, if anything follows; ``searched_from``: nothing before it was looked at."""

    rows: list[Record]
    following: Position | None = None
    searched_from: datetime | None = None


class Wanted(NamedTuple):
    """Rows of one tenant and person, before ``end``."""

    tenant: str
    ids: Sequence[str]
    kinds: Sequence[TimelineKind]
    event_types: Sequence[str]
    end: datetime
    limit: int


async def read_page(session: Session, wanted: Wanted, after: Position | None) -> Page:
    """The rows behind ``after``; inside a transaction."""
    begin, end = await _stored(session)
    end = min(end, wanted.end)
    if after is not None:
        end = min(end, after.at + (_US if after.id else timedelta(0)))
    if end <= begin:
        return Page([])
    await session.execute("prefer_indexes")
    last = (after.at, after.kind, after.id) if after is not None and after.id else (None, None, None)
    rows: list[Record] = []
    left = MAX_BYTES
    slices = Slices(begin, end, first=FIRST)
    for piece in slices:
        limit = wanted.limit - len(rows) + 1
        given = (wanted.tenant, wanted.ids, piece.start, piece.end, wanted.kinds, wanted.event_types, *last, limit)
        for record in await session.fetch("timeline_rows", *given):
            left -= _weight(record)
            if len(rows) == wanted.limit or (rows and left < 0):
                return Page(rows, _at(rows[-1]))
            rows.append(record)
    if slices.whole:
        return Page(rows)
    return Page(rows, Position((slices.read_from - _EPOCH) // _US), slices.read_from)


def cursor_of(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position_of(cursor: str) -> Position | None:
    """Raises :class:`QueryError` where no answer gave ``cursor``."""
    if not cursor:
        return None
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Position)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        position = None
    if position is None or "\0" in position.id:
        raise QueryError("is not one that an answer gave", field="before")
    return position


async def _stored(session: Session) -> tuple[datetime, datetime]:
    """The beginning of the first partition that may have a row, and the end of the last."""
    by_name = {table.name: table for table in TABLES}
    records = await session.fetch("list_partitions", list(by_name))
    named = [partition_named(by_name[record["parent"]], record["partition"]) for record in records]
    found = [partition for partition in named if partition is not None]
    return min((one.starts for one in found), default=_EPOCH), max((one.ends for one in found), default=_EPOCH)


def _at(record: Record) -> Position:
    return Position((record["time"] - _EPOCH) // _US, record["kind"], record["id"])


def _weight(record: Record) -> int:
    """About the bytes that a row has in an answer: JSON of any text is at most as long as its UTF-8."""
    texts = (record["data"], record["error"], record["name"], record["id"], record["user_id"])
    return 300 + sum(len(text.encode()) for text in texts if text)
