"""Finds log records: the newest first, a page at a time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from analytics.computing import computed
from analytics.logs.record import severity_number
from analytics.query.logs import lines
from analytics.query.logs.lines import EPOCH, LEAST_ID, Position
from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.messages import subjects
from drishti.messages.logs import LogList, LogSearch, TemplateSearch

READ_BYTES = 4_000_000
"""Of the records that are read for a page: many have more attributes than an answer has room for."""

INLINE_RECORDS = 20

FIRST_SLICE = timedelta(minutes=10)
LONGER = 4
"""Each slice is so many times as long as the one before."""

SEARCH_S = 2.0
"""After so long no further slice is begun."""

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_SPECIAL = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


class LogSearches:
    """Answers ``query.v1.logs``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: LogSearch) -> LogList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        begin, end = range_of(asked) if asked.trace_id is None else _ALWAYS
        before = Position(lines.microseconds(end), LEAST_ID)
        if asked.cursor:
            before = min(before, lines.position_of(asked.cursor))
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            records, following = await _read(session, asked, begin, before)
            page = await computed(lambda: lines.page(records, asked.limit), in_thread=len(records) > INLINE_RECORDS)
            names = await names_of(session, asked.tenant, (line.service for line in page))
        if len(page) < len(records):
            following = lines.position_at(records[len(page) - 1])
        return LogList(
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            as_of=as_of,
            records=page,
            cursor="" if following is None else lines.cursor_of(following),
            service_names=names,
        )


async def _read(session: Session, asked: LogSearch, begin: datetime, before: Position) -> tuple[list[Record], Position | None]:
    """The records of a page, or one more than those, and before which record the search goes on; ``None``: nowhere.

    The range is read in slices that get longer, from its end on: mostly the first one holds enough, and a search for what
    hardly any record has stops after :data:`SEARCH_S` and tells where.
    """
    conditions = [
        *service_and_severity(asked),
        [lines.number(template) for template in asked.template] or None,
        f"%{asked.text.replace(chr(0), '').translate(_SPECIAL)}%" if asked.text else None,
    ]
    of_trace = () if asked.trace_id is None else (bytes.fromhex(asked.trace_id),)
    began, width = time.monotonic(), FIRST_SLICE
    found: list[Record] = []
    while True:
        end = EPOCH + timedelta(microseconds=before.time_us)
        start = begin if of_trace else max(begin, end - width)
        wanted = asked.limit + 1 - len(found)
        async with session.transaction():
            await session.value("plan_for_values")
            records = await session.fetch(
                "log_records_of_trace" if of_trace else "log_records",
                asked.tenant, start, end, before.id, *conditions, wanted, READ_BYTES, asked.without_service, *of_trace,
            )  # fmt: skip
        found += records
        if records and (len(records) == wanted or len(records) < records[0]["found"]):
            return found, lines.position_at(records[-1])
        if start <= begin:
            return found, None
        before, width = Position(lines.microseconds(start), LEAST_ID), width * LONGER
        if time.monotonic() - began > SEARCH_S:
            return found, before


def range_of(asked: LogSearch | TemplateSearch) -> tuple[datetime, datetime]:
    """The range of a question; raises :class:`QueryError`."""
    if asked.from_ms >= asked.to_ms:
        raise QueryError("must lie before `to`", field="from")
    try:
        return EPOCH + timedelta(milliseconds=asked.from_ms), EPOCH + timedelta(milliseconds=asked.to_ms)
    except OverflowError:
        raise QueryError("must lie between 1970 and 2100", field="from") from None


def service_and_severity(asked: LogSearch | TemplateSearch) -> tuple[str | None, int]:
    """The token of the service, if one is asked for, and the least severity."""
    return subjects.token(asked.service) if asked.service else None, severity_number(asked.severity or "")
