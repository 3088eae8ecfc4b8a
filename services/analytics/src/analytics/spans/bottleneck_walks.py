"""Walks traces and adds up what their roots waited for: the sums of :mod:`analytics.spans.bottlenecks`. Pure.

How this works
--------------
Of each trace the critical path is walked (:mod:`analytics.spans.critical_path`), and the time of each section is added to its
operation's :class:`Contribution`, under the root operation of the trace. It is kept apart by the root's duration, in steps of
10 %, so that the shares of the slow traces can be read from the sums: "of the traces at and above the 95th percentile, 62 % of
the time was spent waiting for llm.generate". The time before a span that waits to begin (a message in a queue) is a
contribution of its own.

*What would be gained if an operation were half as long*: half of its own time on the path, of each of its spans at most the
lead that the span has on what runs beside it: then that is waited for instead. This is an estimate by the path as it was, of
one operation at a time.

A root counts where it names no parent, or is the first of a service to be called (SERVER, CONSUMER) and its parent did not
come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from analytics.spans import clock_skew
from analytics.spans.bottlenecks import EXAMPLES, Bottlenecks, Contribution, Part, PatternKey, PatternSums, RootSums, largest
from analytics.spans.call_patterns import Operation, Pattern, find_patterns, operation_of
from analytics.spans.critical_path import critical_path
from analytics.spans.durations import MOST_NS, bucket_of
from analytics.spans.span import SpanKind
from analytics.spans.trace import Origin, Trace

MINUTE_NS = 60_000_000_000

STEP = 5
"""Buckets of :mod:`analytics.spans.durations` that make one step of a root's duration: 10 %."""

_ENTRIES = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})


def bottlenecks(traces: Iterable[Trace]) -> dict[int, Bottlenecks]:
    """The sums of each minute (since 1970, of the root's start)."""
    found: dict[int, Bottlenecks] = {}
    for trace in traces:
        sums = found.setdefault(trace.spans[trace.root].start_ns // MINUTE_NS, Bottlenecks())
        sums.seen += 1
        sums.walked += 1
        _walk(trace, found)
    return found


def is_sampled(trace_id: bytes, one_in: int) -> bool:
    """Whether a trace is among one in so many, by its id alone."""
    if one_in <= 1:
        return True
    return int.from_bytes(hashlib.blake2b(trace_id, digest_size=8).digest(), "big") % one_in == 0


def step_of(duration_ns: int) -> int:
    """The step of a root's duration: in steps of 10 %."""
    return -(-bucket_of(duration_ns) // STEP)


def _walk(trace: Trace, found: dict[int, Bottlenecks]) -> None:
    times = None
    for root, origin in trace.origins.items():
        span = trace.spans[root]
        if origin is not Origin.ROOT and span.kind not in _ENTRIES:
            continue
        if times is None:
            times = clock_skew.correct(trace)
        sums = found.setdefault(span.start_ns // MINUTE_NS, Bottlenecks()).roots.setdefault(operation_of(span), RootSums())
        _add_root(sums, trace, root, times)


def _add_root(sums: RootSums, trace: Trace, root: int, times: clock_skew.Times) -> None:
    path = critical_path(trace, root, times)
    duration = path.duration_ns
    step = step_of(duration)
    sums.durations.add(duration, trace.spans[root].is_error)
    count, long = sums.steps.get(step, (0, 0))
    sums.steps[step] = count + 1, min(long + duration, MOST_NS)
    if len(sums.slowest) < EXAMPLES or duration >= sums.slowest[-1][0]:
        sums.slowest = largest([*sums.slowest, (duration, trace.trace_id)])
    operations: dict[int, Operation] = {}
    parts = sums.parts
    for position, _ in trace.walk(root):
        span = trace.spans[position]
        operation = operations[position] = operation_of(span)
        part = Part(operation)
        contribution = parts.get(part)
        if contribution is None:
            contribution = parts[part] = Contribution()
        contribution.spans += 1
        contribution.errors += span.is_error
        contribution.total_ns = min(contribution.total_ns + span.duration_ns, MOST_NS)
    on_path: dict[Part, list[int]] = {}
    for position, own in path.own_ns().items():
        held = on_path.setdefault(Part(operations[position]), [0, 0])
        held[0] += own
        held[1] += min(own // 2, path.room_ns[position])
    for position, waited in path.waiting_ns().items():
        held = on_path.setdefault(Part(operations[position], waiting=True), [0, 0])
        held[0] += waited
        held[1] += min(waited // 2, path.room_ns[position])
    for part, (own, gain) in on_path.items():
        contribution = parts.setdefault(part, Contribution())
        contribution.traces += 1
        contribution.path_ns = min(contribution.path_ns + own, MOST_NS)
        contribution.gain_ns = min(contribution.gain_ns + gain, MOST_NS)
        contribution.steps[step] = min(contribution.steps.get(step, 0) + own, MOST_NS)
        contribution.example = max(contribution.example, (own, trace.trace_id))
    _add_patterns(sums, trace.trace_id, list(find_patterns(trace, path, list(operations))))


def _add_patterns(sums: RootSums, trace_id: bytes, patterns: list[Pattern]) -> None:
    seen: set[PatternKey] = set()
    for pattern in patterns:
        key = PatternKey(pattern.kind, pattern.caller, pattern.callees)
        held = sums.patterns.setdefault(key, PatternSums())
        held.times += 1
        held.traces += key not in seen
        held.calls += pattern.calls
        held.most = max(held.most, pattern.calls)
        held.total_ns = min(held.total_ns + pattern.total_ns, MOST_NS)
        held.gain_ns = min(held.gain_ns + pattern.gain_ns, MOST_NS)
        held.examples = largest([*held.examples, (pattern.gain_ns, trace_id)])
        seen.add(key)
