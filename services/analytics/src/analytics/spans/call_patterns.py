"""Calls of one trace that could be fewer, or could be made at once. Pure.

* **Repeated calls** (N+1): at least :data:`REPEATED` calls of one operation by one span, one after the other. One call for all
  of them would do instead; what it would gain is at most their time but for the longest of them. Calls that have a model
  write, that only manage a transaction, and those with long pauses between them (asking again until something is done) are
  none.
* **Serial calls**: calls by one span that follow each other back to back, on the critical path, without evidence that one needs
  what another has brought. They *could be* made in parallel, which would gain their time but for the longest of them. Where the
  same operations come again in a run, it is a loop: its rounds could be made in parallel, but for the longest of them.

A call is a span of the kind CLIENT or PRODUCER, one of another service than its parent, or one with such a call right below it.
Failed calls, and those of which a part failed, are left out: what follows is another attempt. Evidence of a need is a gap in
which the caller worked on the answer, a call that changes data (:mod:`.call_effects`), or that it is one of a repeated
operation, which mostly needs the list that came before.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analytics.spans.call_effects import asks_model, changes_data, manages
from analytics.spans.clock_skew import Times
from analytics.spans.critical_path import CriticalPath
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import Trace

REPEATED = 5
"""From so many calls of one operation on they are repeated."""

BACK_TO_BACK = 10
"""The caller's gap between two serial calls is at most one part in so many of the shorter one."""

WORTH = 20
"""What parallel calls would gain is at least one part in so many of the root's duration."""

PAUSE_NS = 50_000_000
PAUSES = 5
"""Calls are no repetition where half of the pauses between them are so long at least, and so many times as long as a call."""

MOST_NAMED = 5
"""Operations of one run of serial calls that are named."""

_CALLS = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER})


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
        if not asks_model(spans[call]) and not manages(spans[call]):
            groups.setdefault(operation_of(spans[call]), []).append(call)
    for callee, group in groups.items():
        if len(group) < REPEATED:
            continue
        longs: list[int] = []
        pauses: list[int] = []
        ended = 0
        for call in group:
            if times.starts[call] >= ended:
                longs.append(times.ends[call] - times.starts[call])
                if ended:
                    pauses.append(times.starts[call] - ended)
            ended = max(ended, times.ends[call])
        if len(longs) >= REPEATED and not _is_polling(longs, pauses):
            yield Pattern(PatternKind.REPEATED, caller, (callee,), len(longs), sum(longs), sum(longs) - max(longs))


def _is_polling(longs: list[int], pauses: list[int]) -> bool:
    """Whether most calls wait long for the next one."""
    pause, long = sorted(pauses)[len(pauses) // 2], sorted(longs)[len(longs) // 2]
    return pause >= PAUSE_NS and pause >= PAUSES * long


def _serial(
    spans: list[Span], path: CriticalPath, caller: Operation, calls: list[int], repeated: set[Operation], least: int
) -> Iterator[Pattern]:
    starts, ends = path.times.starts, path.times.ends
    run: list[int] = []
    for call in [*calls, None]:
        if call is not None and (
            call not in path.room_ns
            or operation_of(spans[call]) in repeated
            or changes_data(spans[call])
            or manages(spans[call])
        ):
            yield from _of_run(spans, path.times, caller, run, least)
            run = []
            continue
        if call is not None and run:
            last = run[-1]
            shorter = min(ends[call] - starts[call], ends[last] - starts[last])
            if 0 <= (starts[call] - ends[last]) * BACK_TO_BACK <= shorter:
                run.append(call)
                continue
        yield from _of_run(spans, path.times, caller, run, least)
        run = [] if call is None else [call]


def _of_run(spans: list[Span], times: Times, caller: Operation, run: list[int], least: int) -> Iterator[Pattern]:
    """What could be gained by the calls of ``run`` at once: by all of them, or by the rounds of a loop."""
    if len(run) < 2:
        return
    rounds: list[int] = []
    seen: set[Operation] = set()
    for call in run:
        callee = operation_of(spans[call])
        long = times.ends[call] - times.starts[call]
        if not rounds or callee in seen:
            rounds.append(long)
            seen = {callee}
        else:
            rounds[-1] += long
            seen.add(callee)
    longs = [times.ends[call] - times.starts[call] for call in run]
    gain = sum(longs) - max(longs if len(rounds) == 1 else rounds)
    if gain >= max(least, 1):
        callees = tuple(dict.fromkeys(operation_of(spans[call]) for call in run))
        yield Pattern(PatternKind.SERIAL, caller, callees[:MOST_NAMED], len(run), sum(longs), gain)


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
