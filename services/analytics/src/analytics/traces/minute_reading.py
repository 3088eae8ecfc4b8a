"""Reads the traces of a minute back from storage, in portions, or a sample of them where they are many."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from analytics.errors import StatementTimeout
from analytics.message_templates import template_of
from analytics.spans.bottleneck_walks import is_sampled
from analytics.spans.root_cause.records import LogRecord
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import Origin, Trace, assemble_all
from analytics.storage import rows, span_rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from analytics.storage.span_reading import read_spans
from analytics.traces.minute_sums import EVIDENCE, MAP, QUEUES, MinuteSums, Portion

MINUTE = timedelta(minutes=1)

LONGEST_WAIT = timedelta(hours=24)
"""How long before its consumer a message may have been sent, so that its wait is known."""

MAX_FAR_SENDERS = 500
"""Senders that are looked for so far back, of one portion."""

AROUND = timedelta(minutes=10)
"""Spans of a trace that began so long before or after the minute are read with it; longer traces are cut."""

MAX_TRACES = 200_000
"""Traces of one minute among which a sample is taken."""

PORTION_SPANS = 4_000
MAX_SPANS_READ = 40_000
"""Of one portion, those around the minute among them. Traces that are larger are read again, with less around."""

AROUND_LARGE = timedelta(seconds=30)

FIND_S = 0.75
FIND_SPANS = 20_000
"""How long the traces of a minute are looked for that is counted for a question, and those of how many of its spans count
where that is not enough for all."""

LIVE_PORTION_SPANS = 1_000
LIVE_SPANS = 8_000
LIVE_SPANS_READ = 10_000
"""Spans of such a minute: of one portion, of all, and of one portion with those around the minute. Larger traces count in part,
and answers say that the minute is not complete."""

MAX_LINES = 20_000
MAX_LINE_BYTES = 32 * 1024 * 1024
"""Log records of one portion, and what they say."""


class Counted(NamedTuple):
    """The sums of a minute; of its ``traces``, one in ``one_in`` is in them. ``cut``: spans of large traces are missing."""

    sums: MinuteSums
    traces: int
    one_in: int
    cut: bool


async def count_minute(
    session: Session,
    tenant: str,
    start: datetime,
    *,
    most_spans: int,
) -> Counted:
    """Counts the minute that begins at ``start``, of so many spans at most. Raises :class:`DatabaseAway`."""
    found = await session.fetch("traces_of_minute", tenant, start, start + MINUTE, MAX_TRACES)
    spans = sum(record["spans"] for record in found)
    one_in = max(1, -(-spans // most_spans))
    chosen = [record for record in found if is_sampled(record["trace_id"], one_in)]
    if found and not chosen:  # few traces, and large ones
        chosen, one_in = [min(found, key=_place_in_sample)], len(found)
    sums = MinuteSums(int(start.timestamp()) // 60)
    whole = True
    for trace_ids in _ids(chosen, PORTION_SPANS):
        portion, complete = await _portion(session, tenant, start, trace_ids, sums.kinds)
        await asyncio.to_thread(sums.add, portion)
        whole = whole and complete
    return Counted(sums, len(found), one_in, not whole)


async def count_minute_within(session: Session, tenant: str, start: datetime, kind: str, *, until: float) -> Counted:
    """Counts what time allows of the minute that begins at ``start``, one ``kind`` of sums: traces in an order that says
    nothing about them, so that those counted are a sample of all. One portion is counted at least, and after ``until`` (of
    :func:`time.monotonic`) none is begun.

    Raises :class:`StatementTimeout` and :class:`DatabaseAway`."""
    found, every = await _found_within(session, tenant, start)
    one_in = max(1, -(-sum(record["spans"] for record in found) // LIVE_SPANS))
    ordered = await asyncio.to_thread(sorted, found, key=_place_in_sample)
    chosen = ordered[: -(-len(found) // one_in)]
    sums = MinuteSums(int(start.timestamp()) // 60, frozenset({kind}))
    traces, whole = 0, every
    for trace_ids in _ids(chosen, LIVE_PORTION_SPANS):
        if traces and time.monotonic() > until:
            break
        portion, complete = await _first_spans(session, tenant, start, trace_ids, sums.kinds)
        await asyncio.to_thread(sums.add, portion)
        traces += len(trace_ids)
        whole = whole and complete
    return Counted(sums, len(found), max(1, round(len(found) / traces)) if traces else 1, not whole)


async def _found_within(session: Session, tenant: str, start: datetime) -> tuple[Sequence[Record], bool]:
    """The traces of the minute, and whether these are all: of a minute of very many spans there may be no time to find them."""
    some = await session.fetch("traces_of_some_spans", tenant, start, start + MINUTE, FIND_SPANS, within_s=FIND_S)
    if sum(record["spans"] for record in some) < FIND_SPANS:
        return some, True
    try:
        return await session.fetch("traces_of_minute", tenant, start, start + MINUTE, MAX_TRACES, within_s=FIND_S), True
    except StatementTimeout:
        return some, False


def _place_in_sample(record: Record) -> bytes:
    """Traces in this order are in that of a sample: ids may say something, hashes of them do not."""
    return hashlib.blake2b(record["trace_id"], digest_size=8).digest()


async def _portion(
    session: Session, tenant: str, start: datetime, trace_ids: list[bytes], kinds: frozenset[str]
) -> tuple[Portion, bool]:
    """Some traces of the minute, and whether they have all of their spans around it."""
    complete = True
    for around in (AROUND, AROUND_LARGE):
        begin, end = start - around, start + MINUTE + around
        records, cut = await read_spans(session, "spans_of_traces", tenant, trace_ids, begin, end, MAX_SPANS_READ)
        if not cut and len(records) < MAX_SPANS_READ:
            break
        complete = False
    return await _with_what_belongs_to_them(session, tenant, trace_ids, records, (begin, end), kinds), complete


async def _first_spans(
    session: Session, tenant: str, start: datetime, trace_ids: list[bytes], kinds: frozenset[str]
) -> tuple[Portion, bool]:
    """Some traces of the minute, of large ones the first spans: parents come before their children."""
    begin, end = start - AROUND, start + MINUTE + AROUND
    records, cut = await read_spans(session, "first_spans_of_traces", tenant, trace_ids, begin, end, LIVE_SPANS_READ)
    complete = not cut and len(records) < LIVE_SPANS_READ
    return await _with_what_belongs_to_them(session, tenant, trace_ids, records, (begin, end), kinds), complete


async def _with_what_belongs_to_them(
    session: Session,
    tenant: str,
    trace_ids: list[bytes],
    records: Sequence[Record],
    between: tuple[datetime, datetime],
    kinds: frozenset[str],
) -> Portion:
    """Traces of their spans, with what the ``kinds`` of sums need."""
    traces = await asyncio.to_thread(_assembled, records)
    linked = await _linked(session, tenant, traces, *between) if kinds & {MAP, QUEUES} else []
    logs: defaultdict[bytes, list[LogRecord]] = defaultdict(list)
    if EVIDENCE in kinds:
        lines, _ = await session.fetch_within(
            "log_lines_of_traces", tenant, trace_ids, *between, MAX_LINES, weigh=_line_bytes, most=MAX_LINE_BYTES
        )
        for record in lines:
            logs[record["trace_id"]].append(_line(record))
    return Portion(traces, linked, logs)


async def _linked(session: Session, tenant: str, traces: Sequence[Trace], begin: datetime, end: datetime) -> list[Span]:
    """The spans of other traces to which links lead, and parents of consumers, which may have sent long before."""
    links = {
        (link.trace_id, link.span_id)
        for trace in traces
        for span in trace.spans
        for link in span.links
        if link.trace_id != trace.trace_id
    }
    if not links and not any(_missing_senders(trace) for trace in traces):
        return []
    found: list[Span] = []
    if links:
        records, _ = await read_spans(session, "linked_spans", tenant, *_columns(links), begin, end)
        found = await asyncio.to_thread(_spans, records)
    waited_for = {
        (link.trace_id, link.span_id)
        for trace in traces
        for span in trace.spans
        if span.kind is SpanKind.CONSUMER or span.kind is SpanKind.CLIENT
        for link in span.links
        if link.trace_id != trace.trace_id
    }
    waited_for -= {(span.trace_id, span.span_id) for span in found}
    waited_for.update(place for trace in traces for place in _missing_senders(trace))
    if waited_for:
        far = sorted(waited_for)[:MAX_FAR_SENDERS]
        records, _ = await read_spans(session, "linked_spans", tenant, *_columns(far), begin - LONGEST_WAIT, begin)
        found += await asyncio.to_thread(_spans, records)
    return found


def _missing_senders(trace: Trace) -> Iterator[tuple[bytes, bytes]]:
    """The parents of consumers that are not among the spans."""
    for position, origin in trace.origins.items():
        span = trace.spans[position]
        if origin is Origin.PARENT_MISSING and span.kind is SpanKind.CONSUMER and span.parent_id is not None:
            yield trace.trace_id, span.parent_id


def _columns(places: Iterable[tuple[bytes, bytes]]) -> list[list[bytes]]:
    return [list(ids) for ids in zip(*places, strict=True)]


def _ids(chosen: Sequence[Record], most: int) -> Iterator[list[bytes]]:
    """The ids of traces, in lists of about so many spans."""
    portion: list[bytes] = []
    spans = 0
    for record in chosen:
        portion.append(record["trace_id"])
        spans += record["spans"]
        if spans >= most:
            yield portion
            portion, spans = [], 0
    if portion:
        yield portion


def _spans(records: Sequence[Record]) -> list[Span]:
    return [span_rows.span_of(record) for record in records]


def _assembled(records: Sequence[Record]) -> list[Trace]:
    return assemble_all(map(span_rows.span_of, records))


def _line_bytes(record: Record) -> int:
    return len(record["body"] or "")


def _line(record: Record) -> LogRecord:
    return LogRecord(
        time_ns=rows.epoch_ms(record["time"]) * 1_000_000 + record["time"].microsecond % 1_000 * 1_000,
        service=record["service"],
        trace_id=record["trace_id"],
        span_id=record["span_id"],
        severity=record["severity"],
        template=template_of(record["body"] or "").text,
    )


def minute_of(at_ms: int) -> datetime:
    """The beginning of the minute in which an instant lies."""
    return datetime.fromtimestamp(at_ms // 60_000 * 60, UTC)
