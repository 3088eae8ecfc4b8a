"""Clocks of the hosts of a trace brought in line, and said by how much."""

from __future__ import annotations

from analytics.spans import clock_skew
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import assemble
from rigs.span_trees import BEGIN_NS, resource, span

WEB = resource("web", host_name="a")
API = resource("api", host_name="b")
SAME = resource("api", host_name="a")


def times(*spans: Span) -> dict[int, tuple[int, int, int]]:
    """By number of the span: start, end, and by how much it was moved."""
    trace = assemble(spans)
    found = clock_skew.correct(trace)
    return {
        int.from_bytes(one.span_id, "big"): (
            found.starts[position] - BEGIN_NS,
            found.ends[position] - BEGIN_NS,
            found.moved.get(position, 0),
        )
        for position, one in enumerate(trace.spans)
    }


def test_a_server_that_seems_early_is_put_into_the_middle_of_its_call() -> None:
    found = times(span(1, None, 1000, 1100, service=WEB), span(2, 1, 0, 60, service=API))
    assert found[2] == (1020, 1080, 1020)


def test_a_server_that_seems_late_is_put_into_the_middle_of_its_call() -> None:
    assert times(span(1, None, 0, 100, service=WEB), span(2, 1, 900, 961, service=API))[2] == (19, 80, -881)


def test_what_fits_stays() -> None:
    assert times(span(1, None, 0, 100, service=WEB), span(2, 1, 40, 100, service=API))[2] == (40, 100, 0)


def test_everything_below_on_the_same_host_moves_along_and_the_way_back_is_measured_anew() -> None:
    found = times(
        span(1, None, 1000, 1100, service=WEB),
        span(2, 1, 0, 60, service=API),
        span(3, 2, 10, 50, service=API),
        span(4, 3, 1035, 1065, service=WEB),
    )
    assert found[3] == (1030, 1070, 1020)
    assert found[4] == (1035, 1065, 0)


def test_spans_of_one_host_are_never_moved() -> None:
    assert times(span(1, None, 1000, 1100, service=WEB), span(2, 1, 0, 60, service=SAME))[2] == (0, 60, 0)


def test_what_outlives_its_call_only_begins_with_it() -> None:
    root = span(1, None, 1000, 1100, service=WEB)
    assert times(root, span(2, 1, 900, 1300, service=API))[2] == (1000, 1400, 100)
    assert times(root, span(2, 1, 1050, 1300, service=API))[2] == (1050, 1300, 0)


def test_a_message_may_be_taken_later_but_not_before_it_was_sent() -> None:
    sent = span(1, None, 1000, 1100, service=WEB, kind=SpanKind.PRODUCER)
    assert times(sent, span(2, 1, 5000, 5010, service=API, kind=SpanKind.CONSUMER))[2] == (5000, 5010, 0)
    assert times(sent, span(2, 1, 400, 410, service=API, kind=SpanKind.CONSUMER))[2] == (1000, 1010, 600)


def test_services_that_name_no_host_have_clocks_of_their_own() -> None:
    assert times(span(1, None, 1000, 1100, service="web"), span(2, 1, 0, 60, service="api"))[2] == (1020, 1080, 1020)
    assert times(span(1, None, 1000, 1100, service="web"), span(2, 1, 0, 60, service="web"))[2] == (0, 60, 0)
