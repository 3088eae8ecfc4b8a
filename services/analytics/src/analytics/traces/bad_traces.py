"""Compares the failing or slow traces of a range with the others, out of what is stored.

The traces are a sample that is spread evenly over the range: so many spans of each part of it. Where few of them are bad, more
bad ones are read. Whoever finds trouble in a window asks :func:`compare`.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from analytics.computing import computed
from analytics.errors import StatementTimeout
from analytics.spans.comparison import TOP, Bad, Comparison, Shared
from analytics.spans.span import Span, Status
from analytics.storage import span_rows
from analytics.storage.database import Session
from analytics.storage.rows import Record
from analytics.storage.span_reading import read_spans
from analytics.traces.slices import FIRST, Slices
from drishti.messages import subjects

log = logging.getLogger(__name__)

PARTS = 12
SPANS_OF_PART = 4_000

SPREAD_S = 1.2
"""How long they are looked for, all in all."""

COMPARE_S = 0.6
"""How long bad ones are read, and how long the rest; one portion of each is read at least."""

MAX_BAD = 500
MAX_REST = 1_500
"""Traces that are compared."""

PORTION = 200
"""Traces that are read at once."""

CHECKED = 4_000
"""Traces of which it is looked up at once whether they failed."""

MAX_SPANS_READ = 10_000
"""Of one portion: large traces are cut."""

AROUND = timedelta(minutes=10)
"""Spans of a trace are read that began so long before or after the range."""

SLOW_PERCENT = 95
LEAST_OF_OPERATION = 20
"""Traces of an operation, below which none of them can be told to be slow for it."""


class Window(NamedTuple):
    """Which traces are compared: those of a range with a span of one of ``operations`` (ids), and what is bad about some.

    ``slow_ns``: what takes longer is slow; ``None``: longer than :data:`SLOW_PERCENT` of the same operation. ``error``: a
    fingerprint, as its column has it, that makes a trace bad. ``own``: what Drishti's own services do in them counts, too."""

    tenant: str
    start: datetime
    end: datetime
    operations: Sequence[int]
    bad: Bad = Bad.FAILING
    slow_ns: int | None = None
    error: int | None = None
    own: bool = False


class Longest(NamedTuple):
    """The longest span that was read of a trace, which is nearest to its root."""

    duration_ns: int
    operation: int
    started: datetime
    """That of its first span that was read."""


class Compared(NamedTuple):
    """The findings; ``sampled``: there are more traces than were compared."""

    shared: Shared
    sampled: bool


async def compare(session: Session, window: Window, *, top: int = TOP) -> Compared:
    """What the bad traces of ``window`` share. Raises :class:`DatabaseAway`."""
    traces, every = await _spread(session, window)
    bad = _slow(traces, window.slow_ns) if window.bad is Bad.SLOW else await _failing(session, window, traces)
    rest = {trace_id: longest.started for trace_id, longest in traces.items() if trace_id not in bad}
    comparison = Comparison(window.bad)
    for starts, most, is_bad in ((bad, MAX_BAD, True), (rest, MAX_REST, False)):
        until = time.monotonic() + COMPARE_S
        # Those for which there is time are of the whole range: the last bytes of an id are random.
        portions = sorted(_portions(starts, most), key=lambda portion: next(iter(portion))[::-1])
        for number, portion in enumerate(portions):
            if number and time.monotonic() > until:
                every = False
                break
            await _add(session, portion, window, comparison, bad=is_bad)
    shared = await computed(lambda: comparison.shared(top=top), in_thread=True)
    sampled = len(bad) > MAX_BAD or len(rest) > MAX_REST or not every
    return Compared(shared, sampled)


async def _spread(session: Session, window: Window) -> tuple[dict[bytes, Longest], bool]:
    """The traces of the newest spans in each part of the window, with the longest of these spans; and whether these are all."""
    traces: dict[bytes, Longest] = {}
    every = True
    part = (window.end - window.start) / PARTS
    width = FIRST
    for number in range(PARTS if window.operations else 0):
        begin = window.start + part * number
        slices = Slices(begin, begin + part, within_s=SPREAD_S / PARTS, first=width)
        missing = SPANS_OF_PART
        try:
            for piece in slices:
                records = await session.fetch(
                    "longest_of_traces", list(window.operations), *piece, missing, within_s=slices.left_s
                )
                for record in records:
                    longest = Longest(record["duration_ns"], record["operation"], record["started"])
                    traces[record["trace_id"]] = max(longest, traces.get(record["trace_id"], longest))
                missing -= sum(record["spans"] for record in records)
                if missing <= 0:
                    width = begin + part - piece.start
                    break
        except StatementTimeout:
            log.info("a part of a window is left out, it takes too long", extra={"tenant": window.tenant})
        every = every and slices.whole
    return traces, every


