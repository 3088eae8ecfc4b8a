"""Variables of a dashboard: chosen by an address, put into questions and titles, never into the document."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drishti.dashboards import document_reading
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.variables import WrongChoice, chosen_of, resolved
from drishti.measures.definition_checks import InvalidDefinition
from drishti.measures.expressions.parser import parse, parse_condition
from drishti.measures.expressions.tree import Compare, Term, matches

MODEL = {"name": "model", "metric": "llm_requests", "dimension": "model"}
BOTH = [("var-service", "b"), ("var-service", "a")]
SEVERAL = {"name": "service", "title": "Services", "metric": "requests", "dimension": "service", "several": True}


def document(
    question: dict[str, Any], *, title: str = "Calls of $model", variables: Any = (MODEL, SEVERAL)
) -> DashboardDocument:
    asked = {"metric": "llm_requests", "field": "rate"} | question
    panels = [
        {"kind": "time_series", "title": title, "lines": [asked | {"name": "$service"}]},
        {"kind": "stat", "title": "s", "value": asked, "more": [asked | {"text": "more"}]},
        {"kind": "table", "title": "t", "by": "model", "head": "Model", "columns": [asked | {"title": "rate"}]},
        {"kind": "text", "title": "x", "text": "$model stays"},
        *({"kind": kind, "title": kind, field: asked} for kind, field in (("gauge", "value"),)),
        *({"kind": kind, "title": kind, field: asked | {"by": "model"}} for kind, field in _SPLIT),
    ]
    content = {"name": "own", "title": "Of $model", "variables": list(variables), "panels": panels, "feed": [asked]}
    return document_reading.given(content)


_SPLIT = (("heatmap", "rows"), ("bar", "bars"), ("pie", "parts"))


def shown(document: DashboardDocument, *parameters: tuple[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = msgspec.to_builtins(resolved(document, chosen_of(document, parameters)))
    return result


@pytest.mark.parametrize(
    ("question", "parameters", "expected"),
    [
        ({"only": {"model": "$model"}}, [("var-model", "a")], {"only": {"model": ["a"]}}),
        ({"only": {"model": "$model"}}, [], {}),
        ({"only": {"model": "$model"}}, [("var-model", "")], {}),
        (
            {"only": {"service": "$service", "model": "x"}},
            [("var-service", "b"), ("var-service", "a"), ("from", "now-1h")],
            {"only": {"service": ["a", "b"], "model": ["x"]}},
        ),
        ({"only": {"service": ["$service", "c"]}}, [], {}),
        ({"without": {"service": ["$service", "c"]}}, [], {"without": {"service": ["c"]}}),
        ({"without": {"service": "$service"}}, [], {}),
        ({"only": {"model": "$$model"}}, [("var-model", "a")], {"only": {"model": ["$model"]}}),
        ({"only": {"model": "$model"}}, [("var-model", "$service")], {"only": {"model": ["$service"]}}),
    ],
)
def test_what_is_chosen_is_in_every_question(
    question: dict[str, Any], parameters: list[tuple[str, str]], expected: dict[str, Any]
) -> None:
    result = shown(document(question), *parameters)
    panels = result["panels"]
    asked = [panels[0]["lines"][0], panels[1]["value"], panels[1]["more"][0], panels[2]["columns"][0], panels[4]["value"]]
    asked += [panels[5]["rows"], panels[6]["bars"], panels[7]["parts"], *result["feed"]]
    for one in asked:
        conditions = {field: msgspec.to_builtins(one[field]) for field in ("only", "without") if field in one}
        assert {k: {label: list(v) for label, v in each.items()} for k, each in conditions.items()} == expected


def test_titles_say_what_is_chosen_in_words_and_text_stays_as_it_is() -> None:
    hostile = "<img src=x onerror=alert(1)> ‮ $service \\1"
    result = shown(document({}), ("var-model", hostile), *(("var-service", f"s{n}") for n in range(5)))
    assert result["title"] == f"Of {hostile}"
    assert result["panels"][0]["title"] == f"Calls of {hostile}"
    assert result["panels"][0]["lines"][0]["name"] == "s0, s1, s2 and 2 more"
    assert result["panels"][3]["text"] == "$model stays"
    assert shown(document({}, title="$model costs $$5 or $other"))["panels"][0]["title"] == "all costs $5 or $other"
    assert len(shown(document({}, title="$model " * 40), ("var-model", "x" * 256))["panels"][0]["title"]) == 300


def test_two_dollars_are_one_also_where_there_is_no_variable() -> None:
    own = document({"only": {"model": "$$model"}}, variables=[], title="Costs $$5")
    result = shown(own)
    assert result["panels"][0]["title"] == "Costs $5"
    assert result["panels"][0]["lines"][0]["only"] == {"model": ("$model",)}


def test_a_default_holds_until_something_else_or_all_is_chosen() -> None:
    own = document({"only": {"model": "$model"}}, variables=[MODEL | {"default": ["a"]}, SEVERAL])
    lines = [shown(own, *given)["panels"][0]["lines"][0] for given in ([], [("var-model", "b")], [("var-model", "")])]
    assert [line.get("only") for line in lines] == [{"model": ("a",)}, {"model": ("b",)}, None]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ([("var-user", "x")], "no variable 'user'; it has model, service"),
        ([("var-model", "a"), ("var-model", "b")], "takes one value"),
        ([("var-model", "x" * 257)], "more than 256 characters"),
        ([("var-service", str(n)) for n in range(51)], "50 values at most"),
    ],
)
def test_a_choice_that_is_not_for_the_dashboard_is_refused(parameters: list[tuple[str, str]], why: str) -> None:
    with pytest.raises(WrongChoice, match=why):
        chosen_of(document({}), parameters)


@pytest.mark.parametrize(
    ("question", "variables", "field"),
    [
        ({"only": {"model": "$mode"}}, [MODEL, SEVERAL], "panels[0].lines[0].only.model"),
        ({}, [MODEL, MODEL, SEVERAL], "variables[1].name"),
        ({}, [MODEL | {"default": ["a", "b"]}, SEVERAL], "variables[0].default"),
        ({}, [MODEL | {"name": "Model"}], "variables[0].name"),
        ({}, [MODEL | {"name": f"m{n}"} for n in range(9)], "variables"),
    ],
)
def test_what_is_wrong_with_variables_is_said_where_it_is(question: dict[str, Any], variables: Any, field: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        document(question, variables=variables)
    assert refused.value.faults[0].field == field


def shown_panel(panel: dict[str, Any], *parameters: tuple[str, str]) -> dict[str, Any]:
    content = {"name": "own", "title": "Own", "variables": [MODEL, SEVERAL], "panels": [{"title": "P", **panel}]}
    result: dict[str, Any] = shown(document_reading.given(content), *parameters)["panels"][0]
    return result


HOSTILE = '") or status = "500" -- \\ \u202e <b>'


@pytest.mark.parametrize(
    "where",
    [
        "service = $service",
        "service != $service",
        "not service in ($service)",
        "not service = $service",
        "not (service in ($service, $model))",
        "not not ((service = $service))",
        "not service != $service",
    ],
)
def test_where_nothing_is_chosen_all_values_are_meant_and_none_is_excluded(where: str) -> None:
    panel = shown_panel({"kind": "query", "queries": [{"metric": "m", "aggregate": "count", "where": where}]})
    condition = parse_condition(panel["queries"][0]["where"])
    assert [matches(condition, labels) for labels in ({"service": "a"}, {"service": 1}, {})] == [True, True, True]
    beside = shown_panel({"kind": "query", "queries": [{"metric": "m", "aggregate": "count", "where": f'{where} and x = "y"'}]})
    condition = parse_condition(beside["queries"][0]["where"])
    assert [matches(condition, labels) for labels in ({"x": "y"}, {"x": "z", "service": "a"})] == [True, False]


def test_more_searches_at_once_than_are_asked_for_are_refused() -> None:
    own = document_reading.given(
        {"name": "own", "title": "Own", "variables": [SEVERAL, SEVERAL | {"name": "other"}], "panels": [SEARCHES]}
    )
    eight = [(f"var-{name}", str(n)) for name in ("service", "other") for n in range(8)]
    assert len(shown(own, *eight[:14])["panels"][0]["texts"]) == 48
    with pytest.raises(WrongChoice, match=r"text of panel Found would be 64 texts, more than 50"):
        shown(own, *eight)
    defaults = {"default": [str(n) for n in range(8)]}
    variables = [SEVERAL | defaults, SEVERAL | defaults | {"name": "other"}]
    with pytest.raises(InvalidDefinition) as refused:
        document_reading.given({"name": "own", "title": "Own", "variables": variables, "panels": [SEARCHES]})
    assert [fault.field for fault in refused.value.faults] == ["panels[0].text"]


SEARCHES = {"kind": "traces", "title": "Found", "text": "$service of $other"}


@pytest.mark.parametrize(
    ("expression", "parameters", "expected"),
    [
        ("count(a where model = $model)", [("var-model", "x")], 'count(a where model = "x")'),
        ("count(a where model = $model)", [], 'count(a where model prefix "")'),
        ("count(a where model != $model)", [], 'count(a where model prefix "")'),
        ("count(a where not model == $model)", [("var-model", "x")], 'count(a where not model = "x")'),
        (
            "count(a where service != $service and x = 'y') / count(a where service in ($service, \"c\"))",
            [("var-service", "b"), ("var-service", "a")],
            'count(a where not service in ("a", "b") and x = \'y\') / count(a where service in ("a", "b", "c"))',
        ),
        ("count(a where service in ($service, 'c'))", [], 'count(a where service prefix "")'),
        ("count(a where not service in ($service, 'c'))", [], "count(a where not service = 'c')"),
        (
            "count(a where not (service in ($service) and x = 'y'))",
            [],
            "count(a where not (service prefix \"\" and x = 'y'))",
        ),
        ("count(a where model = '$model') + count(b)", [("var-model", "x")], "count(a where model = '$model') + count(b)"),
        ('count("page-view" where "a b" = $model)', [("var-model", "x")], 'count("page-view" where "a b" = "x")'),
    ],
)
def test_an_expression_has_what_is_chosen(expression: str, parameters: list[tuple[str, str]], expected: str) -> None:
    panel = shown_panel({"kind": "query", "queries": [{"expression": expression}]}, *parameters)
    assert panel["queries"][0]["expression"] == expected


def test_a_query_without_a_name_is_called_by_what_was_written() -> None:
    queries = [
        {"expression": "count(a where model = $model)"},
        {"expression": "count(a)"},
        {"name": "b", "expression": "count(b)"},
    ]
    panel = shown_panel({"kind": "query", "queries": queries})
    assert [query.get("name", "") for query in panel["queries"]] == ["count(a where model = all)", "", "b"]


def test_what_is_chosen_is_a_text_of_the_expression_whatever_it_is() -> None:
    asked = {"metric": "llm_requests", "aggregate": "rate", "where": "model = $model", "only": {"service": "$service"}}
    query = shown_panel(
        {
            "kind": "query",
            "queries": [asked | {"name": "of $model"}, {"expression": "rate(llm_requests where model = $model)"}],
        },
        ("var-model", HOSTILE),
        ("var-service", HOSTILE),
    )["queries"]
    condition = parse_condition(query[0]["where"])
    assert condition == Compare("model", "=", HOSTILE)
    assert parse(query[1]["expression"]).expression == Term("rate", "llm_requests", condition)
    assert query[0]["only"] == {"service": (HOSTILE,)}
    assert query[0]["name"] == f"of {HOSTILE}"


@pytest.mark.parametrize(
    ("panel", "parameters", "expected"),
    [
        ({"kind": "traces", "service": "$model", "operation": "GET /$model"}, [], {"service": "", "operation": ""}),
        (
            {"kind": "traces", "service": "$model", "operation": "GET /$model", "text": "cost $$5"},
            [("var-model", "<x>")],
            {"service": "<x>", "operation": "GET /<x>", "text": "cost $5"},
        ),
        ({"kind": "traces", "attributes": ["a=$model", "size>=3"]}, [], {"attributes": ("size>=3",)}),
        ({"kind": "traces", "attributes": ["a=$model"]}, [("var-model", "b=c")], {"attributes": ("a=b=c",)}),
        ({"kind": "errors", "service": "$model", "text": "in $model"}, [("var-model", "m")], {"service": "m", "text": "in m"}),
        ({"kind": "service_map", "service": "$model"}, [("var-model", "m")], {"service": "m"}),
        ({"kind": "service_map", "service": "$service"}, BOTH, {"service": "", "services": ("a", "b")}),
        ({"kind": "service_map", "service": "$service"}, [], {"service": "", "services": ""}),
        (
            {"kind": "errors", "service": "$service", "services": ["c"], "text": "in $service"},
            BOTH,
            {"services": ("a", "b", "c"), "text": "", "texts": ("in a", "in b")},
        ),
        (
            {"kind": "traces", "service": "$service", "operation": "$service of $model", "attributes": ["size>=3"]},
            [*BOTH, ("var-model", "m")],
            {"services": ("a", "b"), "operations": ("a of m", "b of m"), "attributes": ("size>=3",)},
        ),
        (
            {"kind": "traces", "attributes": ["k=$service", "k!=$service", '["x=$service", "y"]', "k=$model"]},
            BOTH,
            {"attributes": ('["k=a","k=b"]', '["k!=a"]', '["k!=b"]', '["x=a","x=b","y"]')},
        ),
        ({"kind": "traces", "attributes": ["$model"]}, [("var-model", '["a"]')], {"attributes": ('["[\\"a\\"]"]',)}),
        (
            {"kind": "histogram", "values": {"metric": "m", "only": {"service": "$service"}}},
            [("var-service", "a"), ("var-service", "b")],
            {"values": {"metric": "m", "only": {"service": ("a", "b")}}},
        ),
    ],
)
def test_searches_and_histograms_have_what_is_chosen(
    panel: dict[str, Any], parameters: list[tuple[str, str]], expected: dict[str, Any]
) -> None:
    result = shown_panel(panel, *parameters)
    assert {field: result.get(field, "") for field in expected} == expected


@pytest.mark.parametrize(
    ("panel", "field", "error", "character"),
    [
        ({"kind": "histogram", "values": {"metric": "m", "only": {"a": "$gone"}}}, "values.only.a", "no variable gone", None),
        ({"kind": "query", "queries": [{"expression": "count($model)"}]}, "queries[0].expression", "may stand after =", 6),
        (
            {"kind": "query", "queries": [{"expression": "count(a where $model = 1)"}]},
            "queries[0].expression",
            "stand after",
            14,
        ),
        (
            {"kind": "query", "queries": [{"expression": "count(a where b prefix $model)"}]},
            "queries[0].expression",
            "stand",
            23,
        ),
        (
            {"kind": "query", "queries": [{"expression": "count(a where b = $gone)"}]},
            "queries[0].expression",
            "no variable gone",
            18,
        ),
        ({"kind": "query", "queries": [{"expression": "count(a where b = $model"}]}, "queries[0].expression", "expected )", 24),
        (
            {"kind": "query", "queries": [{"expression": "count(a where b = $Model)"}]},
            "queries[0].expression",
            "nothing here",
            18,
        ),
        (
            {"kind": "query", "queries": [{"metric": "a", "aggregate": "count", "where": "b ="}]},
            "queries[0].where",
            "expected",
            3,
        ),
    ],
)
def test_a_variable_where_none_may_stand_is_said_where_it_is(
    panel: dict[str, Any], field: str, error: str, character: int | None
) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        shown_panel(panel)
    (fault,) = refused.value.faults
    assert (fault.field, fault.character) == (f"panels[0].{field}", character)
    assert error in fault.error
