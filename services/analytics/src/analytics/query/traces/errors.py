"""Answers about errors of spans: a list, one of them, and what a person says about one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from analytics.query.service_names import names_of
from analytics.query.sessions import Sessions
from analytics.query.traces.conditions import escaped, instant
from analytics.storage import rows
from analytics.storage.database import Session
from analytics.storage.error_rows import unsigned
from analytics.storage.rows import Record
from drishti.errors import QueryError
from drishti.messages import subjects
from drishti.messages.field_types import any_of
from drishti.messages.span_errors import (
    ErrorAnswer,
    ErrorChange,
    ErrorFrame,
    ErrorGroup,
    ErrorList,
    ErrorQuery,
    ErrorsAt,
    ErrorSearch,
    ErrorsWith,
    ErrorTrace,
)

COUNTED = 10_000
"""Occurrences of an error in a range that a list counts."""

READ = 2_000
"""Occurrences, the newest, whose users, routes and versions are counted."""

STEPS = 120
"""Of a rate, at most."""

MOST_VALUES = 50
MOST_VERSIONS = 20
TRACES = 20

_about = msgspec.json.Decoder(dict[str, Any]).decode


class ErrorLists:
    """Answers ``query.v1.errors``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ErrorSearch) -> ErrorList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        key, fingerprint = _position(asked.cursor)
        conditions = (
            [subjects.token(service) for service in any_of(asked.service, asked.services)],
            asked.status or "",
            asked.type.replace("\0", ""),
            [f"%{escaped(text)}%" for text in any_of(asked.text, asked.texts)],
        )
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            as_of = await session.value("clock")
            start, end = instant(asked.from_ms), instant(asked.to_ms)
            found = await session.fetch(
                "error_groups",
                asked.tenant,
                start,
                end,
                *conditions,
                asked.order,
                key,
                fingerprint,
                asked.limit + 1,
                COUNTED,
                bytes.fromhex(asked.trace_id) if asked.trace_id else None,
                asked.without_service,
            )
            shown = found[: asked.limit]
            groups = [_group(record) for record in shown]
            if asked.steps:
                fingerprints = [record["fingerprint"] for record in shown]
                counted = await session.fetch("error_steps", asked.tenant, fingerprints, start, end, asked.steps, COUNTED)
                _count_steps(groups, counted, asked.steps)
            return ErrorList(
                from_ms=asked.from_ms,
                to_ms=asked.to_ms,
                as_of=as_of,
                errors=groups,
                cursor=f"{shown[-1]['key']}.{unsigned(shown[-1]['fingerprint'])}" if len(found) > asked.limit else "",
                service_names=await names_of(session, asked.tenant, {record["service"] for record in shown}),
            )


