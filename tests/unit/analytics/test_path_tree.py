"""Traces as one tree: sums do not depend on the order, the critical path adds up, and two trees stand side by side."""

from __future__ import annotations

import random

from analytics.spans import path_tree as module
from analytics.spans.path_tree import PathTree, path_tree, rows
from analytics.spans.span import Span, Status
from analytics.spans.trace import Trace, assemble
from rigs.spans import MS, START_NS, span


def trace(number: int, queries: int, *, slow_ms: int = 5, error: bool = False) -> Trace:
    """GET /, which queries its database one by one."""
    trace_id, root = bytes([number + 1] * 16), b"r" * 8
    spans: list[Span] = []
    at = START_NS + MS
    for query in range(queries):
        status = Status.ERROR if error and query == 0 else Status.UNSET
        spans.append(
            span(trace_id=trace_id, span_id=bytes([query + 1] * 8), parent_id=root, name="SELECT", service="db",
                 start_ns=at, duration_ns=slow_ms * MS, status=status)
        )  # fmt: skip
        at += slow_ms * MS
    spans.append(span(trace_id=trace_id, span_id=root, name="GET /", start_ns=START_NS, duration_ns=at + MS - START_NS))
    return assemble(spans)


def shown(tree: PathTree) -> list[tuple[int, str, int, int, int, int]]:
    return [
        (row.depth, row.place.operation, row.left.traces, row.left.calls, row.left.errors, row.left.path_ns // MS)
        for row in rows(tree)
        if row.left is not None
    ]


def test_repeated_calls_are_one_place_and_the_path_adds_up() -> None:
    tree = path_tree([trace(0, 3), trace(1, 1, error=True)])
    assert shown(tree) == [(0, "GET /", 2, 2, 0, 4), (1, "SELECT", 2, 4, 1, 20)]
    assert tree.duration_ns == (17 + 7) * MS


def test_the_order_of_traces_does_not_matter() -> None:
    traces = [trace(number, number % 4) for number in range(20)]
    wanted = shown(path_tree(traces))
    for seed in range(5):
        random.Random(seed).shuffle(traces)
        assert shown(path_tree(traces)) == wanted


def test_what_is_on_one_side_only_has_nothing_on_the_other() -> None:
    found = [
        (row.place.operation, row.left is not None, row.right is not None)
        for row in rows(path_tree([trace(0, 0)]), path_tree([trace(1, 2)]))
    ]
    assert found == [("GET /", True, True), ("SELECT", False, True)]


def test_beyond_the_bound_spans_count_with_their_callers() -> None:
    spans = [span(span_id=b"r" * 8, name="root", duration_ns=100 * MS)]
    spans += [
        span(span_id=n.to_bytes(8, "big"), parent_id=b"r" * 8, name=f"step {n}", start_ns=START_NS + n, duration_ns=1)
        for n in range(1, module.MAX_NODES + 500)
    ]
    tree = path_tree([assemble(spans)])
    assert tree.nodes == module.MAX_NODES
    assert tree.folded == 500
    assert sum(row.left.path_ns for row in rows(tree) if row.left is not None) == 100 * MS
