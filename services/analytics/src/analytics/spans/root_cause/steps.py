"""The steps of one trace and how long they took. Pure.

A step is either the *own time* of a span (what none of its children covers), which its service answers for, or a *gap* (a
client span's duration without its server span: the network, and the queue of the callee), which lies between two services.

Durations are compared across machines, moments never: clocks differ. Asynchronous parents end or hand over before the work is
done, which then shows as a later sibling; so a sibling that starts while a span runs takes over as a child does.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import NOBODY, Trace

Step = tuple[str, str, str]
"""Service, callee (empty: own time), operation (of the callee, where there is one)."""

MAX_BESIDE = 64
"""Later siblings of a span that may take over: of thousands of calls at once, the time for each must not grow with them."""

_PEERS = ("peer.service", "db.system.name", "db.system", "messaging.system", "server.address")
_GAP_KINDS = (SpanKind.CLIENT, SpanKind.UNSPECIFIED)


def steps(trace: Trace) -> Iterator[tuple[Step, float]]:
    """Every step of a trace with its milliseconds, never negative."""
    spans, parents = trace.spans, trace.parents
    for position, span in enumerate(spans):
        below = trace.children[position]
        service = span.service
        callee = _only_callee(spans, span, below)
        if callee is not None:
            yield (service, callee.service, callee.operation), max(0, span.duration_ns - callee.duration_ns) / 1e6
            continue
        if not below and span.kind is SpanKind.CLIENT and (peer := peer_of(span.attributes)):
            yield (service, peer, span.operation), span.duration_ns / 1e6
            continue
        covering = [spans[child] for child in below]
        if (parent := parents[position]) != NOBODY:
            covering += _taking_over(spans, trace.children[parent], position)
        yield (service, "", span.operation), _alone(span, covering) / 1e6


def peer_of(attributes: Mapping[str, Any]) -> str:
    """The name of who is called where it sends no spans itself: a service, a database, a broker, a host. Empty: none given."""
    for name in _PEERS:
        if isinstance(value := attributes.get(name), str) and value:
            return value[:128]
    return ""


def _only_callee(spans: Sequence[Span], span: Span, below: Sequence[int]) -> Span | None:
    if span.kind not in _GAP_KINDS:
        return None
    remote = [spans[child] for child in below if spans[child].service != span.service]
    return remote[0] if len(remote) == 1 else None


def _taking_over(spans: Sequence[Span], siblings: Sequence[int], position: int) -> list[Span]:
    """Siblings that start later, and before the span ends; positions are in order of start."""
    start, end = spans[position].start_ns, spans[position].end_ns
    after = []
    first = bisect.bisect_right(siblings, position)
    for sibling in siblings[first : first + MAX_BESIDE]:
        other = spans[sibling]
        if other.start_ns >= end:
            break
        if other.start_ns > start:
            after.append(other)
    return after


def _alone(span: Span, others: list[Span]) -> int:
    """Nanoseconds of ``span`` that no other covers."""
    reached, end = span.start_ns, span.end_ns
    left = end - reached
    for start, stop in sorted((other.start_ns, other.end_ns) for other in others):
        start, stop = max(start, reached), min(stop, end)
        if stop > start:
            left -= stop - start
            reached = stop
    return left
