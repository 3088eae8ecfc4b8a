"""Calls of one trace that could be fewer, or could be made at once. Pure.

* **Repeated calls** (N+1): at least :data:`REPEATED` calls of one operation by one span, one after the other. One call for all
  of them would do instead; what it would gain is at most their time but for the longest of them.
* **Serial calls**: calls by one span that follow each other back to back, on the critical path, without evidence that one needs
  what another has brought. They *could be* made in parallel, which would gain their time but for the longest of them.

A call is a span of the kind CLIENT or PRODUCER, one of another service than its parent, or one with such a call right below it.
Failed calls, and those of which a part failed, are left out: what follows is another attempt. Evidence of a need is a gap in
which the caller worked on the answer, a statement that changes data, or a message sent.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analytics.spans.clock_skew import Times
from analytics.spans.critical_path import CriticalPath
from analytics.spans.operations import statement_class
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import Trace

REPEATED = 5
"""From so many calls of one operation on they are repeated."""

BACK_TO_BACK = 10
"""The caller's gap between two serial calls is at most one part in so many of the shorter one."""

WORTH = 20
"""What parallel calls would gain is at least one part in so many of the root's duration."""

MOST_NAMED = 5
"""Operations of one run of serial calls that are named."""

_CALLS = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})
_READING = frozenset(
    {"SELECT", "GET", "MGET", "HGET", "HGETALL", "HMGET", "EXISTS", "FIND", "COUNT", "AGGREGATE", "QUERY", "SCAN"}
)


class Operation(NamedTuple):
    """What a span counts under; ``kind`` is the number of its span kind."""

    service: str
    operation: str
    kind: int


class PatternKind(enum.StrEnum):
    REPEATED = "repeated"
    SERIAL = "serial"


class Pattern(NamedTuple):
    """Calls of one span: ``calls`` of them, which took ``total_ns`` in all; ``gain_ns`` is what could be saved at most."""

    kind: PatternKind
    caller: Operation
    callees: tuple[Operation, ...]
    calls: int
    total_ns: int
    gain_ns: int


def operation_of(span: Span) -> Operation:
    return Operation(span.resource.service, span.operation, int(span.kind))


def find_patterns(trace: Trace, path: CriticalPath, positions: Sequence[int]) -> Iterator[Pattern]:
    """The patterns among the children of each of ``positions``, which are those below the path's root."""
    spans = trace.spans
    least = path.duration_ns // WORTH
    for parent in positions:
        children = trace.children[parent]
        if len(children) < 2:
            continue
        calls = [child for child in children if not _failed(trace, child) and _is_call(trace, parent, child)]
        if len(calls) < 2:
            continue
        calls.sort(key=lambda child: (path.times.starts[child], child))
        caller = operation_of(spans[parent])
        repeated: set[Operation] = set()
        if len(calls) >= REPEATED:
            for pattern in _repeated(spans, path.times, caller, calls):
                repeated.add(pattern.callees[0])
                yield pattern
        yield from _serial(spans, path, caller, calls, repeated, least)


def _repeated(spans: list[Span], times: Times, caller: Operation, calls: list[int]) -> Iterator[Pattern]:
    groups: dict[Operation, list[int]] = {}
    for call in calls:
        groups.setdefault(operation_of(spans[call]), []).append(call)
    for callee, group in groups.items():
        if len(group) < REPEATED:
            continue
        count = total = longest = ended = 0
        for call in group:
            if times.starts[call] >= ended:
                long = times.ends[call] - times.starts[call]
                count, total, longest = count + 1, total + long, max(longest, long)
            ended = max(ended, times.ends[call])
        if count >= REPEATED:
            yield Pattern(PatternKind.REPEATED, caller, (callee,), count, total, total - longest)


def _serial(
    spans: list[Span], path: CriticalPath, caller: Operation, calls: list[int], repeated: set[Operation], least: int
) -> Iterator[Pattern]:
    starts, ends = path.times.starts, path.times.ends
    run: list[int] = []
    for call in [*calls, None]:
        if call is not None and run:
            last = run[-1]
            gap = starts[call] - ends[last]
            shorter = min(ends[call] - starts[call], ends[last] - starts[last])
            if 0 <= gap * BACK_TO_BACK <= shorter and call in path.room_ns and _is_independent(spans[last], spans[call]):
                run.append(call)
                continue
        if len(run) > 1:
            longs = [ends[one] - starts[one] for one in run]
            gain = sum(longs) - max(longs)
            callees = tuple(dict.fromkeys(operation_of(spans[one]) for one in run))
            if gain >= max(least, 1) and not (len(callees) == 1 and callees[0] in repeated):
                yield Pattern(PatternKind.SERIAL, caller, callees[:MOST_NAMED], len(run), sum(longs), gain)
        run = [call] if call is not None and call in path.room_ns else []


def _is_call(trace: Trace, parent: int, child: int) -> bool:
    spans = trace.spans
    span = spans[child]
    if span.kind in _CALLS or span.resource.service != spans[parent].resource.service:
        return True
    return any(
        spans[below].kind in _CALLS or spans[below].resource.service != span.resource.service for below in trace.children[child]
    )


def _failed(trace: Trace, position: int) -> bool:
    """Whether a call has failed, or a part of it: its caller may have gone on to something else for that."""
    spans = trace.spans
    return spans[position].is_error or any(spans[below].is_error for below in trace.children[position])


def _is_independent(first: Span, second: Span) -> bool:
    """Whether nothing shows that ``second`` needs what ``first`` did."""
    if first.kind is SpanKind.PRODUCER or second.kind is SpanKind.PRODUCER:
        return False
    changes = [found for span in (first, second) if (found := statement_class(span.attributes)) and found not in _READING]
    return not changes