async def _failing(session: Session, window: Window, traces: Mapping[bytes, Longest]) -> dict[bytes, datetime]:
    """The failing ones by their start: of ``traces``, and others where these are few."""
    found: dict[bytes, datetime] = {}
    for portion in _portions({trace_id: longest.started for trace_id, longest in traces.items()}, len(traces), CHECKED):
        records = await session.fetch("failing_traces", window.tenant, list(portion), *_around(portion), window.error)
        found |= {record["trace_id"]: portion[record["trace_id"]] for record in records}
    if len(found) < MAX_BAD and window.operations:
        records = await session.fetch("traces_with_errors", window.tenant, window.start, window.end, window.error, 2 * MAX_BAD)
        missing = {record["trace_id"]: record["started"] for record in records if record["trace_id"] not in found}
        for portion in _portions(missing, len(missing)):
            matching = await session.fetch("traces_of_operations", list(portion), list(window.operations), *_around(portion))
            found |= {record["trace_id"]: portion[record["trace_id"]] for record in matching}
    return found


def _slow(traces: Mapping[bytes, Longest], slow_ns: int | None) -> dict[bytes, datetime]:
    """The slow ones by their start."""
    if slow_ns is not None:
        return {trace_id: longest.started for trace_id, longest in traces.items() if longest.duration_ns > slow_ns}
    by_operation: defaultdict[int, dict[bytes, Longest]] = defaultdict(dict)
    for trace_id, longest in traces.items():
        by_operation[longest.operation][trace_id] = longest
    found: dict[bytes, datetime] = {}
    for some in by_operation.values():
        if len(some) >= LEAST_OF_OPERATION:
            least = sorted(longest.duration_ns for longest in some.values())[len(some) * SLOW_PERCENT // 100]
            found |= {trace_id: longest.started for trace_id, longest in some.items() if longest.duration_ns >= least}
    return found


def _portions(starts: Mapping[bytes, datetime], most: int, size: int = PORTION) -> Iterator[dict[bytes, datetime]]:
    """``most`` of the traces, whichever their times are (the last bytes of an id are random), in the order of their times: so
    each portion is of few partitions."""
    chosen = sorted(starts, key=lambda trace_id: trace_id[::-1])[:most]
    chosen.sort(key=lambda trace_id: starts[trace_id])
    for at in range(0, len(chosen), size):
        yield {trace_id: starts[trace_id] for trace_id in chosen[at : at + size]}


def _around(portion: Mapping[bytes, datetime]) -> tuple[datetime, datetime]:
    return min(portion.values()) - AROUND, max(portion.values()) + AROUND


async def _add(
    session: Session, portion: Mapping[bytes, datetime], window: Window, comparison: Comparison, *, bad: bool
) -> None:
    records, _ = await read_spans(session, "spans_of_traces", window.tenant, list(portion), *_around(portion), MAX_SPANS_READ)

    def add() -> None:
        for spans in _by_trace(records).values():
            counted = spans if window.own else _without_own(spans, failed=bad and window.bad is Bad.FAILING)
            if counted:
                comparison.add(counted, bad=bad)

    await computed(add, in_thread=True)


def _without_own(spans: list[Span], *, failed: bool) -> list[Span]:
    """The spans of a trace that are not of Drishti's own services; none where only these ``failed``."""
    others = [span for span in spans if not subjects.is_own(span.service)]
    if failed and len(others) < len(spans) and not any(span.status is Status.ERROR for span in others):
        return []
    return others


def _by_trace(records: Sequence[Record]) -> Mapping[bytes, list[Span]]:
    traces: defaultdict[bytes, list[Span]] = defaultdict(list)
    for record in records:
        traces[record["trace_id"]].append(span_rows.span_of(record))
    return traces
