"""What a dashboard may be: documents are read back as they were written, and what is wrong is named with its field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard_stream.boards.dashboards import dashboard_of
from dashboard_stream.boards.ready import READY, ready
from drishti.dashboards import document_reading, documents, panels
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.panels import Heatmap, Stat, TimeSeries, questions
from drishti.measures.built_in import FED
from drishti.measures.definition_checks import InvalidDefinition

RATE = {"metric": "requests", "field": "rate"}


def dashboard(*panels: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "d", "title": "D", "panels": list(panels), **more}


def stat(**more: Any) -> dict[str, Any]:
    return {"kind": "stat", "title": "Requests", "value": RATE, **more}


def faults(document: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDefinition) as wrong:
        document_reading.given(document)
    return [(fault.field, fault.error) for fault in wrong.value.faults]


@pytest.mark.parametrize("document", ready(FED), ids=READY)
def test_a_ready_dashboard_is_read_back_as_it_is(document: DashboardDocument) -> None:
    assert document_reading.decode(document_reading.encode(document)) == document
    assert all(panel.id for panel in document.panels)


@pytest.mark.parametrize("document", ready(FED), ids=READY)
def test_nothing_of_a_ready_dashboard_is_left_out_where_everything_is_measured(document: DashboardDocument) -> None:
    assert dashboard_of(document, FED).document == document


def test_one_number_that_several_panels_ask_is_one_reading() -> None:
    by_service = {**RATE, "by": "service"}
    document = document_reading.given(
        dashboard(
            stat(),
            {"kind": "time_series", "title": "By service", "lines": [by_service]},
            {"kind": "table", "title": "Status", "by": "status", "head": "Status", "columns": [{**RATE, "title": "now"}]},
            {"kind": "heatmap", "title": "Topics", "rows": {"metric": "topics", "field": "count", "by": "topic"}},
            {"kind": "time_series", "title": "CPU", "lines": [CPU]},
            feed=[{"metric": "events", "field": "count", "span": "1h"}],
        )
    )
    readings = {reading.name: reading for reading in dashboard_of(document, FED).readings}
    assert {name: (r.by, r.total, r.value) for name, r in readings.items()} == {
        "requests.rate": (("service", "status"), True, True),
        "topics.count": (("topic",), True, False),
        "cpu_utilization.avg": (("service",), False, True),
        "events.count.1h": ((), True, True),
    }


def test_words_ask_nothing_and_stay_and_all_other_kinds_ask() -> None:
    by_status = {**RATE, "by": "status"}
    document = document_reading.given(
        dashboard(
            {"kind": "text", "title": "Words", "text": "# Read me"},
            {"kind": "gauge", "title": "Gauge", "value": RATE, "max": 10, "limits": {"target": 5, "warn": 2, "bad": 1}},
            {"kind": "bar", "title": "Bars", "bars": by_status, "top": 3},
            {"kind": "pie", "title": "Parts", "parts": by_status, "style": "treemap"},
        )
    )
    assert document_reading.decode(document_reading.encode(document)) == document
    shown = dashboard_of(document, FED)
    assert [(place, q.field) for panel in shown.document.panels for place, q in questions(panel)] == [
        ("value", "rate"),
        ("bars", "rate"),
        ("parts", "rate"),
    ]
    assert [(r.name, r.by) for r in shown.readings] == [("requests.rate", ("status",))]


def test_panels_of_insights_follow_metrics_that_nothing_else_shows() -> None:
    def followed(*panels: dict[str, Any]) -> frozenset[str]:
        return dashboard_of(document_reading.given(dashboard(*panels)), FED).metrics

    shown = {"kind": "gauge", "title": "Gauge", "value": RATE}
    assert followed(shown, {"kind": "events", "title": "e"}) == {"requests"}
    assert followed(shown, {"kind": "incidents", "title": "i", "metrics": ["llm_tokens", "gone"]}) == {"requests", "llm_tokens"}
    assert followed({"kind": "forecast_scores", "title": "f", "all_metrics": True}) == FED.keys()


def test_what_is_asked_of_stored_spans_and_numbers_asks_nothing_of_frames() -> None:
    document = document_reading.given(
        dashboard(
            {"kind": "traces", "title": "t", "service": "web", "failed": True, "attributes": ["size>=3"], "order": "slowest"},
            {"kind": "errors", "title": "e", "status": "any"},
            {"kind": "service_map", "title": "m"},
            {"kind": "histogram", "title": "h", "values": {"metric": "request_duration_ms", "only": {"service": "web"}}},
            {"kind": "histogram", "title": "over", "style": "heatmap", "values": {"metric": "request_duration_ms"}},
            {"kind": "histogram", "title": "No percentiles", "values": {"metric": "requests"}},
        )
    )
    assert document_reading.decode(document_reading.encode(document)) == document
    shown = dashboard_of(document, FED)
    assert [panel.title for panel in shown.document.panels] == ["t", "e", "m", "h", "over"]
    assert shown.readings == ()


def query(*queries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "query", "title": "Q", "queries": list(queries), **more}


def test_a_panel_of_queries_stays_whatever_it_asks_and_asks_nothing_of_frames() -> None:
    document = document_reading.given(
        dashboard(
            query({"expression": '100 * errors(gone where a = "b") / count(gone)', "group_by": ["a"], "top": 3}, show="bar"),
            query({"metric": "requests", "aggregate": "p95", "where": "service exists", "only": {"service": ["a", "b"]}}),
            query({"metric": "signups@1", "aggregate": "count"}, show="stat", limits={"target": 3}, resolution="1d"),
        )
    )
    assert document_reading.decode(document_reading.encode(document)) == document
    shown = dashboard_of(document, FED)
    assert shown.document == document
    assert shown.readings == ()


@pytest.mark.parametrize(
    ("panel", "field", "error"),
    [
        (query(), "queries", "length >= 1"),
        (query({}), "queries[0].metric", "one of the two"),
        (query({"metric": "a", "expression": "count(a)"}), "queries[0].metric", "one of the two"),
        (query({"metric": "a"}), "queries[0].aggregate", "is missing"),
        (query({"expression": "count(a)", "where": "b exists"}), "queries[0].where", "has its conditions inside"),
        (query({"expression": "count(a)", "only": {"a": "b"}}), "queries[0].only", "has its conditions inside"),
        (query({"expression": "count(a"}), "queries[0].expression", "expected )"),
        (query({"expression": "count(a)", "top": 3}), "queries[0].top", "is for groups"),
        (query({"expression": "count(a)", "group_by": ["b", "b"]}), "queries[0].group_by", "may be there once"),
        (query({"expression": "count(a)", "group_by": ["b"]}, show="stat"), "queries[0].group_by", "no groups"),
        (query({"metric": "a", "aggregate": "p95", "group_by": ["b"]}, show="pie"), "queries[0].aggregate", "does not add up"),
        (query({"metric": "a", "aggregate": "p95", "group_by": ["b"]}, show="stacked"), "queries[0].aggregate", "not add up"),
        (query({"expression": "count(a)"}, resolution="2m"), "resolution", "Invalid value '2m'"),
        (query({"expression": "count(a)"}, limits={"target": 1, "bad": 2}), "limits.target", "must not be below bad"),
    ],
)
def test_what_is_wrong_with_queries_is_said_where_it_is(panel: dict[str, Any], field: str, error: str) -> None:
    found = faults(dashboard(panel))
    assert found[0][0] == f"panels[0].{field}"
    assert error in found[0][1]


CPU = {"metric": "cpu_utilization", "field": "avg", "by": "service", "total": False}


def test_questions_of_what_a_tenant_does_not_measure_are_left_out_and_panels_of_nothing_else() -> None:
    unknown = {"metric": "gone", "field": "rate"}
    document = document_reading.given(
        dashboard(
            stat(more=[{**unknown, "text": "gone"}]),
            stat(value=unknown),
            stat(value={**RATE, "field": "p95"}),
            {"kind": "time_series", "title": "Some", "lines": [RATE, unknown]},
            {"kind": "time_series", "title": "None", "lines": [unknown]},
            {"kind": "heatmap", "title": "None", "rows": {**unknown, "by": "x"}},
            {"kind": "table", "title": "None", "by": "x", "head": "X", "columns": [{**unknown, "title": "now"}]},
            {"kind": "gauge", "title": "None", "value": unknown},
            {"kind": "bar", "title": "None", "bars": {**unknown, "by": "x"}},
            {"kind": "pie", "title": "None", "parts": {**unknown, "by": "x"}},
            feed=[unknown],
        )
    )
    shown = dashboard_of(document, FED)
    tile, chart = shown.document.panels
    assert isinstance(tile, Stat)
    assert isinstance(chart, TimeSeries)
    assert (tile.more, len(chart.lines), shown.document.feed) == ((), 1, ())
    assert shown.metrics == {"requests"}


def test_a_panel_without_an_id_gets_one_from_its_title_and_keeps_it() -> None:
    panels = [stat(), stat(), stat(title="Über 5 %!"), stat(title="–"), stat(id="requests-2")]
    ids = [panel.id for panel in document_reading.given(dashboard(*panels)).panels]
    assert ids == ["requests", "requests-3", "ber-5", "stat", "requests-2"]


@pytest.mark.parametrize(
    ("document", "field", "error"),
    [
        ([], "", "Expected `object`, got `array`"),
        ({"title": "t"}, "name", "missing required field"),
        (dashboard(nmae="x"), "nmae", "unknown field `nmae`; do you mean name?"),
        (dashboard(name="No Token"), "name", "regex"),
        (dashboard(stat(kind="sankey")), "panels[0].kind", "Invalid value 'sankey'; there are stat,"),
        (dashboard(stat(value={"metric": "requests"})), "panels[0].value.field", "missing required field"),
        (dashboard(stat(value={**RATE, "over_s": 0})), "panels[0].value.over_s", ">= 1"),
        (dashboard(stat(id="a"), stat(id="a")), "panels[1].id", "'a' is the id of panels[0] already"),
        (dashboard({"kind": "heatmap", "title": "t", "rows": RATE}), "panels[0].rows.by", "must name the dimension"),
        (
            dashboard({"kind": "time_series", "title": "t", "style": "stacked", "lines": [{**RATE, "field": "error_rate"}]}),
            "panels[0].lines[0].field",
            "does not add up",
        ),
        (
            dashboard({"kind": "time_series", "title": "t", "lines": [RATE], "thresholds": [{"value": 1, "word": ""}]}),
            "panels[0].thresholds[0].word",
            "length >= 1",
        ),
        (
            dashboard({"kind": "time_series", "title": "t", "lines": [RATE], "bands": [{"word": "w", "lower": 2, "upper": 2}]}),
            "panels[0].bands[0].upper",
            "above lower",
        ),
        (
            dashboard({"kind": "time_series", "title": "t", "lines": [RATE], "bands": [{"word": "w"}]}),
            "panels[0].bands[0]",
            "a lower or an upper end",
        ),
        (dashboard({"kind": "bar", "title": "t", "bars": RATE}), "panels[0].bars.by", "must name the dimension"),
        (dashboard({"kind": "bar", "title": "t", "bars": RATE, "top": 17}), "panels[0].top", "<= 16"),
        (dashboard({"kind": "pie", "title": "t", "parts": RATE}), "panels[0].parts.by", "must name the dimension"),
        (
            dashboard({"kind": "pie", "title": "t", "parts": {"metric": "llm_duration_ms", "field": "p95", "by": "model"}}),
            "panels[0].parts.field",
            "does not add up",
        ),
        (dashboard({"kind": "gauge", "title": "t", "value": RATE, "min": 3, "max": 3}), "panels[0].max", "above min"),
        (dashboard({"kind": "gauge", "title": "t", "value": RATE, "max": float("nan")}), "panels[0].max", "1e+300"),
        (dashboard(stat(limits={"target": 1, "bad": 2})), "panels[0].limits.target", "must not be below bad"),
        (dashboard({"kind": "text", "title": "t", "text": ""}), "panels[0].text", "length >= 1"),
        (
            dashboard({"kind": "time_series", "title": "t", "lines": [RATE], "range": [5, 5]}),
            "panels[0].range",
            "must rise",
        ),
        (
            dashboard({"kind": "table", "title": "t", "by": "a", "head": "A", "columns": [{**RATE, "by": "b", "title": "x"}]}),
            "panels[0].columns[0].by",
            "the rows of this table are values of 'a'",
        ),
        (
            dashboard(stat(), {"kind": "time_series", "title": "t", "lines": [{**RATE, "resolution": "1m"}]}),
            "panels[1].lines[0].resolution",
            "panels[0].value asks for the same with '1s'",
        ),
        (dashboard(*[stat()] * (panels.MAX_PANELS + 1)), "panels", "length <= 100"),
        (dashboard(schema=2), "schema", "a later one needs a later Drishti"),
        (dashboard(schema="1"), "schema", "must be a version"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(document: object, field: str, error: str) -> None:
    (fault,) = faults(document)
    assert fault[0] == field
    assert error in fault[1]


def test_text_that_is_no_document_is_refused() -> None:
    for text in (b"", b"{", b"\xff", b"[" * 100_000, b'{"name": "' + b"x" * document_reading.MAX_BYTES + b'"}'):
        with pytest.raises(InvalidDefinition):
            document_reading.decode(text)


def test_a_document_of_an_earlier_version_is_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(document: dict[str, Any]) -> dict[str, Any]:
        return {"title": document["heading"], **{name: value for name, value in document.items() if name != "heading"}}

    monkeypatch.setattr(document_reading, "SCHEMA", 2)
    monkeypatch.setitem(documents.MIGRATIONS, 1, renamed)
    assert document_reading.given({"schema": 1, "name": "d", "heading": "Old"}).title == "Old"
    assert document_reading.given({"schema": 2, "name": "d", "title": "New"}).title == "New"


def test_questions_say_where_they_are_asked() -> None:
    document = document_reading.given(
        dashboard(stat(more=[{**RATE, "text": "x"}]), {"kind": "heatmap", "title": "t", "rows": {**RATE, "by": "service"}})
    )
    assert [place for panel in document.panels for place, _ in questions(panel)] == ["value", "more[0]", "rows"]
    assert isinstance(document.panels[1], Heatmap)
    assert "schema" not in msgspec.to_builtins(document)


def test_a_layout_is_kept_for_every_width() -> None:
    layout = {"columns": 8, "rows": 3, "x": 4, "tablet": {"columns": 12}, "phone": {"hidden": True}}
    document = document_reading.given(dashboard(stat(layout=layout)))
    assert document_reading.decode(document_reading.encode(document)) == document
    assert msgspec.to_builtins(document.panels[0])["layout"] == layout
    assert msgspec.to_builtins(dashboard_of(document, FED).document.panels[0])["layout"] == layout


@pytest.mark.parametrize(
    ("layout", "field"),
    [
        ({"columns": 13}, "columns"),
        ({"columns": 0}, "columns"),
        ({"rows": 25}, "rows"),
        ({"x": 12}, "x"),
        ({"columns": 6, "x": 7}, "x"),
        ({"phone": {"columns": 0}}, "phone.columns"),
        ({"tablet": {"x": 3}}, "tablet"),
        ({"width": 3}, ""),
    ],
)
def test_a_layout_that_does_not_fit_the_grid_is_named_with_its_field(layout: dict[str, Any], field: str) -> None:
    at = ".".join(part for part in ("panels[0].layout", field) if part)
    assert [place for place, _ in faults(dashboard(stat(layout=layout)))] in ([at], [f"{at}.x"], [f"{at}.width"])
