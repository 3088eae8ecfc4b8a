"""Variables of a dashboard: chosen by an address, put into questions and titles, never into the document."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drishti.dashboards import document_reading
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.variables import WrongChoice, chosen_of, resolved
from drishti.measures.definition_checks import InvalidDefinition

MODEL = {"name": "model", "metric": "llm_requests", "dimension": "model"}
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
