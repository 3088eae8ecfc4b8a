"""Answers what one person did, the newest first, with the sessions and traces in which it lies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import numpy as np

from analytics.product.counting.personal_sessions import PersonalSessions, personal_sessions
from analytics.product.segments.reading import KnownNames
from analytics.query.product.asked import Name, Names, check_names
from analytics.query.product.counting import ProductCounting
from analytics.query.product.person_ids import person_ids
from analytics.query.product.timeline_rows import Wanted, cursor_of, position_of, read_page
from analytics.query.service_names import names_of
from analytics.storage.database import Session
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.messages.event_times import NEWEST
from drishti.messages.product.timeline import (
    TimelineAnswer,
    TimelineEntry,
    TimelineKind,
    TimelineQuery,
    TimelineSession,
    TimelineTrace,
)

MOST_IDS = 1_000
"""Ids of one person: each is looked for by itself."""

MOST_TIMES = 50_000
"""Events around a page that are cut into sessions."""

MANY_TIMES = 5_000
"""Of somebody who did more in some hours the ends of sessions are not looked for any further: it is a program, mostly."""

MARGINS = (timedelta(hours=2), timedelta(days=1))
"""So far around a page is looked for the ends of its sessions, until they are found."""

TRACES_AROUND = timedelta(hours=1)

ALL_KINDS: tuple[TimelineKind, ...] = ("event", "request", "error")

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TimelineAnswers:
    """Answers ``query.v1.timeline``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: TimelineQuery) -> TimelineAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        after = position_of(asked.before)
        async with self._counting.snapshot(asked.tenant, "timeline", hint="ask for fewer kinds or an earlier time") as session:
            as_of = await session.value("clock")
            person = await person_ids(session, asked.tenant, asked.user_id, most=MOST_IDS)
            types = [Name(name, f"event_types.{place}") for place, name in enumerate(asked.event_types)]
            await check_names(KnownNames(session, asked.tenant), Names(types))
            end = _instant(as_of) + NEWEST if asked.to_ms is None else _instant(asked.to_ms)
            kinds = asked.kinds or [*ALL_KINDS]
            wanted = Wanted(asked.tenant, person.ids, kinds, asked.event_types, end, asked.limit)
            page = await read_page(session, wanted, after)
            if not page.rows and page.following is None and len(person.ids) == 1 and not await _is_known(session, wanted):
                raise QueryError("nothing that this user did is stored", "unknown", "user_id")
            around = await _around(session, wanted, page.rows, asked.gap_s * 1_000)
            entries = await asyncio.to_thread(_entries, page.rows, around.sessions)
            traces = await _traces(session, asked.tenant, page.rows)
            names = await names_of(session, asked.tenant, {one.service for one in traces})
        return TimelineAnswer(
            as_of=as_of,
            person_id=person.person_id,
            entries=entries,
            sessions=_shown(around, entries),
            traces=traces,
            before="" if page.following is None else cursor_of(page.following),
            searched_from=None if page.searched_from is None else _ms(page.searched_from),
            service_names=names,
        )


async def _is_known(session: Session, wanted: Wanted) -> bool:
    """Whether anything at all is stored that the person did."""
    anything = wanted._replace(kinds=ALL_KINDS, event_types=(), end=datetime.max.replace(tzinfo=UTC), limit=1)
    page = await read_page(session, anything, None)
    return bool(page.rows) or page.following is not None


class Around(NamedTuple):
    """Sessions, and from when until when their events were looked for, in ms since 1970."""

    sessions: PersonalSessions
    looked: tuple[int, int]

    def is_sure(self, first_ms: int, last_ms: int) -> bool:
        """Whether all sessions of what happened between these are known from their first event to their last."""
        starts, ends, _, gap_ms = self.sessions
        if not len(starts):
            return True
        begins = starts[0] - self.looked[0] > gap_ms or ends[0] < first_ms - gap_ms
        return bool(begins and (self.looked[1] - ends[-1] > gap_ms or starts[-1] > last_ms + gap_ms))


async def _around(session: Session, wanted: Wanted, rows: Sequence[Record], gap_ms: int) -> Around:
    """The sessions of ``rows``."""
    found = Around(personal_sessions(np.empty(0, np.int64), gap_ms), (0, 0))
    if not rows:
        return found
    first, last = rows[-1]["time"], rows[0]["time"]
    for margin in MARGINS:
        begin, end = first - margin - gap_ms * _MS, last + margin + gap_ms * _MS
        records = await session.fetch("times_of_user", wanted.tenant, wanted.ids, begin, end, MOST_TIMES + 1)
        if len(records) > MOST_TIMES:
            break
        times = np.array([record["ms"] for record in reversed(records)], np.int64)
        found = Around(personal_sessions(times, gap_ms), (_ms(begin), _ms(end)))
        if found.is_sure(_ms(first), _ms(last)) or len(records) > MANY_TIMES:
            break
    return found


def _shown(around: Around, entries: Sequence[TimelineEntry]) -> list[TimelineSession]:
    """Those of the entries, the newest first."""
    sessions, looked = around
    wanted = {entry.session for entry in entries}
    return [
        TimelineSession(
            start_ms=start,
            end_ms=end,
            events=events,
            began_before=start - looked[0] <= sessions.gap_ms,
            goes_on=looked[1] - end <= sessions.gap_ms,
        )
        for start, end, events in zip(*(column.tolist()[::-1] for column in sessions[:3]), strict=True)
        if start in wanted
    ]


async def _traces(session: Session, tenant: str, rows: Sequence[Record]) -> list[TimelineTrace]:
    """The traces of ``rows`` that have spans, in the order of the first row of each."""
    ids = list(dict.fromkeys(record["trace_id"] for record in rows if record["trace_id"]))
    if not ids:
        return []
    operations = {record["id"]: record for record in await session.fetch("operations_of_tenant", tenant)}
    around = rows[-1]["time"] - TRACES_AROUND, rows[0]["time"] + TRACES_AROUND
    given = (list(operations), [bytes.fromhex(one) for one in ids], *around, 1)
    found = {}
    for record in await session.fetch("traces_in_brief", *given):
        _, started_us, _, duration_ns, operation = record["first_of_all"]
        found[record["trace_id"].hex()] = TimelineTrace(
            trace_id=record["trace_id"].hex(),
            service=operations[operation]["service"],
            operation=operations[operation]["operation"],
            start_ms=started_us / 1000,
            duration_ms=duration_ns / 1e6,
            spans=record["all_spans"],
            errors=record["all_errors"],
        )
    return [found[one] for one in ids if one in found]


def _entries(rows: Sequence[Record], sessions: PersonalSessions) -> list[TimelineEntry]:
    return [_entry(record, sessions) for record in rows]


def _entry(record: Record, sessions: PersonalSessions) -> TimelineEntry:
    at_ms = _ms(record["time"])
    place = sessions.of(at_ms)
    status, fingerprint = record["status"], record["fingerprint"]
    return TimelineEntry(
        kind=record["kind"],
        id=record["id"],
        time_ms=at_ms,
        user_id=record["user_id"],
        name=record["name"] or "error",
        service=record["service"],
        version=record["version"],
        trace_id=record["trace_id"],
        session=None if place is None else int(sessions.starts[place]),
        data={} if record["data"] is None else _decode(record["data"]),
        status=status,
        duration_ms=record["duration_ms"],
        model=record["model"],
        error=record["error"] or None,
        failed=record["kind"] == "error" or (status is not None and (status >= 500 or bool(record["error"]))),
        fingerprint=None if fingerprint is None else fingerprint.to_bytes(8, "big", signed=True).hex(),
    )


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MS


def _instant(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
