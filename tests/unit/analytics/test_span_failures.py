"""Which spans of a failing trace are errors."""

from __future__ import annotations

from typing import Any

from analytics.spans.failures import errors_of
from analytics.spans.span import Span, SpanEvent, Status
from rigs.spans import MS, START_NS, span


def _span(number: int, parent: int | None, *, failed: bool = True, after_ms: int = 5, kind: str = "", **fields: Any) -> Span:
    events = (SpanEvent(START_NS + after_ms * MS, "exception", {"exception.type": kind}),) if kind else ()
    return span(
        span_id=bytes([number] * 8),
        parent_id=None if parent is None else bytes([parent] * 8),
        status=Status.ERROR if failed else Status.UNSET,
        duration_ns=after_ms * MS,
        events=events,
        **fields,
    )


def _origins(*spans: Span) -> list[int]:
    forward = sorted(found.span_id[0] for found, _ in errors_of(spans))
    assert forward == sorted(found.span_id[0] for found, _ in errors_of(spans[::-1]))
    return forward


def test_the_deepest_failing_span_is_the_error_and_its_callers_pass_it_on() -> None:
    browser, shop = _span(1, None, service="web", after_ms=9), _span(2, 1, service="shop", after_ms=8)
    call, database = _span(3, 2, service="shop", after_ms=7), _span(4, 3, service="db", after_ms=6)
    assert _origins(browser, shop, call, database) == [4]


def test_the_span_that_sends_the_answer_of_a_failed_request_is_no_second_error() -> None:
    sends: dict[str, Any] = {
        "attributes": {"asgi.event.type": "http.response.start", "http.response.status_code": 500},
    }
    assert _origins(
        _span(1, None, kind="ValueError", after_ms=3, service="shop"), _span(2, 1, after_ms=7, service="shop", **sends)
    ) == [1]
    answered = _span(1, None, after_ms=9, attributes={"http.response.status_code": 500})
    assert _origins(answered, _span(2, 1, **sends)) == [1]
    broken = _span(2, 1, status_message="ConnectionResetError: gone", **sends)
    assert _origins(answered, broken) == [2]


def test_two_children_that_fail_are_two_errors() -> None:
    assert _origins(_span(1, None, after_ms=9), _span(2, 1, after_ms=3), _span(3, 1, after_ms=4)) == [2, 3]


def test_a_caller_passes_on_an_error_under_another_name() -> None:
    assert _origins(_span(1, None, kind="shop.Unavailable", after_ms=9), _span(2, 1, kind="TimeoutError", after_ms=3)) == [2]


def test_a_span_that_handled_the_error_of_its_child_is_no_error_but_may_have_its_own() -> None:
    assert _origins(_span(1, None, failed=False, after_ms=9), _span(2, 1)) == [2]
    top, middle, leaf = _span(1, None, after_ms=9), _span(2, 1, failed=False, after_ms=8), _span(3, 2, after_ms=7)
    assert _origins(top, middle, leaf) == [1, 3]


def test_an_error_that_came_later_is_no_cause_within_a_service() -> None:
    assert _origins(_span(1, None, kind="A", after_ms=3), _span(2, 1, kind="B", after_ms=7)) == [1, 2]


def test_clocks_of_two_services_are_not_compared() -> None:
    assert _origins(_span(1, None, after_ms=3, service="a"), _span(2, 1, after_ms=900, service="b")) == [2]


def test_a_handled_exception_is_the_cause_of_none_but_itself() -> None:
    parent = _span(1, None, kind="Failed", after_ms=9)
    assert _origins(parent, _span(2, 1, failed=False, kind="Retried")) == [1, 2]
    assert _origins(parent, _span(2, 1, failed=False, kind="Failed")) == [2]


def test_missing_parents_cycles_and_repeated_ids_do_not_matter() -> None:
    assert _origins(_span(2, 1)) == [2]
    assert _origins(_span(1, 1)) == [1]
    assert _origins(_span(1, 2, kind="A", after_ms=3), _span(2, 1, kind="B", after_ms=7)) == [1]
    assert _origins(_span(2, 1), _span(2, 1), _span(1, None, after_ms=9)) == [2]


def test_traces_are_apart() -> None:
    assert len(errors_of([_span(1, None, after_ms=9), _span(2, 1, trace_id=b"u" * 16)])) == 2
