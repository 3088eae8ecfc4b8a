"""What an address chooses of a dashboard: equal choices are equal, and mistakes are refused with what there is."""

from __future__ import annotations

import pytest

from drishti.dashboards import document_reading
from drishti.dashboards.choices import Choice, choice_of
from drishti.dashboards.variables import WrongChoice

DOCUMENT = document_reading.given(
    {
        "name": "own",
        "title": "own",
        "variables": [{"name": "service", "metric": "requests", "dimension": "service", "several": True}],
        "panels": [
            {"kind": "stat", "title": "Rate", "value": {"metric": "requests", "field": "rate"}},
            {"kind": "stat", "title": "Errors now", "value": {"metric": "requests", "field": "error_rate"}},
        ],
    }
)


@pytest.mark.parametrize(
    "parameters",
    [
        [("panels", "rate,errors-now"), ("var-service", "a")],
        [("var-service", "a"), ("panels", "errors-now,rate,rate")],
        [("panels", "rate"), ("var-service", "a"), ("panels", " errors-now ,"), ("var-service", "a")],
    ],
)
def test_equal_choices_are_equal(parameters: list[tuple[str, str]]) -> None:
    assert choice_of(DOCUMENT, parameters) == Choice((("service", ("a",)),), ("errors-now", "rate"))


def test_who_chooses_no_panel_gets_all() -> None:
    assert (
        choice_of(DOCUMENT, []) == choice_of(DOCUMENT, [("panels", "")]) == choice_of(DOCUMENT, [("panels", ",")]) == Choice()
    )


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        (("panels", "rate,latency"), "own has no panel 'latency'; it has rate, errors-now"),
        (("panels", "Rate"), "it has rate, errors-now"),
        (("panel", "rate"), "there is no parameter 'panel'; there are panels and var-<variable>"),
        (("var-model", "a"), "no variable 'model'; it has service"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(parameter: tuple[str, str], says: str) -> None:
    with pytest.raises(WrongChoice) as refused:
        choice_of(DOCUMENT, [parameter])
    assert says in str(refused.value)
