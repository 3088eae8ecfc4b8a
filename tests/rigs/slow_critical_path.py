"""The critical path from its definition: all spans are searched at each step. Slow, and short enough to check."""

from __future__ import annotations

from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import NOBODY, Trace


def slow_times(trace: Trace, host_of: dict[int, str]) -> tuple[list[int], list[int]]:
    """Start and end with clocks in line: the definition of :mod:`analytics.spans.clock_skew`, span by span from the root."""
    known: dict[int, int] = {}

    def shift(position: int) -> int:
        if position not in known:
            known[position] = _shift(trace, host_of, position, shift)
        return known[position]

    starts = [span.start_ns + shift(position) for position, span in enumerate(trace.spans)]
    return starts, [start + span.duration_ns for start, span in zip(starts, trace.spans, strict=True)]


def _shift(trace: Trace, host_of: dict[int, str], position: int, shift: object) -> int:
    parent = trace.parents[position]
    if parent == NOBODY:
        return 0
    by: int = shift(parent)  # type: ignore[operator]
    if host_of[position] == host_of[parent]:
        return by
    child, above = trace.spans[position], trace.spans[parent]
    first, last = above.start_ns + by, above.end_ns + by
    asynchronous = child.kind is SpanKind.CONSUMER or above.kind is SpanKind.PRODUCER
    if child.duration_ns > above.duration_ns or asynchronous:
        return first - child.start_ns if child.start_ns < first else 0
    if first <= child.start_ns and child.end_ns <= last:
        return 0
    return first + (above.duration_ns - child.duration_ns) // 2 - child.start_ns


class SlowPath:
    """``owners``: by instant (each nanosecond of the root, so keep it short), the position of the span that owns it and whether
    it is waiting to begin."""

    def __init__(self, trace: Trace, root: int, starts: list[int], ends: list[int]) -> None:
        self._trace, self._root = trace, root
        self._raw = starts, ends
        self.owners: dict[int, tuple[int, bool]] = {}
        below = [position for position in range(len(trace.spans)) if root in self._line(position)]
        self._bounds = {position: self._bound(position) for position in below}
        self._waiters = {position: self._waiter(position) for position in below if position != root}
        self._used: set[int] = set()
        self._go(root, self._bounds[root][1])

    def _line(self, position: int) -> list[int]:
        """The span and its ancestors."""
        line = [position]
        while self._trace.parents[line[-1]] != NOBODY:
            line.append(self._trace.parents[line[-1]])
        return line

    def _bound(self, position: int) -> tuple[int, int]:
        start, end = self._raw[0][position], self._raw[1][position]
        if position == self._root:
            return start, end
        first, last = self._bound(self._trace.parents[position])
        start = max(start, first)
        end = max(end, start)
        if start <= last < end:
            span, parent = self._trace.spans[position], self._trace.spans[self._trace.parents[position]]
            served = span.kind is SpanKind.SERVER and parent.kind is SpanKind.CLIENT
            if served or (end - last) / (end - start) <= 1 / 20:
                end = last
        return start, end

    def _waiter(self, position: int) -> int:
        end = self._bounds[position][1]
        for ancestor in self._line(position)[1:]:
            if ancestor in self._bounds and self._bounds[ancestor][1] >= end:
                return ancestor
        return NOBODY

    def _go(self, position: int, now: int) -> None:
        while True:
            ready = [
                one
                for one, waiter in self._waiters.items()
                if waiter == position and one not in self._used and self._bounds[one][1] <= now
            ]
            start = self._bounds[position][0]
            if ready:
                latest = max(ready, key=lambda one: (self._bounds[one][1], -self._bounds[one][0], -one))
                self._used.add(latest)
                self._own(position, self._bounds[latest][1], now, False)
                position, now = latest, self._bounds[latest][1]
            elif position == self._root:
                self._own(position, start, now, False)
                return
            else:
                parent = self._trace.parents[position]
                self._own(position, start, now, False)
                now = min(start, self._bounds[parent][1])
                self._own(position, now, start, True)
                position = parent

    def _own(self, position: int, start: int, end: int, waiting: bool) -> None:
        for instant in range(start, end):
            assert instant not in self.owners
            self.owners[instant] = position, waiting


def nested_own_times(trace: Trace, position: int, end: int, starts: list[int], ends: list[int]) -> dict[int, int]:
    """The textbook's algorithm, for spans that all lie within their parents: from the end of a span back to its start, always
    into the last child that ended by then. Own time on the path by position."""
    own: dict[int, int] = {}
    now = end
    children = sorted(trace.children[position], key=lambda one: (ends[one], -starts[one], -one), reverse=True)
    for child in children:
        if ends[child] > now:
            continue
        own[position] = own.get(position, 0) + now - ends[child]
        for one, long in nested_own_times(trace, child, ends[child], starts, ends).items():
            own[one] = own.get(one, 0) + long
        now = starts[child]
    own[position] = own.get(position, 0) + now - starts[position]
    return own


def first_hosts(spans: list[Span]) -> dict[int, str]:
    """By position: the service, which stands for the host in these tests."""
    return {position: span.service for position, span in enumerate(spans)}
