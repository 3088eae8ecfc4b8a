"""What a request waited for: known shapes, and random trees against a reference written from the definition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.spans import clock_skew
from analytics.spans.critical_path import critical_path
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import assemble
from rigs.slow_critical_path import SlowPath, first_hosts, nested_own_times, slow_times
from rigs.span_trees import BEGIN_NS, span

CLIENT, SERVER, PRODUCER, CONSUMER = SpanKind.CLIENT, SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER


def path(*spans: Span) -> list[tuple[int, int, int]]:
    """The sections: number of the span, start, end; a number below zero waits to begin."""
    trace = assemble(spans)
    found = critical_path(trace)
    assert sum(section.duration_ns for section in found.sections) == found.duration_ns
    for one, after in zip(found.sections, found.sections[1:], strict=False):
        assert one.end_ns == after.start_ns
    return [
        (
            int.from_bytes(trace.spans[section.position].span_id, "big") * (-1 if section.waiting else 1),
            section.start_ns - BEGIN_NS,
            section.end_ns - BEGIN_NS,
        )
        for section in found.sections
    ]


ROOT = span(1, None, 0, 100)


def test_a_span_alone_is_all_of_its_path() -> None:
    assert path(ROOT) == [(1, 0, 100)]


def test_of_a_fan_out_the_last_to_end_counts() -> None:
    assert path(ROOT, span(2, 1, 10, 50), span(3, 1, 10, 90), span(4, 1, 10, 70)) == [(1, 0, 10), (3, 10, 90), (1, 90, 100)]


def test_calls_back_to_back_all_count_and_gaps_are_the_parents() -> None:
    assert path(ROOT, span(2, 1, 0, 30), span(3, 1, 30, 60), span(4, 1, 70, 100)) == [
        (2, 0, 30), (3, 30, 60), (1, 60, 70), (4, 70, 100),
    ]  # fmt: skip


def test_a_sibling_that_overlaps_the_path_did_not_delay_it() -> None:
    assert path(ROOT, span(2, 1, 10, 60), span(3, 1, 50, 90)) == [(1, 0, 50), (3, 50, 90), (1, 90, 100)]


def test_what_outlives_everybody_holds_nobody_up() -> None:
    assert path(ROOT, span(2, 1, 10, 500), span(3, 1, 20, 80)) == [(1, 0, 20), (3, 20, 80), (1, 80, 100)]


def test_what_outlives_its_parent_holds_up_who_ends_later() -> None:
    assert path(ROOT, span(2, 1, 10, 20), span(3, 2, 15, 90)) == [(1, 0, 10), (2, 10, 15), (3, 15, 90), (1, 90, 100)]


def test_a_worker_behind_a_queue_holds_up_the_request_that_awaits_its_reply_and_the_queue_is_told_apart() -> None:
    spans = (ROOT, span(2, 1, 10, 12, kind=PRODUCER), span(3, 2, 40, 90, kind=CONSUMER))
    assert path(*spans) == [(1, 0, 10), (2, 10, 12), (-3, 12, 40), (3, 40, 90), (1, 90, 100)]


def test_an_end_recorded_a_little_late_is_the_parents_end() -> None:
    assert path(ROOT, span(2, 1, 3, 104)) == [(1, 0, 3), (2, 3, 100)]


def test_a_client_that_gives_up_has_waited_for_its_server() -> None:
    spans = (ROOT, span(2, 1, 10, 60, kind=CLIENT), span(3, 2, 15, 400, kind=SERVER, service="api"))
    assert path(*spans) == [(1, 0, 10), (2, 10, 15), (3, 15, 60), (1, 60, 100)]


def test_clocks_are_brought_in_line_first() -> None:
    spans = (ROOT, span(2, 1, 10, 90, kind=CLIENT), span(3, 2, 5_000, 5_060, kind=SERVER, service="api"))
    assert path(*spans) == [(1, 0, 10), (2, 10, 20), (3, 20, 80), (2, 80, 90), (1, 90, 100)]


def test_a_root_of_no_duration_has_an_empty_path() -> None:
    assert path(span(1, None, 5, 5), span(2, 1, 5, 5)) == []


@pytest.mark.parametrize("deep", [True, False])
def test_100_000_spans_that_outlive_each_other_are_walked_in_time(deep: bool) -> None:
    size = 100_000
    spans = [span(1, None, 0, 10 * size)]
    spans += [span(number, number - 1, number, number * 5 if deep else 9 * size - number) for number in range(2, size // 2)]
    spans += [span(size + number, size // 2 - 1, size // 2 + number, size * 6 + number) for number in range(size // 2)]
    found = critical_path(assemble(spans))
    assert sum(section.duration_ns for section in found.sections) == found.duration_ns == 10 * size


KINDS = st.sampled_from([SpanKind.INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER])


@st.composite
def trees(draw: st.DrawFn) -> list[Span]:
    """Random trees: overlaps, children that outlive their parents, clocks that differ, parents that are missing."""
    spans = [span(1, None, 0, draw(st.integers(0, 120)), service="a", kind=draw(KINDS))]
    for number in range(2, draw(st.integers(1, 14)) + 1):
        above = spans[draw(st.integers(0, len(spans) - 1))]
        start = above.start_ns - BEGIN_NS + draw(st.integers(-20, 60))
        service = draw(st.sampled_from([above.service, above.service, "a", "b", "c"]))
        spans.append(
            span(
                number,
                int.from_bytes(above.span_id, "big") if draw(st.integers(0, 30)) else 999,
                start,
                start + draw(st.integers(0, 80)),
                service=service,
                kind=draw(KINDS),
            )
        )
    return draw(st.permutations(spans))


@given(trees())
@settings(max_examples=300, deadline=None)
def test_the_path_is_that_of_the_definition(spans: list[Span]) -> None:
    trace = assemble(spans)
    times = clock_skew.correct(trace)
    assert (times.starts, times.ends) == slow_times(trace, first_hosts(trace.spans))
    for root in trace.roots:
        found = critical_path(trace, root, times)
        owners = {
            instant: (section.position, section.waiting)
            for section in found.sections
            for instant in range(section.start_ns, section.end_ns)
        }
        assert owners == SlowPath(trace, root, times.starts, times.ends).owners
        assert sum(found.own_ns().values()) + sum(found.waiting_ns().values()) == trace.spans[root].duration_ns


@st.composite
def nested(draw: st.DrawFn) -> list[Span]:
    spans = [span(1, None, 0, 200)]
    for number in range(2, draw(st.integers(1, 14)) + 1):
        above = spans[draw(st.integers(0, len(spans) - 1))]
        first, last = above.start_ns - BEGIN_NS, above.end_ns - BEGIN_NS
        start = draw(st.integers(first, last))
        spans.append(span(number, int.from_bytes(above.span_id, "big"), start, draw(st.integers(start, last))))
    return spans


@given(nested())
@settings(max_examples=300, deadline=None)
def test_of_spans_within_their_parents_the_path_is_that_of_the_textbook(spans: list[Span]) -> None:
    trace = assemble(spans)
    times = clock_skew.correct(trace)
    expected = nested_own_times(trace, trace.root, times.ends[trace.root], times.starts, times.ends)
    assert critical_path(trace, times=times).own_ns() == {one: long for one, long in expected.items() if long}
