"""What spans are searched by, under the names of old and new semantic conventions."""

from __future__ import annotations

from typing import Any

import pytest

from analytics.spans.conventions import MAX_ID, Promoted, promoted
from analytics.spans.span import SpanEvent
from rigs.spans import span


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"http.response.status_code": 503}, {"status_code": 503}),
        ({"http.status_code": 404}, {"status_code": 404}),
        ({"http.status_code": "200"}, {"status_code": 200}),
        ({"http.status_code": 200.0}, {"status_code": 200}),
        ({"http.response.status_code": 201, "http.status_code": 500}, {"status_code": 201}),
        ({"user.id": "ann", "enduser.id": "bob"}, {"user_id": "ann"}),
        ({"enduser.id": 42}, {"user_id": "42"}),
        ({"enduser.pseudo.id": "p"}, {"user_id": "p"}),
        ({"traceloop.association.properties.user_id": "u"}, {"user_id": "u"}),
        ({"session.id": "s1"}, {"session_id": "s1"}),
        ({"langfuse.session.id": "s2"}, {"session_id": "s2"}),
        ({"error.type": "TimeoutError"}, {"error_type": "TimeoutError"}),
    ],
)
def test_a_searched_field_is_read_under_each_of_its_names(attributes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert promoted(span(attributes=attributes)) == Promoted(None, None, None, None)._replace(**expected)


@pytest.mark.parametrize(
    "attributes",
    [
        {"http.status_code": 0},
        {"http.status_code": 1000},
        {"http.status_code": "ok"},
        {"http.status_code": True},
        {"http.status_code": float("inf")},
        {"http.status_code": "9" * 5000},
        {"http.status_code": "²²²"},
        {"http.status_code": [200]},
        {"user.id": "", "session.id": {"a": 1}, "error.type": None},
    ],
)
def test_a_value_of_another_type_is_no_field(attributes: dict[str, Any]) -> None:
    assert promoted(span(attributes=attributes)) == Promoted(None, None, None, None)


def test_an_error_has_the_type_of_the_last_exception() -> None:
    events = (
        SpanEvent(1, "exception", {"exception.type": "KeyError"}),
        SpanEvent(2, "exception", {"exception.type": "redis.ConnectionError"}),
        SpanEvent(3, "retry", {}),
    )
    assert promoted(span(events=events)).error_type == "redis.ConnectionError"
    assert promoted(span(events=events, attributes={"error.type": "503"})).error_type == "503"


def test_ids_are_as_long_as_those_of_events() -> None:
    assert promoted(span(attributes={"user.id": "u" * 1000})).user_id == "u" * MAX_ID