class ErrorAnswers:
    """Answers ``query.v1.error``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ErrorQuery) -> ErrorAnswer:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            return await _answer(session, asked)


class ErrorChanges:
    """Does what ``query.v1.change_error`` asks for, and answers with the error as it is then."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, asked: ErrorChange) -> ErrorGroup:
        """Raises :class:`QueryError` (``unknown``), :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        if asked.version and asked.status != "resolved":
            raise QueryError("is for errors that are resolved", field="version")
        fingerprint = _signed(asked.fingerprint)
        async with self._sessions.turn(asked.tenant), self._sessions.session() as session:
            version = asked.version.replace("\0", "")
            if not await session.fetch("change_error", asked.tenant, fingerprint, asked.status, version):
                raise _unknown()
            now = instant(await session.value("clock"))
            return _group(
                (await session.fetch("error_group", asked.tenant, fingerprint, now - timedelta(hours=1), now, COUNTED))[0]
            )


async def _answer(session: Session, asked: ErrorQuery) -> ErrorAnswer:
    as_of = await session.value("clock")
    fingerprint, start, end = _signed(asked.fingerprint), instant(asked.from_ms), instant(asked.to_ms)
    groups = await session.fetch("error_group", asked.tenant, fingerprint, start, end, COUNTED)
    if not groups:
        raise _unknown()
    (group,) = groups
    step_s = max(60, -(-(asked.to_ms - asked.from_ms) // 1000 // STEPS // 60) * 60)
    rate = await session.fetch("error_rate", asked.tenant, fingerprint, start, end, timedelta(seconds=step_s))
    found = await session.fetch("error_occurrences", asked.tenant, fingerprint, start, end, READ + 1)
    read = found[:READ]
    about = _about(group["about"])
    return ErrorAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=as_of,
        error=_group(group),
        operation=about.get("operation", ""),
        message=about.get("message", ""),
        raised_as=about.get("raised_as", ""),
        frames=[ErrorFrame(**frame) for frame in about.get("frames", ())],
        step_s=step_s,
        rate=[ErrorsAt(time_ms=rows.epoch_ms(record["step"]), count=record["count"]) for record in rate],
        read=len(read),
        sampled=len(found) > READ,
        users=len({record["user_id"] for record in read if record["user_id"] is not None}),
        routes=_counted(read, lambda record: record["entry"]),
        versions=_counted(read, lambda record: record["version"]),
        traces=[
            ErrorTrace(
                trace_id=record["trace_id"].hex(),
                span_id=record["span_id"].hex(),
                time_ms=rows.epoch_ms(record["started"]),
                route=record["entry"],
                version=record["version"],
                user_id=record["user_id"],
            )
            for record in read[:TRACES]
        ],
        service_names=await names_of(session, asked.tenant, {group["service"]}),
    )


def _group(record: Record) -> ErrorGroup:
    about = _about(record["about"])
    trace_id = record["trace_id"]
    return ErrorGroup(
        fingerprint=unsigned(record["fingerprint"]),
        service=record["service"],
        type=record["type"],
        title=record["title"],
        culprit=record["culprit"],
        count=record["count"],
        in_range=record["in_range"],
        first_seen_ms=rows.epoch_ms(record["first_seen"]),
        last_seen_ms=rows.epoch_ms(record["last_seen"]),
        status=record["status"],
        status_ms=None if record["status_at"] is None else rows.epoch_ms(record["status_at"]),
        resolved_in=record["resolved_in"],
        regressions=record["regressions"],
        regressed_ms=None if record["regressed_at"] is None else rows.epoch_ms(record["regressed_at"]),
        handled=about.get("handled", False),
        trace_id=None if trace_id is None else trace_id.hex(),
    )


def _count_steps(groups: Sequence[ErrorGroup], counted: Sequence[Record], steps: int) -> None:
    by_fingerprint = {group.fingerprint: group for group in groups}
    for group in groups:
        group.counts = [0] * steps
    for record in counted:
        group = by_fingerprint[unsigned(record["fingerprint"])]
        group.counts[min(record["step"], steps - 1)] += record["count"]
        group.versions = sorted({*group.versions, *(record["versions"] or ())})[:MOST_VERSIONS]


def _counted(records: Sequence[Record], value_of: Callable[[Record], str | None]) -> list[ErrorsWith]:
    """Values with their counts, the most frequent first; ``records`` are the newest first."""
    by_value: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        if (value := value_of(record)) is not None:
            by_value[value].append(record)
    most = sorted(by_value.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_VALUES]
    return [
        ErrorsWith(
            value=value,
            count=len(some),
            first_seen_ms=rows.epoch_ms(some[-1]["started"]),
            last_seen_ms=rows.epoch_ms(some[0]["started"]),
        )
        for value, some in most
    ]


def _position(cursor: str) -> tuple[int | None, int]:
    """The key and the fingerprint behind which a page begins."""
    if not cursor:
        return None, 0
    key, _, fingerprint = cursor.partition(".")
    if not (key.isascii() and key.isdigit() and len(key) < 19 and len(fingerprint) == 16):
        raise QueryError("is not one that an answer gave", field="cursor")
    try:
        return int(key), _signed(fingerprint)
    except ValueError:
        raise QueryError("is not one that an answer gave", field="cursor") from None


def _signed(fingerprint: str) -> int:
    return int.from_bytes(bytes.fromhex(fingerprint), "big", signed=True)


def _unknown() -> QueryError:
    return QueryError("there is no such error: it was never seen, or not for a long time", code="unknown", field="fingerprint")
