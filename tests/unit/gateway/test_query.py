"""A URL's parameters become a typed question, or an error that names the parameter."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.errors import QueryError
from gateway.questions.query import DEFAULT_RANGE_MS, instant, parse

NOW = 1_800_000_000_000
NEEDED = [("metric", "events"), ("aggregate", "count")]


def ask(*more: tuple[str, str]) -> object:
    return parse([*NEEDED, *more], tenant="acme", now_ms=NOW)


def test_defaults_are_the_last_hour() -> None:
    question = parse(NEEDED, tenant="acme", now_ms=NOW)
    assert (question.from_ms, question.to_ms) == (NOW - DEFAULT_RANGE_MS, NOW)
    assert (question.tenant, question.resolution, question.group_by, question.filters) == ("acme", None, [], {})


def test_other_parameters_are_filters_and_group_by_may_be_listed_or_repeated() -> None:
    more = [("group_by", "service, route"), ("group_by", "status"), ("service", "gateway"), ("resolution", "1m")]
    question = parse([*NEEDED, *more], tenant="acme", now_ms=NOW)
    assert question.group_by == ["service", "route", "status"]
    assert question.filters == {"service": "gateway"}
    assert question.resolution == "1m"


@pytest.mark.parametrize(
    "text",
    ["1764000000000", "2025-11-24T16:00:00Z", "2025-11-24T17:00:00+01:00", "2025-11-24T17:00:00 01:00", "2025-11-24T16:00Z"],
)
def test_instants_are_epoch_milliseconds_or_iso_8601(text: str) -> None:
    assert instant(text, "from") == 1_764_000_000_000


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ([("aggregate", "count")], "metric"),
        ([("metric", "events")], "aggregate"),
        ([*NEEDED, ("from", "yesterday")], "from"),
        ([*NEEDED, ("to", "2025-11-24T16:00:00")], "to"),
        ([*NEEDED, ("from", "5"), ("to", "5")], "from"),
        ([*NEEDED, ("resolution", "5s")], "resolution"),
        ([*NEEDED, ("service", "a"), ("service", "b")], "service"),
        ([("metric", "No Metric"), ("aggregate", "count")], "metric"),
        ([*NEEDED, *((f"d{i}", "x") for i in range(40))], "d30"),
    ],
)
def test_wrong_parameter_is_named(parameters: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(QueryError) as error:
        parse(parameters, tenant="acme", now_ms=NOW)
    assert error.value.field == field


names = st.sampled_from(["metric", "aggregate", "from", "to", "resolution", "group_by", "x"]) | st.text()


@given(st.lists(st.tuples(names, st.text())))
def test_any_parameters_are_a_question_or_an_error(parameters: list[tuple[str, str]]) -> None:
    with contextlib.suppress(QueryError):
        assert parse(parameters, tenant="acme", now_ms=NOW).tenant == "acme"
