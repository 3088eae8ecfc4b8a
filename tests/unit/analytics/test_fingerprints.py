"""Which spans have an error, and which errors are the same."""

from __future__ import annotations

from typing import Any

import pytest

from analytics.spans.fingerprints import SpanError, error_of, has_error
from analytics.spans.span import Span, SpanEvent, SpanKind, Status
from rigs.spans import START_NS, span

STACK = """\
Traceback (most recent call last):
  File "/app/shop/orders.py", line {line}, in place
    pay(order)
  File "/app/shop/payment.py", line 12, in pay
    raise Declined()
shop.Declined: order {order} was declined
"""


def _exception(kind: str = "shop.Declined", message: str = "declined", stack: str = "", **more: Any) -> SpanEvent:
    attributes = {"exception.type": kind, "exception.message": message, **more}
    return SpanEvent(START_NS + 1, "exception", attributes | ({"exception.stacktrace": stack} if stack else {}))


def _failed(*events: SpanEvent, **fields: Any) -> Span:
    return span(status=Status.ERROR, events=events, **fields)


def _error(given: Span) -> SpanError:
    error = error_of(given)
    assert error is not None
    return error


def test_an_error_has_type_frames_template_title_and_culprit() -> None:
    stack = STACK.format(line=31, order=17)
    error = _error(_failed(_exception(message="order 17 was declined", stack=stack), name="POST /orders", service="orders"))
    assert (error.service, error.operation, error.type) == ("orders", "POST /orders", "shop.Declined")
    assert error.template == "order <*> was declined"
    assert error.title == "shop.Declined: order <*> was declined"
    assert error.culprit == "pay (shop/payment.py)"
    assert [frame.function for frame in error.frames] == ["pay", "place"]
    assert error.at_ns == START_NS + 1


def test_a_type_in_the_place_of_a_message_is_not_said_twice() -> None:
    said = span(status=Status.ERROR, status_message="Declined", attributes={"error.type": "Declined"})
    assert _error(said).title == "Declined"
    assert _error(_failed(_exception("shop.Declined", ""), status_message="Declined")).title == "shop.Declined"


def test_lines_ids_and_routes_change_no_fingerprint() -> None:
    def one(line: int, order: int, name: str) -> str:
        message = f"order {order} was declined"
        return _error(_failed(_exception(message=message, stack=STACK.format(line=line, order=order)), name=name)).id

    assert one(31, 17, "GET /a") == one(99, 4_000_000, "GET /b")
    assert len(one(31, 17, "GET /a")) == 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("could not resolve api-a.example.com", "could not resolve shop.svc.cluster.local"),
        ("GET https://a.example/x/1 failed", "GET https://b.example/y/2?z=1 failed"),
        ("Cannot read property `foo`", "Cannot read property `bar baz`"),
        ('Bad body: {"id": 1}', 'Bad body: {"id": 22, "name": "yy", "more": [1, 2]}'),
        ("Error code: 429 - {'message': 'Limit 30000, used 2'}", "Error code: 429 - {'message': 'Limit 9, used 3'}"),
    ],
)
def test_values_in_a_message_change_no_fingerprint(one: str, other: str) -> None:
    assert _error(_failed(_exception(message=one))).id == _error(_failed(_exception(message=other))).id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Request failed with status code 404", "Request failed with status code 500"),
        ("Error code: 401 - {'message': 'no'}", "Error code: 429 - {'message': 'no'}"),
        ("connection refused", "connection reset"),
        ("No module named shop.orders", "No module named shop.carts"),
    ],
)
def test_messages_that_say_something_else_are_other_errors(one: str, other: str) -> None:
    first, second = (_error(_failed(_exception(message=message, stack=STACK))) for message in (one, other))
    assert first.id != second.id
    assert first.title != second.title


@pytest.mark.parametrize(
    "other",
    [
        _failed(_exception(kind="shop.Refused")),
        _failed(_exception(message="expired")),
        _failed(_exception(stack=STACK.replace("in pay", "in refund"))),
        _failed(_exception(), service="billing"),
        _failed(),
    ],
)
def test_type_template_frames_and_service_tell_errors_apart(other: Span) -> None:
    assert _error(_failed(_exception())).id != _error(other).id


