"""Panels of what users do: checked when they are written, and asked as the page asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drishti.dashboards import document_reading
from drishti.dashboards.capsule_panels import answer_of
from drishti.measures.definition_checks import InvalidDefinition

STEPS: list[dict[str, Any]] = [
    {"event_type": "page_view", "where": [{"property": "page", "op": "prefix", "value": "/tea"}]},
    {"event_type": "feedback", "where": [{"property": "rating", "op": "in", "values": ["4", "5"]}]},
]


def funnel(**fields: Any) -> dict[str, Any]:
    return {"kind": "funnel", "title": "From tea to feedback", "steps": STEPS} | fields


def test_a_funnel_is_stored_as_it_is_and_asked_over_the_range_that_is_shown() -> None:
    panel = funnel(window_s=3600, breakdown="version", limit=5)
    document = document_reading.given({"name": "t", "title": "T", "panels": [panel]})
    assert document_reading.decode(document_reading.encode(document)) == document

    def ask(path: str, body: Any) -> Any:
        assert path == "/api/analytics/funnel"
        assert json.loads(json.dumps(body)) == {
            "steps": STEPS,
            "window_s": 3600,
            "breakdown": "version",
            "limit": 5,
            "from": 1,
            "to": 2,
        }
        return {"steps": []}

    assert answer_of(panel, 1, 2, ask) == {"steps": []}


@pytest.mark.parametrize(
    ("panel", "field", "error"),
    [
        (funnel(steps=STEPS[:1]), "steps", "length >= 2"),
        (funnel(steps=STEPS * 7), "steps", "length <= 12"),
        (funnel(window_s=0), "window_s", ">= 1"),
        (funnel(by="version"), "by", "unknown field"),
        (funnel(steps=[STEPS[0], {"event_type": ""}]), "steps[1].event_type", "length >= 1"),
        (funnel(steps=[STEPS[0], {"event_type": "a", "filters": []}]), "steps[1].filters", "unknown field"),
        (
            funnel(steps=[STEPS[0], {"event_type": "a", "where": [{"property": "n", "op": ">", "value": "x"}]}]),
            "steps[1].where[0].value",
            "must be a number",
        ),
        (
            funnel(steps=[STEPS[0], {"event_type": "a", "where": [{"property": "n", "op": "in", "value": "x"}]}]),
            "steps[1].where[0].values",
            "at least one value",
        ),
    ],
)
def test_what_is_wrong_with_a_funnel_is_said_at_its_field(panel: dict[str, Any], field: str, error: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        document_reading.given({"name": "t", "title": "T", "panels": [panel]})
    (fault,) = refused.value.faults
    assert fault.field == f"panels[0].{field}"
    assert error in fault.error
