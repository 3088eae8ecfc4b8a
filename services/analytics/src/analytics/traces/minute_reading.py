"""Reads the traces of a minute back from storage, in portions, or a sample of them where they are many."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from analytics.message_templates import template_of
from analytics.spans.bottlenecks import is_sampled
from analytics.spans.root_cause.records import LogRecord
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import Origin, Trace, assemble_all
from analytics.storage import rows, span_rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from analytics.storage.span_reading import read_spans
from analytics.traces.minute_sums import MinuteSums, Portion

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

MAX_LINES = 20_000
MAX_LINE_BYTES = 32 * 1024 * 1024
"""Log records of one portion, and what they say."""


class Counted(NamedTuple):
    """The sums of a minute; of its ``traces``, one in ``one_in`` is in them. ``cut``: spans of large traces are not."""

    sums: MinuteSums
    traces: int
    one_in: int
    cut: bool


async def count_minute(
    session: Session, tenant: str, start: datetime, *, most_spans: int, most_read: int = MAX_SPANS_READ
) -> Counted:
    """Counts the minute that begins at ``start``, of so many spans at most; ``most_read`` with those of its traces that lie
    around it. Raises :class:`DatabaseAway`."""
    found = await session.fetch("traces_of_minute", tenant, start, start + MINUTE, MAX_TRACES)
    spans = sum(record["spans"] for record in found)
    one_in = max(1, -(-spans // most_spans))
    chosen = [record for record in found if is_sampled(record["trace_id"], one_in)]
    sums = MinuteSums(int(start.timestamp()) // 60)
    whole = True
    async for portion, complete in _portions(session, tenant, start, chosen, most_read):
        await asyncio.to_thread(sums.add, portion)
        whole = whole and complete
    return Counted(sums, len(found), one_in, not whole)


async def _portions(
    session: Session, tenant: str, start: datetime, chosen: Sequence[Record], most_read: int
) -> AsyncIterator[tuple[Portion, bool]]:
    """The traces of the minute, some at a time, and whether they have all of their spans around it."""
    for trace_ids in _ids(chosen):
        complete = True
        for around in (AROUND, AROUND_LARGE):
            begin, end = start - around, start + MINUTE + around
            records, cut = await read_spans(session, "spans_of_traces", tenant, trace_ids, begin, end, most_read)
            if not cut and len(records) < most_read:
                break
            complete = False
        traces = await asyncio.to_thread(_assembled, records)
        linked = await _linked(session, tenant, traces, begin, end)
        logs: defaultdict[bytes, list[LogRecord]] = defaultdict(list)
        lines, _ = await session.fetch_within(
            "log_lines_of_traces", tenant, trace_ids, begin, end, MAX_LINES, weigh=_line_bytes, most=MAX_LINE_BYTES
        )
        for record in lines:
            logs[record["trace_id"]].append(_line(record))
        yield Portion(traces, linked, logs), complete


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


def _ids(chosen: Sequence[Record]) -> Iterator[list[bytes]]:
    """The ids of traces, in lists of about as many spans as a portion has."""
    portion: list[bytes] = []
    spans = 0
    for record in chosen:
        portion.append(record["trace_id"])
        spans += record["spans"]
        if spans >= PORTION_SPANS:
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
