"""The spans of one trace as a tree. Pure.

Whatever the order in which the spans came, the tree is the same: spans are put in order of start first. Time is
proportional to the number of spans (times its logarithm, for the sorting), and nothing recurses: a trace of 100,000 spans, or
one as deep as that, is as good as any.

What is wrong with a trace is said, not hidden: see :class:`Origin` and :attr:`Trace.duplicates`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from analytics.spans.span import Span

NOBODY = -1
"""The parent of a root."""


class Origin(enum.IntEnum):
    """Why a span has no parent in the tree."""

    ROOT = 0
    """It names none."""
    PARENT_MISSING = 1
    """It names one that is not among the spans: not arrived, not sampled, or of a sender that does not report here."""
    CYCLE = 2
    """Its ancestors lead back to it. The first span of the cycle to start has been made a root."""


class Trace(Struct, frozen=True):
    """A forest, by position in ``spans``.

    ``spans`` are in order of start (of equal starts the longer first, then by id). ``parents[i]`` is the position of the parent
    of ``spans[i]``, or :data:`NOBODY`; ``children[i]`` are positions in order of start. ``roots`` are in order of start, and
    ``origins[i]`` says why the root ``i`` is one. ``duplicates`` counts spans whose id had been used by an earlier span.
    """

    trace_id: bytes
    spans: list[Span]
    parents: list[int]
    children: list[Sequence[int]]
    origins: dict[int, Origin]
    duplicates: int = 0

    @property
    def roots(self) -> list[int]:
        return list(self.origins)

    @property
    def root(self) -> int:
        """The span that stands for the trace: the first that names no parent, or the first root where all name one."""
        return min(self.origins, key=lambda position: (self.origins[position] is not Origin.ROOT, position))

    def walk(self, top: int | None = None) -> Iterator[tuple[int, int]]:
        """Position and depth of every span below ``top`` and of itself (of everything by default), parents first, children in
        order of start."""
        waiting = [(position, 0) for position in (self.roots[::-1] if top is None else (top,))]
        while waiting:
            position, depth = waiting.pop()
            yield position, depth
            waiting.extend([(child, depth + 1) for child in reversed(self.children[position])])


def assemble(spans: Iterable[Span]) -> Trace:
    """The tree of ``spans``, which are one or more of one trace. Of several with one id the first to start stays."""
    given = sorted(spans, key=_order)
    if not given:
        raise ValueError("a trace has one span at least")
    kept: list[Span] = []
    positions: dict[bytes, int] = {}
    for span in given:
        if positions.setdefault(span.span_id, len(kept)) == len(kept):
            kept.append(span)
    parents: list[int] = []
    origins: dict[int, Origin] = {}
    for position, span in enumerate(kept):
        if span.parent_id is None:
            parent = NOBODY
            origins[position] = Origin.ROOT
        else:
            parent = positions.get(span.parent_id, NOBODY)
            if parent == NOBODY:
                origins[position] = Origin.PARENT_MISSING
        parents.append(parent)
    for position in _first_of_cycles(parents):
        parents[position] = NOBODY
        origins[position] = Origin.CYCLE
    children: list[Sequence[int]] = [()] * len(kept)
    for position, parent in enumerate(parents):
        if parent != NOBODY:
            have = children[parent]
            if isinstance(have, list):
                have.append(position)
            else:
                children[parent] = [position]
    return Trace(kept[0].trace_id, kept, parents, children, dict(sorted(origins.items())), len(given) - len(kept))


def assemble_all(spans: Iterable[Span]) -> list[Trace]:
    """The trees of spans of many traces, in the order in which the traces were first seen."""
    traces: dict[bytes, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return [assemble(group) for group in traces.values()]


def _order(span: Span) -> tuple[int, int, bytes, str, str, bytes]:
    # Service, name and parent decide between duplicates that differ, so that the order of arrival never does.
    return span.start_ns, -span.duration_ns, span.span_id, span.service, span.name, span.parent_id or b""


def _first_of_cycles(parents: list[int]) -> list[int]:
    """The lowest position of each cycle. Every span is passed once."""
    found = []
    seen = [0] * len(parents)
    for position, parent in enumerate(parents):
        if parent == NOBODY or seen[position]:
            continue
        mark = position + 1
        current = position
        while current != NOBODY and not seen[current]:
            seen[current] = mark
            current = parents[current]
        if current != NOBODY and seen[current] == mark:
            lowest, after = current, parents[current]
            while after != current:
                lowest = min(lowest, after)
                after = parents[after]
            found.append(lowest)
    return found
