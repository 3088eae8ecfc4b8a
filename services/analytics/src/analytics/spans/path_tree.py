"""Many traces as one tree, by the way from the root to each operation; and two of them side by side. Pure.

A place in the tree is a path of operations. What several spans of a trace do at one place (a query in a loop) is one node with
several calls. Trees merge by addition, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from analytics.spans import clock_skew
from analytics.spans.critical_path import critical_path
from analytics.spans.span import SpanKind
from analytics.spans.trace import NOBODY, Trace

MAX_NODES = 2_000
"""Nodes of one tree; what is called at further places is counted where its caller is."""


class Place(NamedTuple):
    """What is done at a node."""

    service: str
    operation: str
    kind: SpanKind


class PathSums:
    """``calls`` in ``traces`` traces, with ``total_ns`` in all; ``path_ns`` is what whole traces waited for at this node."""

    __slots__ = ("calls", "errors", "path_ns", "total_ns", "traces")

    def __init__(self) -> None:
        self.calls = self.errors = self.traces = self.total_ns = self.path_ns = 0


class PathNode:
    """A node; ``children`` are in the order in which they were first seen."""

    __slots__ = ("children", "place", "sums")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.sums = PathSums()
        self.children: dict[Place, PathNode] = {}


class PathTree:
    """The tree of some traces. ``folded`` spans are counted at their callers' nodes."""

    def __init__(self) -> None:
        self.roots: dict[Place, PathNode] = {}
        self.traces = 0
        self.duration_ns = 0
        self.nodes = 0
        self.folded = 0

    def add(self, trace: Trace) -> None:
        """Counts a trace: everything below its roots, and the critical path of the first of them."""
        self.traces += 1
        root = trace.root
        self.duration_ns += trace.spans[root].duration_ns
        path = critical_path(trace, root, clock_skew.correct(trace))
        own, waiting = path.own_ns(), path.waiting_ns()
        nodes: dict[int, PathNode] = {}
        seen: set[int] = set()
        for position, _ in trace.walk():
            span = trace.spans[position]
            parent = trace.parents[position]
            above = None if parent == NOBODY else nodes[parent]
            node = self._child(above, Place(span.service, span.operation, span.kind))
            nodes[position] = node
            sums = node.sums
            if node is above:
                self.folded += 1
            else:
                sums.calls += 1
                sums.errors += span.is_error
                sums.total_ns += span.duration_ns
                if id(node) not in seen:
                    seen.add(id(node))
                    sums.traces += 1
            sums.path_ns += own.get(position, 0) + waiting.get(position, 0)

    def _child(self, above: PathNode | None, place: Place) -> PathNode:
        among = self.roots if above is None else above.children
        node = among.get(place)
        if node is None:
            if self.nodes >= MAX_NODES and above is not None:
                return above
            node = among[place] = PathNode(place)
            self.nodes += 1
        return node


def path_tree(traces: Iterable[Trace]) -> PathTree:
    """The tree of all ``traces``."""
    tree = PathTree()
    for trace in traces:
        tree.add(trace)
    return tree


class Row(NamedTuple):
    """A node of one tree or of two: at its place, ``None`` where it is not in one of them."""

    depth: int
    place: Place
    left: PathSums | None
    right: PathSums | None


def rows(left: PathTree, right: PathTree | None = None) -> Iterator[Row]:
    """The nodes of both, parents first; siblings with the most time first."""
    waiting = [(0, *pair) for pair in _pairs(left.roots, {} if right is None else right.roots)]
    while waiting:
        depth, place, one, other = waiting.pop()
        yield Row(depth, place, None if one is None else one.sums, None if other is None else other.sums)
        below = _pairs({} if one is None else one.children, {} if other is None else other.children)
        waiting.extend((depth + 1, *pair) for pair in below)


_Pair = tuple[Place, PathNode | None, PathNode | None]


def _pairs(left: dict[Place, PathNode], right: dict[Place, PathNode]) -> list[_Pair]:
    """The nodes of both at each place, those with the least time first."""

    def time(place: Place) -> tuple[int, Place]:
        return sum(side[place].sums.total_ns for side in (left, right) if place in side), place

    return [(place, left.get(place), right.get(place)) for place in sorted({**left, **right}, key=time)]
