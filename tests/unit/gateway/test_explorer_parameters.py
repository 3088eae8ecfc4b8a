"""Parameters of a URL as a question about traces: what nothing stored can have is refused with the parameter's name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drishti.errors import QueryError
from drishti.messages.queries import QUERIES
from gateway.explorer.parsing import fields_of, of_document, of_parameters

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
READ = [query for query in QUERIES if query.path and not query.changes]


@pytest.mark.parametrize("query", READ, ids=lambda query: str(query.name))
def test_a_nul_character_is_refused_in_every_parameter(query: object) -> None:
    model = query.model  # type: ignore[attr-defined]
    for name in fields_of(model).names:
        field = f"{name}.0" if name in fields_of(model).lists else name
        with pytest.raises(QueryError) as refused:
            of_parameters(model, [(name, "a\0b")], {}, tenant="acme", now=NOW)
        assert (refused.value.field, "NUL" in str(refused.value)) == (field, True)


def test_a_nul_character_is_refused_in_a_document() -> None:
    change = next(query for query in QUERIES if query.name == "change_error")
    document = {"status": "resolved", "version": "1\0"}
    with pytest.raises(QueryError) as refused:
        of_document(change.model, document, {"fingerprint": "0" * 16}, tenant="acme", now=NOW)
    assert refused.value.field == "version"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (("limit", "abc"), "must be a whole number"),
        (("limit", "0"), "must be at least 1"),
        (("limit", "1000"), "must be at most 100"),
        (("min_duration_ms", "x"), "must be a number"),
        (("root", "maybe"), "must be true or false"),
        (("operation", "x" * 600), "must have at most 512 characters"),
        (("status", "bad"), "Invalid enum value 'bad'; there are error, ok, unset"),
    ],
)
def test_a_wrong_value_is_answered_with_what_it_must_be(given: tuple[str, str], error: str) -> None:
    traces = next(query for query in QUERIES if query.name == "traces")
    with pytest.raises(QueryError) as refused:
        of_parameters(traces.model, [given], {}, tenant="acme", now=NOW)
    assert (str(refused.value), refused.value.field) == (error, given[0])


def test_a_condition_that_is_given_too_often_says_how_often_it_may_be() -> None:
    traces = next(query for query in QUERIES if query.name == "traces")
    with pytest.raises(QueryError) as refused:
        of_parameters(traces.model, [("attribute", f"n>{n}") for n in range(9)], {}, tenant="acme", now=NOW)
    assert (str(refused.value), refused.value.field) == ("may be given 8 times at most", "attribute")


@pytest.mark.parametrize("steps", [[], [{"event_type": "signup"}]])
def test_a_list_that_is_too_short_says_how_many_it_must_have(steps: list[dict[str, str]]) -> None:
    funnel = next(query for query in QUERIES if query.name == "funnel")
    with pytest.raises(QueryError) as refused:
        of_document(funnel.model, {"from": 0, "to": 1, "steps": steps}, {}, tenant="acme", now=NOW)
    assert (str(refused.value), refused.value.field) == ("must be given 2 times at least", "steps")


def test_fingerprints_and_ids_of_traces_may_be_in_upper_case() -> None:
    models = {str(query.name): query.model for query in QUERIES}
    asked = {"tenant": "acme", "now": NOW}
    path = {"fingerprint": "0123456789ABCDEF"}
    change = of_document(models["change_error"], {"status": "resolved"}, path, **asked)  # type: ignore[arg-type]
    assert change.fingerprint == "0123456789abcdef"  # type: ignore[attr-defined]
    readers = [query for query in READ if "{fingerprint}" in str(query.path)]
    assert readers
    for query in readers:
        read = of_parameters(query.model, [], path, **asked)  # type: ignore[arg-type]
        assert read.fingerprint == "0123456789abcdef"  # type: ignore[attr-defined]
    traced = [query for query in READ if "{trace_id}" in str(query.path)]
    assert traced
    for query in traced:
        ids = {"trace_id": "AB" * 16} | ({"span_id": "CD" * 8} if "{span_id}" in str(query.path) else {})
        text = [("text", "tea")] if query.name == "span_search" else []
        of_parameters(query.model, text, ids, **asked)  # type: ignore[arg-type]
    with pytest.raises(QueryError):
        of_document(models["change_error"], {"status": "resolved"}, {"fingerprint": "G" * 16}, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(("levels", "refused"), [(64, False), (66, True), (900, True)])
def test_a_document_that_is_nested_too_deeply_is_refused(levels: int, refused: bool) -> None:
    put = next(query for query in QUERIES if query.name == "put_cohort")
    condition: dict[str, object] = {"did": {}}
    for _ in range(levels - 2):
        condition = {"not": condition}
    document = {"title": "t", "condition": condition}
    if not refused:
        of_document(put.model, document, {"name": "deep"}, tenant="acme", now=NOW)
        return
    with pytest.raises(QueryError, match="nested more than 64 levels deep") as error:
        of_document(put.model, document, {"name": "deep"}, tenant="acme", now=NOW)
    assert error.value.field == "condition"


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity"])
def test_a_text_that_is_no_number_is_refused_where_a_number_is_expected(text: str) -> None:
    asked = next(query for query in QUERIES if query.name == "dose_response")
    document = {"dose": {"measure": "count"}, "edges": [1, text]}
    with pytest.raises(QueryError) as refused:
        of_document(asked.model, document, {}, tenant="acme", now=NOW)
    assert (str(refused.value), refused.value.field) == ("must be a number", "edges.1")
