"""What a request waited for, instant by instant, from its end back to its start. Pure.

How this works
--------------
*Who holds up whom.* A span is held up by everything that it caused and that ended before it did. So a span holds up its nearest
ancestor that ends no earlier than itself. Mostly that is its parent; work that outlives its parent may hold up one further up
(the request that waits for the reply of a worker behind a queue), or nobody: what goes on after the root has ended is not on
the path.

*The way back.* At the end of the root we stand in the root. In span ``s`` at time ``t``, the last of those that hold ``s`` up
and that ended by ``t`` is what ``s`` waited for: the time since its end is ``s``'s own, and we go on in it at its end. At the
start of a span we go on in its parent, which started it. Had the parent ended by then, the time between is the span's
*waiting* (in a queue, for a worker), and we go on at the parent's end. So every instant of the root belongs to one span, and
the sections add up to its duration exactly.

A sibling that overlaps the one on the path did not delay it, and is not on the path. Of two that end at once the longer counts.

*Bounds of a span*, once clocks are in line (:mod:`analytics.spans.clock_skew`): it begins no earlier than its parent. It ends
with its parent where the parent is a CLIENT and it is the SERVER: a client waits for its server until it gives up. It does so
too where at most a twentieth of it lies behind its parent's end, since the ends of two spans are not recorded in one instant.

Time and memory are proportional to the number of spans (times the logarithm), and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from analytics.spans import clock_skew
from analytics.spans.clock_skew import Times
from analytics.spans.span import SpanKind
from analytics.spans.trace import NOBODY, Trace

LATE_END = 20
"""One part in so many of a span may lie behind its parent's end, and still the parent is taken to have waited for it."""


BESIDE = 3
"""Spans beside one on the path that are looked at: handlers that wait for it are few."""

_INNER = frozenset({SpanKind.INTERNAL, SpanKind.UNSPECIFIED})


class Section(NamedTuple):
    """A part of the path: the span at ``position`` from ``start_ns`` to ``end_ns``, at its own work or ``waiting`` to begin."""

    position: int
    start_ns: int
    end_ns: int
    waiting: bool

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


class CriticalPath(Struct, frozen=True):
    """The path of one root: ``sections`` in order of time, without gaps, from the root's start to its end.

    ``room_ns`` has every span that the path passes through: by how much it may become shorter before something that runs beside
    it is waited for instead, which is at most its duration."""

    root: int
    sections: list[Section]
    room_ns: dict[int, int]
    times: Times

    @property
    def duration_ns(self) -> int:
        return self.times.ends[self.root] - self.times.starts[self.root]

    def own_ns(self) -> dict[int, int]:
        """By span: the time of its own on the path."""
        return _totals(section for section in self.sections if not section.waiting)

    def waiting_ns(self) -> dict[int, int]:
        """By span: how long the path waited for it to begin."""
        return _totals(section for section in self.sections if section.waiting)


def critical_path(trace: Trace, root: int | None = None, times: Times | None = None) -> CriticalPath:
    """The path of ``root`` (by default of the trace's root). ``times`` are those of the whole trace, where already known."""
    if root is None:
        root = trace.root
    if times is None:
        times = clock_skew.correct(trace)
    if not trace.children[root]:
        start, end = times.starts[root], times.ends[root]
        return CriticalPath(root, [Section(root, start, end, False)] if end > start else [], {root: end - start}, times)
    starts, ends, holding = _held_up(trace, root, times)
    parents = trace.parents
    sections: list[Section] = []
    position, now = root, ends[root]
    room = {root: ends[root] - starts[root]}
    while True:
        candidates = holding[position]
        latest = NOBODY
        while candidates:
            latest = candidates.pop()
            if ends[latest] <= now:
                break
            latest = NOBODY
        if latest != NOBODY:
            _add(sections, position, ends[latest], now, False)
            room[latest] = min(room[position], ends[latest] - _end_beside(trace, starts, ends, candidates, latest))
            position, now = latest, ends[latest]
            continue
        start = starts[position]
        _add(sections, position, start, now, False)
        if position == root:
            break
        parent = parents[position]
        now = min(start, ends[parent])
        _add(sections, position, now, start, True)
        if parent not in room:
            room[parent] = min(room[position], ends[parent] - starts[parent])
        position = parent
    sections.reverse()
    return CriticalPath(root, sections, room, times)


