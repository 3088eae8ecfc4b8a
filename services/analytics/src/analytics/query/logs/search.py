"""Finds log records: the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.computing import computed
from analytics.logs.record import severity_number
from analytics.query.logs import lines
from analytics.query.logs.lines import EPOCH, LEAST_ID, Position
from analytics.query.sessions import Sessions
from analytics.storage.database import Session
from drishti.errors import QueryError
from drishti.messages import subjects
from drishti.messages.field_types import ServiceNames
from drishti.messages.logs import LogList, LogSearch, TemplateSearch

READ_BYTES = 4_000_000
"""Of the records that are read for a page: many have more attributes than an answer has room for."""

INLINE_RECORDS = 20

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_SPECIAL = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


class LogSearches:
    """Answers ``query.v1.logs``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: LogSearch) -> LogList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        begin, end = range_of(asked) if asked.trace_id is None else _ALWAYS
        before = Position(0, LEAST_ID)
        if asked.cursor:
            before = lines.position_of(asked.cursor)
            end = min(end, EPOCH + timedelta(microseconds=before.time_us))
        parameters: list[Any] = [
            asked.tenant,
            begin,
            end,
            before.id,
            *service_and_severity(asked),
            [lines.number(template) for template in asked.template] or None,
            f"%{asked.text.replace(chr(0), '').translate(_SPECIAL)}%" if asked.text else None,
            asked.limit + 1,
            READ_BYTES,
        ]
        statement = "log_records"
        if asked.trace_id is not None:
            statement = "log_records_of_trace"
            parameters.append(bytes.fromhex(asked.trace_id))
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            records = await session.fetch(statement, *parameters)
            page, cursor = await computed(lambda: lines.page(records, asked.limit), in_thread=len(records) > INLINE_RECORDS)
            names = await names_of(session, asked.tenant, (line.service for line in page))
        return LogList(from_ms=asked.from_ms, to_ms=asked.to_ms, as_of=as_of, records=page, cursor=cursor, service_names=names)


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


async def names_of(session: Session, tenant: str, services: Iterable[str]) -> ServiceNames:
    """The names that ``services`` were given, where they have others than their tokens."""
    wanted = sorted(set(services))
    records = await session.fetch("service_names", tenant, wanted) if wanted else ()
    return {record["service"]: record["name"] for record in records}
