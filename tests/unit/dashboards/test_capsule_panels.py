"""What is asked for panels of stored spans and numbers, and what of the answers a capsule has."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from drishti.dashboards.capsule_panels import Refused, answer_of

TO = 1_772_370_000_000
FROM = TO - 3_600_000
RANGE = [("from", str(FROM)), ("to", str(TO))]
COUNT = {"expression": "count(orders)", "group_by": ["service"]}
RATE = {"metric": "requests", "aggregate": "error_rate", "only": {"service": ["b", "a"]}}


@pytest.mark.parametrize(
    ("panel", "path", "conditions"),
    [
        (
            {"kind": "traces", "service": "a&b", "failed": True, "attributes": ['["a=1","a=2"]', "b=1"], "top": 3},
            "traces",
            [("limit", "3"), ("service", "a&b"), ("status", "error"), ("any_attribute", '["a=1","a=2"]'), ("attribute", "b=1")],
        ),
        (
            {"kind": "errors", "services": ["a", "b"], "status": "any"},
            "errors",
            [("services", "a"), ("services", "b"), ("order", "last_seen"), ("steps", "24"), ("limit", "10")],
        ),
        ({"kind": "service_map", "services": ["a"]}, "service-map", [("service", "a")]),
    ],
)
def test_searches_are_those_of_the_page(panel: dict[str, Any], path: str, conditions: list[tuple[str, str]]) -> None:
    def ask(asked: str, body: Any) -> Any:
        where, _, query = asked.partition("?")
        assert (where, body) == (f"/api/analytics/{path}", None)
        assert parse_qsl(query) == RANGE + conditions
        return {"traces": [{"start_ms": 1}, {"start_ms": 2}], "errors": []}

    found = answer_of(panel | {"title": "P"}, FROM, TO, ask)
    assert [one["start_ms"] for one in found["traces"]] == ([2, 1] if path == "traces" else [1, 2])


def series(total: float | None, **labels: str) -> dict[str, Any]:
    return {"labels": labels, "total": total, "points": []}


def test_a_panel_of_queries_has_its_totals_by_name_and_what_is_refused_of_one_query() -> None:
    def ask(path: str, body: Any) -> Any:
        (question,) = body["questions"]
        assert path == "/api/analytics/query"
        assert question.get("filters", []) in ([], [{"label": "service", "op": "in", "values": ["a", "b"]}])
        assert (body["from"] % 30_000, body["to"] % 30_000) == (0, 0)
        if "expression" not in question:
            raise Refused(422, "there is no such metric", "questions[0].metric")
        assert question["top"] == 50
        groups = [series(3, service="web_shop"), series(2, service="tok"), series(1, service=""), series(4, service="other")]
        names = {"tok": "A rather long name of a service that is cut here"}
        return {"resolution": body["resolution"], "answers": [{"series": groups, "unit": "1"}], "service_names": names}

    panel = {"kind": "query", "title": "Rows", "show": "table", "queries": [COUNT, RATE]}
    found = answer_of(panel, FROM, TO, ask)
    assert [one["group"] for one in found["totals"]] == [
        "web shop",
        "A rather long name of a service that is…",
        "(none)",
        "other",
    ]
    assert [one["others"] for one in found["totals"]] == [False, False, False, True]
    assert [one.get("tooltip", "")[-13:] for one in found["totals"]] == ["", "(service tok)", "", ""]
    assert found["problems"] == ["requests error_rate: there is no such metric"]
    assert (found["unit"], found["units"]) == ("1", ["1", ""])
    with pytest.raises(Refused, match="no such metric"):
        answer_of(panel | {"queries": [RATE, RATE]}, FROM, TO, ask)


@pytest.mark.parametrize(("show", "problems"), [("table", 0), ("stat", 0), ("line", 1), ("bar", 1)])
def test_queries_of_several_units_are_a_problem_where_one_scale_draws_them(show: str, problems: int) -> None:
    def ask(path: str, body: Any) -> Any:
        unit = "ms" if "expression" in body["questions"][0] else "1"
        return {"resolution": body["resolution"], "answers": [{"series": [], "unit": unit}]}

    found = answer_of({"kind": "query", "title": "Rows", "show": show, "queries": [RATE, COUNT]}, FROM, TO, ask)
    assert len(found["problems"]) == problems
    assert found["units"] == [found["unit"], "ms"]
    assert answer_of({"kind": "query", "title": "Rows", "show": show, "unit": "s", "queries": [RATE, COUNT]}, FROM, TO, ask)[
        "units"
    ] == ["s", "s"]


def test_a_histogram_without_values_is_none() -> None:
    def ask(path: str, body: Any) -> Any:
        return {"resolution": body["resolution"], "answers": [{"series": [], "unit": "ms"}, {"series": [], "unit": "ms"}]}

    panel = {"kind": "histogram", "title": "Spread", "values": {"metric": "request_duration_ms"}}
    assert answer_of(panel, FROM, TO, ask) == {"spread": None, "unit": "ms", "from": FROM, "to": TO, "at": TO}
