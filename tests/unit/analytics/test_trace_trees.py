"""Spans of one trace as a tree, whatever came and in whichever order."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.spans.span import Span
from analytics.spans.trace import NOBODY, Origin, Trace, assemble, assemble_all
from rigs.span_trees import span


def numbers(trace: Trace) -> list[tuple[int, int]]:
    """The walk: span number and depth."""
    return [(int.from_bytes(trace.spans[position].span_id, "big"), depth) for position, depth in trace.walk()]


def test_children_are_in_order_of_start() -> None:
    trace = assemble([span(3, 1, 40, 50), span(4, 2, 20, 25), span(1, None, 0, 100), span(2, 1, 10, 30)])
    assert numbers(trace) == [(1, 0), (2, 1), (4, 2), (3, 1)]
    assert trace.origins == {0: Origin.ROOT}
    assert trace.parents == [NOBODY, 0, 1, 0]


def test_any_order_of_arrival_gives_the_same_tree() -> None:
    spans = [
        span(1, None, 0, 9),
        span(2, 1, 0, 9),
        span(3, 2, 0, 9),
        span(3, 1, 0, 9, name="again"),
        span(5, 6, 0, 1),
        span(6, 5, 0, 2),
    ]
    trees = {tuple(numbers(assemble(order))) for order in permutations(spans)}
    assert len(trees) == 1
    assert len({assemble(order).spans[2].name for order in permutations(spans)}) == 1


def test_a_span_whose_parent_has_not_come_is_a_root_and_says_so() -> None:
    trace = assemble([span(7, 99, 5, 8), span(1, None, 6, 9), span(8, 7, 6, 7)])
    assert [trace.origins[root] for root in trace.roots] == [Origin.PARENT_MISSING, Origin.ROOT]
    assert trace.spans[trace.root].span_id[-1] == 1


def test_the_first_root_stands_for_a_trace_without_a_true_one() -> None:
    trace = assemble([span(8, 98, 6, 9), span(7, 99, 5, 8)])
    assert trace.spans[trace.root].span_id[-1] == 7


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_cycle_is_cut_at_its_first_span(size: int) -> None:
    ring = [span(number, number % size + 1, 10 * number, 100) for number in range(1, size + 1)]
    trace = assemble([*ring, span(50, 1, 60, 70)])
    assert trace.origins == {0: Origin.CYCLE}
    assert len(list(trace.walk())) == size + 1


def test_of_spans_with_one_id_the_first_to_start_stays() -> None:
    trace = assemble([span(2, 1, 7, 8, name="second"), span(1, None, 0, 9), span(2, 1, 5, 8, name="first")])
    assert [one.name for one in trace.spans] == ["work", "first"]
    assert trace.duplicates == 1


def test_a_chain_of_100_000_spans_is_a_tree() -> None:
    chain = [span(number, number - 1 or None, number, 300_000 - number) for number in range(1, 100_001)]
    assert [depth for _, depth in assemble(reversed(chain)).walk()] == list(range(100_000))


def test_a_ring_of_100_000_spans_with_tails_is_a_tree() -> None:
    ring = [span(number, number % 50_000 + 1, number, 300_000) for number in range(1, 50_001)]
    tails = [span(number, number - 50_000, number, 300_000) for number in range(50_001, 100_001)]
    trace = assemble(ring + tails)
    assert trace.origins == {0: Origin.CYCLE}
    assert sum(1 for _ in trace.walk()) == 100_000


def test_no_spans_are_no_trace() -> None:
    with pytest.raises(ValueError, match="one span at least"):
        assemble([])


def test_spans_of_many_traces_are_told_apart() -> None:
    traces = assemble_all([span(1, None, 0, 9, trace=1), span(1, None, 0, 9, trace=2), span(2, 1, 0, 9, trace=1)])
    assert [len(trace.spans) for trace in traces] == [2, 1]


@st.composite
def anything(draw: st.DrawFn) -> list[Span]:
    ids = st.integers(1, 6)
    parts = draw(st.lists(st.tuples(ids, st.none() | ids | st.just(77), st.integers(0, 5), st.integers(0, 5)), min_size=1))
    return [span(number, parent, start, start + long) for number, parent, start, long in parts]


@given(anything(), st.randoms(use_true_random=False))
def test_every_id_is_in_the_tree_once(spans: list[Span], shuffled: object) -> None:
    trace = assemble(spans)
    again = list(spans)
    shuffled.shuffle(again)  # type: ignore[attr-defined]
    other = assemble(again)
    assert (trace.spans, trace.parents, trace.origins) == (other.spans, other.parents, other.origins)
    walked = [position for position, _ in trace.walk()]
    assert sorted(walked) == list(range(len({one.span_id for one in spans})))
    for position, parent in enumerate(trace.parents):
        assert (parent == NOBODY) == (position in trace.origins)
        assert parent == NOBODY or position in trace.children[parent]
