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


def retention(**fields: Any) -> dict[str, Any]:
    return {"kind": "retention", "title": "Who comes back"} | fields


def journeys(**fields: Any) -> dict[str, Any]:
    return {"kind": "journeys", "title": "After the first tea"} | fields


def test_a_funnel_is_stored_as_it_is_and_asked_over_the_range_that_is_shown() -> None:
    between = [{"event_type": "sign_out", "where": STEPS[0]["where"], "from_step": 1, "to_step": 2}]
    by = {"order": "any", "unit": "account", "account": "company", "gap_s": 60, "exclusions": between}
    panel = funnel(window_s=3600, breakdown="version", limit=5, **by)
    document = document_reading.given({"name": "t", "title": "T", "panels": [panel]})
    assert document_reading.decode(document_reading.encode(document)) == document

    def ask(path: str, body: Any) -> Any:
        assert path == "/api/analytics/funnel"
        assert json.loads(json.dumps(body)) == {
            "steps": STEPS,
            "window_s": 3600,
            "breakdown": "version",
            "limit": 5,
            **by,
            "from": 1,
            "to": 2,
        }
        return {"steps": []}

    assert answer_of(panel, 1, 2, ask) == {"steps": []}


@pytest.mark.parametrize(
    ("panel", "path", "question"),
    [
        (
            retention(
                interval="day",
                tz="Europe/Berlin",
                start={"event_types": ["page_view"]},
                **{"return": {"event_types": ["dharma_query"], "where": STEPS[1]["where"]}},
                where=STEPS[0]["where"],
                cohort="regulars",
                recurring=True,
                retention_kind="bracketed",
                brackets=["0", "1-3"],
                breakdown="version",
                limit=5,
            ),
            "/api/analytics/retention",
            {"kind": "bracketed"},
        ),
        (retention(), "/api/analytics/retention", {}),
        (
            journeys(
                event_types=["page_view"],
                where=STEPS[0]["where"],
                node="page",
                group=[{"pattern": "/tea/*", "name": "a tea"}],
                end=STEPS[1],
                max_steps=3,
                collapse_repeats=False,
                window_s=3600,
                latency="",
                errors=False,
                limit=5,
            ),
            "/api/analytics/paths",
            {},
        ),
    ],
    ids=["retention", "retention of any event", "journeys"],
)
def test_a_panel_asks_the_question_that_its_document_has(panel: dict[str, Any], path: str, question: dict[str, Any]) -> None:
    document = document_reading.given({"name": "t", "title": "T", "panels": [panel]})
    assert document_reading.decode(document_reading.encode(document)) == document
    fields = {name: value for name, value in panel.items() if name not in ("kind", "title", "retention_kind")}
    asked: list[Any] = []
    answer_of(panel, 1, 2, lambda *given: asked.append(json.loads(json.dumps(given))) or {})  # type: ignore[func-returns-value]
    assert asked == [[path, {**fields, **question, "from": 1, "to": 2}]]


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
        (funnel(order="sideways"), "order", "Invalid value 'sideways'"),
        (funnel(unit="account"), "account", "must be the property"),
        (funnel(account="company"), "account", "`unit: account`"),
        (funnel(order="strict", exclusions=STEPS[:1]), "exclusions", "leave exclusions out"),
        (funnel(exclusions=STEPS * 3), "exclusions", "length <= 4"),
        (funnel(exclusions=[STEPS[0] | {"to_step": 3}]), "exclusions[0].to_step", "has 2 steps"),
        (funnel(exclusions=[STEPS[0] | {"from_step": 2}]), "exclusions[0].from_step", "less than `to_step`"),
        (
            funnel(steps=STEPS * 2, order="any", exclusions=[STEPS[0] | {"to_step": 2}]),
            "exclusions[0].from_step",
            "leave it out",
        ),
        (funnel(exclusions=[{"event_type": "a", "until": 2}]), "exclusions[0].until", "unknown field"),
        (
            funnel(exclusions=[{"event_type": "a", "where": [{"property": "n", "op": ">", "value": "x"}]}]),
            "exclusions[0].where[0].value",
            "must be a number",
        ),
        (retention(kind_of="rolling"), "kind_of", "unknown field"),
        (retention(interval="hour"), "interval", "Invalid value 'hour'"),
        (retention(periods=0), "periods", ">= 1"),
        (retention(retention_kind="bracketed"), "brackets", "at least one range"),
        (retention(brackets=["1-3"]), "brackets", "leave them out"),
        (retention(retention_kind="bracketed", brackets=["1-3", "2-4"]), "brackets[1]", "must begin after"),
        (
            retention(**{"return": {"where": [{"property": "n", "op": ">", "value": "x"}]}}),
            "return.where[0].value",
            "must be a number",
        ),
        (journeys(start={}), "start", "an event_type or a condition"),
        (journeys(start=STEPS[0], end=STEPS[1]), "end", "leave one of them out"),
        (journeys(max_steps=21), "max_steps", "<= 20"),
        (journeys(group=[{"pattern": ""}]), "group[0].pattern", "length >= 1"),
        (journeys(end={"where": [{"property": "n", "op": "in"}]}), "end.where[0].values", "at least one value"),
    ],
)
def test_what_is_wrong_with_a_panel_is_said_at_its_field(panel: dict[str, Any], field: str, error: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        document_reading.given({"name": "t", "title": "T", "panels": [panel]})
    (fault,) = refused.value.faults
    assert fault.field == f"panels[0].{field}"
    assert error in fault.error
