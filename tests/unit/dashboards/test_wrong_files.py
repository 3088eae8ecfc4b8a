"""Forty documents that are wrong: each fault names file, line, panel and field, and the nearest names that would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from drishti.dashboards import document_files
from drishti.measures.registry import DEFAULTS
from drishti.yaml_files import WrongFiles

RATE = "{metric: requests, field: rate}"
HEAD = "name: d\ntitle: D\npanels:\n"


def panel(kind: str, *fields: str) -> str:
    """A document whose one panel begins at line 4; its fields begin at line 6."""
    return HEAD + "\n".join([f"  - kind: {kind}", "    title: Orders", *(f"    {field}" for field in fields)]) + "\n"


def problems(folder: Path, text: str, *, strict: bool = True) -> list[str]:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(WrongFiles) as wrong:
        document_files.check_metrics(document_files.read([folder]), lambda _: DEFAULTS, strict=strict)
    return [problem.removeprefix(f"{folder}/") for problem in wrong.value.problems]


def query(text: str, *more: str) -> str:
    return panel("query", f"queries: [{text}]", *more)


def asked(expression: str) -> str:
    return query("{expression: '" + expression + "'}")


WRONG = [
    ("- 7\n", ":1: ", "must be a mapping", ""),
    ("title: D\n", ":1: name: ", "missing required field", ""),
    ("name: No Token\ntitle: D\n", ":1: name: ", "regex", ""),
    ("name: own_metrics\ntitle: D\n", ":1: name: ", "everybody has", ""),
    ("name: d\ntitle: D\ntenant: 3\n", ":3: tenant: ", "must be a text", ""),
    ("name: d\ntitle: D\ntenant: Ac me\n", ":3: tenant: ", "cannot be a tenant", ""),
    ("name: d\ntitle: D\npanel: []\n", ":3: panel: ", "unknown field", "panels"),
    ("name: d\ntitle: D\nschema: 9\n", ":3: schema: ", "a later one", ""),
    ("name: d\ntitle: 2026-01-01\n", ":2: title: ", "Expected `str`", ""),
    ('name: d\ntitle: "a\\0b"\n', ":2: title: ", "U+0000", ""),
    ('name: d\ntitle: "a\\u202Eb"\n', ":2: title: ", "U+202E", ""),
    ('name: d\ntitle: D\ndescription: "a\\eb"\n', ":3: description: ", "U+001B", ""),
    ("name: d\ntitle: D\npanels: {}\n", ":3: panels: ", "Expected `array`", ""),
    (panel("stta", f"value: {RATE}"), ":4: panel 'Orders': panels[0].kind: ", "Invalid value 'stta'", "stat"),
    (HEAD + "  - title: Orders\n", ":4: panel 'Orders': panels[0].kind: ", "missing", "there are stat, time_series"),
    (HEAD + "  - stat\n", ":4: panels[0]: ", "Expected `object`", ""),
    (HEAD + f"  - {{kind: stat, value: {RATE}}}\n", ":4: panels[0].title: ", "missing", ""),
    (panel("stat", f"valeu: {RATE}"), ":6: panel 'Orders': panels[0].valeu: ", "unknown field", "value"),
    (
        panel("stat", "value: {metric: requests, feild: rate}"),
        ":6: panel 'Orders': panels[0].value.feild: ",
        "unknown",
        "field",
    ),
    (panel("stat", "value: {metric: requests, field: rtae}"), ":6: panel 'Orders': panels[0].value.field: ", "rtae", "rate"),
    (panel("stat", "value: {metric: reqests, field: rate}"), ":6: panel 'Orders': panels[0].value.metric: ", "yet", "requests"),
    (panel("stat", f"value: {RATE}", "unit: 7"), ":7: panel 'Orders': panels[0].unit: ", "Expected `str`", ""),
    (panel("stat", f"value: {RATE}", 'unit: "a\\ab"'), ":7: panel 'Orders': panels[0].unit: ", "U+0007", ""),
    (
        panel("stat", "value: {metric: requests, field: rate, only: {servic: a}}"),
        ":6: panel 'Orders': panels[0].value.only: ",
        "no dimension 'servic'",
        "service",
    ),
    (
        panel("stat", "value: {metric: requests, field: rate, only: {A B: a}}"),
        ":6: panel 'Orders': panels[0].value.only: ",
        "not 'A B'",
        "",
    ),
    (
        panel("stat", "value: {metric: requests, field: rate, only: {service: $servce}}"),
        ":6: panel 'Orders': panels[0].value.only.service: ",
        "no variable servce",
        "",
    ),
    (panel("bar", "bars: {metric: requests, field: rate}"), ":6: panel 'Orders': panels[0].bars.by: ", "must name", ""),
    (
        panel("bar", "bars: {metric: requests, field: rate, by: servise}"),
        ":6: panel 'Orders': panels[0].bars.by: ",
        "no dimension",
        "service",
    ),
    (panel("time_series", f"lines: [{RATE}]", "style: stackd"), ":7: panel 'Orders': panels[0].style: ", "stackd", "stacked"),
    (panel("time_series", "lines: []"), ":6: panel 'Orders': panels[0].lines: ", "length >= 1", ""),
    (panel("gauge", f"value: {RATE}", "min: 3", "max: 2"), ":8: panel 'Orders': panels[0].max: ", "above min", ""),
    (panel("stat", f"value: {RATE}", "layout: {colums: 3}"), ":7: panel 'Orders': panels[0].layout.colums: ", "", "columns"),
    (panel("events", "severity: critcal"), ":6: panel 'Orders': panels[0].severity: ", "critcal", "critical"),
    (panel("incidents", "metrics: [requests, reqests]"), ":6: panel 'Orders': panels[0].metrics[1]: ", "reqests", "requests"),
    (
        panel("histogram", "values: {metric: requests}"),
        ":6: panel 'Orders': panels[0].values.metric: ",
        "only a distribution",
        "",
    ),
    (query("{expression: count(a)}", "show: lnie"), ":7: panel 'Orders': panels[0].show: ", "lnie", "line"),
    (
        query("{metric: request_duration_ms, aggregate: avrg}"),
        ":6: panel 'Orders': panels[0].queries[0].aggregate: ",
        "no aggregate 'avrg'",
        "avg",
    ),
    (
        asked("p95x(request_duration_ms)"),
        ":6: panel 'Orders': panels[0].queries[0].expression: ",
        "no aggregate 'p95x'",
        "p95",
    ),
    (asked("cuont(signed_up)"), ":6: panel 'Orders': panels[0].queries[0].expression: ", "signed_up", ""),
    (asked("count(requests"), ":6: panel 'Orders': panels[0].queries[0].expression: ", "expected )", ""),
    (
        "name: d\ntitle: D\nvariables:\n  - {name: m, metric: requests, dimension: sevice}\n",
        ":4: variables[0].dimension: ",
        "no dimension",
        "service",
    ),
]


@pytest.mark.parametrize(("text", "place", "error", "near"), WRONG)
def test_a_fault_names_line_panel_field_and_what_would_be_right(
    tmp_path: Path, text: str, place: str, error: str, near: str
) -> None:
    said = problems(tmp_path, text)[0].splitlines()[0]
    assert said.startswith(f"a.yaml{place}")
    assert error in said
    assert near in said.removeprefix(f"a.yaml{place}")


def test_there_are_forty_of_them() -> None:
    assert len(WRONG) >= 40


def test_every_panel_that_is_wrong_is_named_at_once_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    text = (
        panel("stta", f"value: {RATE}")
        + "  - {kind: gauge, title: Load, value: {metric: requests, field: rate}, min: 2, max: 1}\n"
        + "  - {kind: stat, title: Sold, value: {metric: requests}}\n"
        + "feed:\n  - {metric: requests}\n"
    )
    assert [problem.split(": ")[0] for problem in problems(tmp_path, text)] == ["a.yaml:4", "a.yaml:8", "a.yaml:10", "a.yaml:7"]


def test_what_is_not_measured_yet_is_a_warning_where_nobody_is_strict(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(panel("stat", "value: {metric: orders, field: rate}"))
    (warning,) = document_files.check_metrics(document_files.read([tmp_path]), lambda _: DEFAULTS)
    assert "a.yaml:6: panel 'Orders': panels[0].value.metric: there is no metric 'orders' yet" in warning


def test_scripts_and_emoji_are_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "name: d\ntitle: مرحبا 👩\u200d💻 नमस्ते\ndescription: |\n  one\n  \ttwo\n", encoding="utf-8"
    )
    (wanted,) = document_files.read([tmp_path])
    assert wanted.document.title == "مرحبا 👩\u200d💻 नमस्ते"


def test_what_files_and_their_fields_are_called_is_no_command_to_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[31m"
    folder.mkdir()
    (folder / "a.yaml").write_text(HEAD + ' []\n"\\e[2Jx": 5\n')
    with pytest.raises(WrongFiles) as wrong:
        document_files.check_metrics(document_files.read([folder]), lambda _: DEFAULTS, strict=True)
    assert "\x1b" not in str(wrong.value)
    assert r"a\x1b[31m/a.yaml" in str(wrong.value)
    assert r"\x1b[2Jx" in str(wrong.value)