def test_the_root_cause_is_the_error_and_what_wrapped_it_is_said() -> None:
    wrapped = """\
{}: outer
\tat com.shop.Api.call(Api.java:1)
Caused by: java.net.ConnectException: refused by 10.0.0.{}
\tat com.shop.Db.open(Db.java:7)
"""
    first = _error(_failed(_exception("com.shop.A", "outer", wrapped.format("com.shop.A", 1))))
    second = _error(_failed(_exception("com.shop.B", "outer", wrapped.format("com.shop.B", 2))))
    assert first.fingerprint == second.fingerprint
    assert (first.type, first.raised_as, first.culprit) == ("java.net.ConnectException", "com.shop.A", "com.shop.Db.open")


def test_of_several_exceptions_the_last_one_ended_the_span() -> None:
    assert _error(_failed(_exception("shop.Retried"), _exception("shop.GaveUp"))).type == "shop.GaveUp"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (span(attributes={"http.response.status_code": 503}), "HTTP 503"),
        (span(attributes={"http.status_code": "500"}, kind=SpanKind.CLIENT), "HTTP 500"),
        (span(attributes={"http.response.status_code": 404}, status=Status.ERROR, kind=SpanKind.CLIENT), "HTTP 404"),
        (span(attributes={"http.response.status_code": 500, "error.type": "500"}), "HTTP 500"),
        (span(attributes={"rpc.grpc.status_code": 14}, kind=SpanKind.SERVER), "gRPC UNAVAILABLE"),
        (span(attributes={"rpc.response.status_code": "NOT_FOUND"}, kind=SpanKind.CLIENT), "gRPC NOT_FOUND"),
        (span(attributes={"error.type": "java.net.UnknownHostException"}), "java.net.UnknownHostException"),
        (span(attributes={"exception.type": "ValueError", "exception.message": "x"}, status=Status.ERROR), "ValueError"),
        (span(status=Status.ERROR, status_message="no answer"), "error"),
    ],
)
def test_a_status_is_an_error_where_nothing_else_is(given: Span, kind: str) -> None:
    assert has_error(given)
    assert _error(given).type == kind


@pytest.mark.parametrize(
    "given",
    [
        span(),
        span(attributes={"http.response.status_code": 404}),
        span(attributes={"rpc.grpc.status_code": 5}, kind=SpanKind.SERVER),
        span(attributes={"rpc.grpc.status_code": 0}, kind=SpanKind.CLIENT),
        span(status=Status.OK, events=(_exception(),)),
        span(status=Status.OK, attributes={"http.response.status_code": 500}),
        span(attributes={"http.response.status_code": "many", "rpc.grpc.status_code": "odd"}),
    ],
)
def test_what_did_not_fail_is_no_error(given: Span) -> None:
    assert error_of(given) is None
    assert not has_error(given)


def test_an_exception_on_a_span_that_did_not_fail_was_handled() -> None:
    assert _error(span(events=(_exception(),))).handled
    assert not _error(span(events=(_exception(**{"exception.escaped": True}),))).handled
    assert not _error(_failed(_exception())).handled


def test_an_error_is_within_its_span_whatever_the_exception_says() -> None:
    for time_ns in (0, START_NS - 1, 2**63 - 1):
        given = _failed(SpanEvent(time_ns, "exception", {}))
        assert given.start_ns <= _error(given).at_ns <= given.end_ns


def test_only_a_status_is_told_apart_by_the_operation() -> None:
    assert _error(_failed(name="GET /a")).id != _error(_failed(name="GET /b")).id


@pytest.mark.parametrize(
    "attributes",
    [
        {"exception.type": 5, "exception.message": ["a"], "exception.stacktrace": {"x": None}},
        {"exception.type": "", "exception.message": "\ud800\udfff", "exception.stacktrace": "\0" * 100_000},
        {"exception.type": "T" * 1_000_000, "exception.message": "m " * 500_000, "exception.stacktrace": "s\n" * 500_000},
        {},
    ],
)
def test_whatever_an_exception_says_is_read_within_bounds(attributes: dict[str, Any]) -> None:
    error = _error(_failed(SpanEvent(0, "exception", attributes)))
    assert 0 < len(error.title) <= 200
    assert len(error.type) <= 200
    assert len(error.message) <= 1000
    assert len(error.fingerprint) == 8
