"""What a dashboard shows can be asked, to the last digit: both services compute from the same cells."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.publish.aggregates import aggregate_series
from analytics.rollup import uniques
from analytics.rollup.cells import Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from analytics.storage.rows import NamedRow
from dashboard_stream.boards.dashboards import dashboard_of
from dashboard_stream.boards.readings import TOTAL, Reading
from dashboard_stream.boards.ready import ready
from dashboard_stream.live.history import History, merge
from dashboard_stream.live.values import needs, points, series_of, values_now
from drishti.events import RESOLUTION_MS, Aggregate, Query
from drishti.measures.built_in import FED, PACKS
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.effective import merged
from drishti.measures.fields import meaning
from rigs.rollup_rows import answered

METRICS = merged((), frozenset(PACKS))
START = 1_800_000_000_000
BOARDS = [dashboard_of(document, METRICS.definitions) for document in ready(METRICS.definitions)]
LINES = {reading.name: reading for board in BOARDS for reading in board.readings if reading.span is None}
TOTALS = {reading.name: reading for board in BOARDS for reading in board.readings if reading.span == "1h"}
NAMES = ("result", "service", "route", "status", "model", "direction", "event_type", "topic", "cache")
VALUES = {name: ("hit", "miss") if name == "result" else ("a", "b") for name in NAMES}

Cells = dict[tuple[int, Labels], list[float]]


def cell(metric: MetricDefinition, values: list[float], errors: int) -> Cell:
    """As ingest makes it; whole numbers, so that sums do not depend on their order."""
    if metric.kind is Kind.UNIQUE:
        return Cell(count=len(values), sketch=uniques.sketch(map(str, values)))
    if metric.kind is Kind.COUNTER:
        return Cell(count=len(values), errors=min(errors, len(values)), sum=float(len(values)))
    extremes = {"min": min(values), "max": max(values)}
    histogram = Histogram.of(values) if metric.kind is Kind.DISTRIBUTION else None
    return Cell(count=len(values), errors=min(errors, len(values)), sum=sum(values), histogram=histogram, **extremes)


@st.composite
def measured(draw: st.DrawFn, readings: dict[str, Reading]) -> tuple[Reading, list[NamedRow]]:
    """A reading, and rows of its metric in some windows, of two writers."""
    reading = readings[draw(st.sampled_from(sorted(readings)))]
    metric = FED[reading.metric]
    labels = st.tuples(*(st.sampled_from(VALUES[name]) for name in metric.dimensions))
    resolution = "1h" if reading.span else reading.resolution
    windows = st.integers(0, 0 if reading.span else 4)
    values = st.lists(st.integers(0, 5000).map(float), min_size=1, max_size=6)
    result = draw(st.lists(st.tuples(windows, labels, values, st.integers(0, 6)), min_size=1, max_size=12))

    def window(at: int) -> Window:
        return Window(resolution, "t", metric.token, START + at * RESOLUTION_MS[resolution])

    return reading, [NamedRow(window(at), chosen, cell(metric, seen, errors)) for at, chosen, seen, errors in result]


def shown(reading: Reading, result: list[NamedRow]) -> History:
    """The history of a dashboard that got the aggregates of ``result``."""
    history = History(merge(needs(reading)))
    by_window: dict[Window, list[tuple[Labels, Cell]]] = {}
    for row in result:
        by_window.setdefault(row.window, []).append((row.labels, row.cell))
    for window, cells in sorted(by_window.items()):
        metric = FED[window.metric]
        series = aggregate_series(metric, cells)
        resolution: Any = window.resolution
        history.take(
            Aggregate(
                tenant="t", metric=metric.token, unit=metric.unit, resolution=resolution, window_start=window.start, revision=1,
                published_at=window.start, series=series,
            ),
            window.start + 1,
        )  # fmt: skip
    return history


def asked(reading: Reading, result: list[NamedRow], labels: Labels | tuple[tuple[str, str], ...], end: int) -> Any:
    """The answer about one series of a reading: its points, and its total."""
    resolution: Any = "1h" if reading.span else reading.resolution
    question = Query(
        tenant="t",
        metric=reading.metric,
        aggregate=reading.field,
        from_ms=START,
        to_ms=end,
        resolution=resolution,
        filters=dict(labels),  # type: ignore[arg-type]
    )
    (series,) = answered(question, {"1s": 0, "1m": 0, "1h": 0}, METRICS, result, end).series
    return series


def tidy(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(measured(LINES))
def test_a_line_is_what_is_answered_window_by_window(case: tuple[Reading, list[NamedRow]]) -> None:
    reading, result = case
    history = shown(reading, result)
    table = history.table(reading.metric, reading.resolution)
    for labels in series_of(table, reading):
        line = {at: number for at, number in points(table, labels, reading, table.starts(0)) if number is not None}
        series = asked(reading, result, labels, START + 5 * RESOLUTION_MS[reading.resolution])
        assert line == {at: tidy(number) for at, number in series.points if number is not None}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(measured({name: reading for name, reading in LINES.items() if reading.value and reading.resolution == "1s"}))
def test_a_quotient_now_is_what_is_answered_of_its_range(case: tuple[Reading, list[NamedRow]]) -> None:
    reading, result = case
    if meaning(FED[reading.metric], reading.field).denominator != "count":
        return
    newest = max(row.window.start for row in result)
    for name, now in values_now(shown(reading, result), [reading], newest + 1).items():
        labels = tuple(part.split("=") for part in name[len(reading.name) + 1 : -1].split(",") if part)
        series = asked(reading, result, tuple((one, other) for one, other in labels) or TOTAL, newest + 1_000)
        assert now == tidy(series.total)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(measured(TOTALS))
def test_a_running_total_is_what_is_answered_of_its_hours(case: tuple[Reading, list[NamedRow]]) -> None:
    reading, result = case
    if reading.field == "uniques":
        return
    for name, now in values_now(shown(reading, result), [reading], START + 1).items():
        labels = tuple(part.split("=") for part in name[len(reading.name) + 1 : -1].split(",") if part)
        series = asked(reading, result, tuple((one, other) for one, other in labels), START + 3_600_000)
        assert now == tidy(series.total)