def _held_up(trace: Trace, root: int, times: Times) -> tuple[dict[int, int], dict[int, int], dict[int, list[int]]]:
    """Start and end of each span below ``root`` within its bounds, and who holds it up, the last to end at the end."""
    spans, children = trace.spans, trace.children
    raw_starts, raw_ends = times.starts, times.ends
    starts, ends = {root: raw_starts[root]}, {root: raw_ends[root]}
    waiter: dict[int, int] = {}
    outliving: list[int] = []
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        parent_start, parent_end = starts[parent], ends[parent]
        for position in children[parent]:
            start, end = raw_starts[position], raw_ends[position]
            if start < parent_start:
                start = parent_start
            if end < start:
                end = start
            waiter[position] = parent
            if end > parent_end:
                late = end - parent_end
                is_call = spans[position].kind is SpanKind.SERVER and spans[parent].kind is SpanKind.CLIENT
                if start <= parent_end and (is_call or late * LATE_END <= end - start):
                    end = parent_end
                else:
                    outliving.append(position)
            starts[position], ends[position] = start, end
            waiting.append(position)
    if outliving:
        ancestors = _Ancestors(trace.parents, root, ends)
        for position in outliving:
            waiter[position] = ancestors.first_to_end_after(position)
    holding: dict[int, list[int]] = {position: [] for position in starts}
    for position in sorted(waiter, key=lambda one: (ends[one], -starts[one], -one)):
        if waiter[position] != NOBODY:
            holding[waiter[position]].append(position)
    return starts, ends, holding


def _end_beside(trace: Trace, starts: dict[int, int], ends: dict[int, int], candidates: list[int], latest: int) -> int:
    """When the last span ended that ran beside ``latest`` and that the same span was held up by; its start where none did.

    One without children that is of no call, began before ``latest`` and ended with it is left out: it is what waited for
    ``latest``, as handlers of some frameworks are siblings of the calls that they make."""
    start, end = starts[latest], ends[latest]
    for other in candidates[: -BESIDE - 1 : -1]:
        late = end - ends[other]
        is_inner = trace.spans[other].kind in _INNER and not trace.children[other]
        if is_inner and starts[other] < start and late * LATE_END <= end - start:
            continue
        return max(ends[other], start)
    return start


class _Ancestors:
    """Finds the nearest ancestor that ends no earlier than a span, in a logarithm of the depth.

    ``later`` of a span is its nearest ancestor that ends no earlier; each span also has a ``jump`` along those, of a length
    that makes a search take as many steps as a number has digits (skew-binary jump pointers).
    """

    def __init__(self, parents: Sequence[int], root: int, ends: dict[int, int]) -> None:
        """``ends`` has everything below ``root``, parents before children."""
        self._parents, self._ends = parents, ends
        self._later: dict[int, int] = {root: NOBODY}
        self._jump: dict[int, int] = {root: NOBODY}
        self._depth: dict[int, int] = {root: 1, NOBODY: 0}
        for position in ends:
            if position != root:
                self._enter(position)

    def first_to_end_after(self, position: int) -> int:
        """The nearest ancestor that ends no earlier than ``position``, or :data:`NOBODY`."""
        return self._later[position]

    def _enter(self, position: int) -> None:
        end, found = self._ends[position], self._parents[position]
        while found != NOBODY and self._ends[found] < end:
            jump = self._jump[found]
            found = jump if jump != NOBODY and self._ends[jump] < end else self._later[found]
        self._later[position] = found
        self._depth[position] = self._depth[found] + 1
        far = self._jump.get(found, NOBODY)
        farther = self._jump.get(far, NOBODY)
        equal = self._depth[found] - self._depth[far] == self._depth[far] - self._depth[farther]
        self._jump[position] = farther if equal else found


def _add(sections: list[Section], position: int, start: int, end: int, waiting: bool) -> None:
    """Puts a section before the others; those of no length are left out, and neighbours of one span are one."""
    if start == end:
        return
    if sections and sections[-1].position == position and sections[-1].waiting == waiting:
        end = sections.pop().end_ns
    sections.append(Section(position, start, end, waiting))


def _totals(sections: Iterable[Section]) -> dict[int, int]:
    totals: dict[int, int] = {}
    for position, start, end, _ in sections:
        totals[position] = totals.get(position, 0) + end - start
    return totals
